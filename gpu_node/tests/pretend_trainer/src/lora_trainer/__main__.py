"""`python -m lora_trainer train RUN_DIR` and `… prepare-model`, pretended."""

import hashlib
import json
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

PAUSE_S = 0.01


class Run:
    """One start in a run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.job = json.loads((folder / "job.json").read_text())
        self.model = Path(self.job["base_model"]["path"])
        self.behaviour = json.loads((self.model / "config.json").read_text())
        self.events = folder / "events.jsonl"
        earlier = self.events.read_text() if self.events.exists() else ""
        if earlier and not earlier.endswith("\n"):
            self.events.write_text(earlier + "\n")
        self.restart = sum('"start"' in line for line in earlier.splitlines())
        self.stopping = False
        signal.signal(signal.SIGTERM, self.on_stop)

    def on_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = not self.behaviour.get("deaf")

    def tell(self, event: str, **facts: Any) -> None:
        with self.events.open("a") as file:
            file.write(json.dumps({"event": event, "at": time.time(), **facts}) + "\n")

    def train(self) -> int:
        first = self.resumed()
        self.tell(
            "start", restart=self.restart, pid=os.getpid(), resumed_from_step=first or None, versions={}
        )
        for number in range(self.behaviour.get("says", 1)):
            print(f"line {number} of restart {self.restart}", flush=True)  # noqa: T201
        steps = self.behaviour["steps"]
        self.tell("stage", stage="training", detail=f"{steps} steps")
        self.tell("plan", total_steps=steps, total_epochs=2, start_step=first, examples={}, tokens={})
        for step in range(first + 1, steps + 1):
            (self.folder / "heartbeat").touch()
            self.point(step, steps)
            if step % self.behaviour["save_every"] == 0:
                self.save(step, steps)
            self.meet_mishap(step)
            self.halt(step)
            if self.stopping:
                return self.stopped(step, steps)
        self.tell("stage", stage="saving", detail="the adapter")
        self.export(is_partial=False)
        self.tell("end", outcome="completed", error_code=None, error_message=None)
        return 0

    def resumed(self) -> int:
        own = [int(name[1]) for name in map(re.compile(r"step-(\d+)-r\d+").fullmatch, self.saved()) if name]
        if own:
            return max(own)
        given = self.job["resume_from"]
        if given is None:
            return 0
        assert (Path(given["path"]) / "adapter_model.safetensors").read_bytes()
        return int(given["step"])

    def saved(self) -> list[str]:
        checkpoints = self.folder / "checkpoints"
        return [path.name for path in checkpoints.iterdir()] if checkpoints.is_dir() else []

    def point(self, step: int, steps: int) -> None:
        values = {"training_loss": 2.0 - step / steps, "learning_rate": 1e-4}
        self.tell(
            "point", restart=self.restart, step=step, epoch=2 * step / steps, values=values, nonfinite={}
        )

    def save(self, step: int, steps: int) -> None:
        path = f"checkpoints/step-{step:06d}-r{self.restart}"
        files = self.write(path, {"adapter_model.safetensors": f"adapter at {step}", "optimizer.json": "{}"})
        facts = {
            "restart": self.restart,
            "step": step,
            "epoch": 2 * step / steps,
            "validation_loss": 1 / step,
        }
        self.tell("checkpoint", path=path, files=files, **facts)

    def export(self, *, is_partial: bool) -> None:
        files = self.write("output", {"adapter_model.safetensors": "adapter", "README.md": "pretended"})
        self.tell("output", is_partial=is_partial, files=files)

    def write(self, folder: str, files: dict[str, str]) -> list[dict[str, Any]]:
        (self.folder / folder).mkdir(parents=True, exist_ok=True)
        listed = []
        for name, text in files.items():
            (self.folder / folder / name).write_text(text)
            digest = hashlib.sha256(text.encode()).hexdigest()
            listed.append({"path": name, "size": len(text), "sha256": digest})
        return listed

    def meet_mishap(self, step: int) -> None:
        for mishap in self.behaviour.get("mishaps", ()):
            if (mishap["restart"], mishap["step"]) == (self.restart, step):
                match mishap["how"]:
                    case "kill":
                        with self.events.open("a") as file:
                            file.write('{"event": "poi')
                        os.kill(os.getpid(), signal.SIGKILL)
                    case "exit":
                        sys.exit("Something broke")
                    case "fail":
                        message = "The loss is not a number; lower learning_rate."
                        self.tell("end", outcome="failed", error_code="nan_loss", error_message=message)
                        sys.exit(4)

    def halt(self, step: int) -> None:
        while (
            step == self.behaviour.get("halt_at") and not self.stopping and not (self.model / "go").exists()
        ):
            (self.folder / "heartbeat").touch()
            time.sleep(PAUSE_S)

    def stopped(self, step: int, steps: int) -> int:
        order = json.loads((self.folder / "stop.json").read_text())
        self.save(step, steps)
        if order["keep_adapter"]:
            self.export(is_partial=True)
        self.tell("end", outcome="stopped", error_code=None, error_message=None)
        return 3


def prepare(arguments: list[str]) -> int:
    """`prepare-model … --into DIR --files DIR`: the files are the model."""
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    shutil.copytree(given["--files"], given["--into"])
    print(json.dumps({"done": True}), flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(prepare(sys.argv[2:]) if sys.argv[1] == "prepare-model" else Run(Path(sys.argv[2])).train())
