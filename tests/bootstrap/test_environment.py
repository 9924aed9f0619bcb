"""An environment is complete or made again; a second start takes no time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bootstrap import environment, installer


@dataclass
class Recorder:
    """An installer that makes an environment of one file and writes down what it was asked for."""

    breaks: bool = False
    created: int = 0
    installed: list[list[str]] = field(default_factory=list)

    def create(self, folder: Path) -> None:
        self.created += 1
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").touch()

    def install(self, python: Path, locks: Sequence[Path]) -> None:
        if self.breaks:
            raise KeyboardInterrupt
        self.installed.append([lock.name for lock in locks])


@pytest.fixture
def checkout(tmp_path: Path) -> environment.Checkout:
    for name in ("app.txt", "dev.txt"):
        (tmp_path / name).write_text(f"{name}==1\n")
    return environment.Checkout(tmp_path)


def locks(checkout: environment.Checkout, *names: str) -> list[Path]:
    return [checkout.root / name for name in names]


def test_a_first_start_makes_the_environment(checkout: environment.Checkout) -> None:
    used = Recorder()
    python = checkout.ready("venv", locks(checkout, "app.txt"), installer=lambda: used)
    assert python == checkout.local / "venv" / "bin" / "python"
    assert (used.created, used.installed) == (1, [["app.txt"]])


def test_a_second_start_asks_no_installer(checkout: environment.Checkout) -> None:
    checkout.ready("venv", locks(checkout, "app.txt"), installer=Recorder)
    unused = Recorder()
    checkout.ready("venv", locks(checkout, "app.txt"), installer=lambda: unused)
    assert (unused.created, unused.installed) == (0, [])


def test_only_changed_or_added_locks_are_installed(checkout: environment.Checkout) -> None:
    checkout.ready("venv", locks(checkout, "app.txt"), installer=Recorder)
    used = Recorder()
    checkout.ready("venv", locks(checkout, "app.txt", "dev.txt"), installer=lambda: used)
    (checkout.root / "app.txt").write_text("app.txt==2\n")
    checkout.ready("venv", locks(checkout, "app.txt", "dev.txt"), installer=lambda: used)
    assert (used.created, used.installed) == (0, [["dev.txt"], ["app.txt"]])


def test_an_interrupted_set_up_begins_from_nothing(checkout: environment.Checkout) -> None:
    with pytest.raises(KeyboardInterrupt):
        checkout.ready("venv", locks(checkout, "app.txt"), installer=lambda: Recorder(breaks=True))
    half_installed = checkout.local / "venv" / "half-installed"
    half_installed.touch()
    used = Recorder()
    checkout.ready("venv", locks(checkout, "app.txt"), installer=lambda: used)
    assert (used.created, used.installed) == (1, [["app.txt"]])
    assert not half_installed.exists()


def test_a_moved_checkout_gets_a_new_environment(checkout: environment.Checkout) -> None:
    checkout.ready("venv", locks(checkout, "app.txt"), installer=Recorder)
    moved = environment.Checkout(checkout.root.rename(checkout.root.with_name("moved")))
    used = Recorder()
    moved.ready("venv", locks(moved, "app.txt"), installer=lambda: used)
    assert used.created == 1


def test_an_environment_whose_python_is_gone_is_made_again(checkout: environment.Checkout) -> None:
    python = checkout.ready("venv", locks(checkout, "app.txt"), installer=Recorder)
    python.unlink()
    used = Recorder()
    checkout.ready("venv", locks(checkout, "app.txt"), installer=lambda: used)
    assert used.created == 1


def test_the_recorder_is_an_installer() -> None:
    fake: installer.Installer = Recorder()
    assert fake
