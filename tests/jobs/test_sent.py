"""The form for a new job without scripts: sent to its own page it estimates, refuses beside the fields, and makes one
job however often it is sent."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape
from rest_framework.throttling import ScopedRateThrottle

from jobs import form, presets, sent
from jobs.models import TrainingJob
from jobs.states import Status
from tests import factories


class Browser:
    """Somebody without scripts: fills in the fields of the page as it came, and presses a button."""

    def __init__(self, user: User, query: str = "") -> None:
        self.address = f"/training/configure{query}"
        self.client = Client()
        self.client.force_login(user)
        self.html = self.client.get(self.address).content.decode()

    def press(self, button: str, **filled: str | None) -> Any:
        fields = {**_fields(self.html), **filled, "do": button}
        answer = self.client.post(self.address, {name: text for name, text in fields.items() if text is not None})
        if answer.status_code != 302:
            self.html = answer.content.decode()
        return answer

    def error(self, control: str) -> str:
        found = re.search(rf'id="{control}-error">([^<]*)<', self.html)
        assert found, control
        return found[1]


def _fields(html: str) -> dict[str, str]:
    inner = html[html.index('<form id="configure"') :]
    inner = inner[: inner.index("</form>")]
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input [^>]*>", inner):
        said = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if said.get("type") in {"radio", "checkbox"}:
            if " checked" in tag:
                fields[said["name"]] = said.get("value", "on")
        else:
            fields[said["name"]] = said.get("value", "")
    for name, options in re.findall(r'<select id="\w+" name="(\w+)"[^>]*>(.*?)</select>', inner, re.DOTALL):
        fields[name] = next(iter(re.findall(r'<option value="([^"]*)"[^>]* selected', options)), "")
    return fields


@pytest.fixture
def sender(alice: User) -> Browser:
    factories.dataset(alice, name="Desk")
    return Browser(alice)


def test_the_page_comes_with_an_estimate(sender: Browser) -> None:
    assert re.search(r'data-estimate="steps">[\d,]+<', sender.html)
    assert re.search(r'data-estimate="cost">\$[\d.]+ ', sender.html)
    assert "data-cost>$" in sender.html


def test_the_untouched_form_makes_a_job_as_the_api_does(sender: Browser, alice: User) -> None:
    answer = sender.press("start")
    job = TrainingJob.objects.get()
    assert answer.headers["Location"] == f"/training/jobs/{job.pk}"
    assert (job.owner, job.name, job.status) == (alice, "Desk · recommended", Status.QUEUED)
    assert job.hyperparameters == presets.resolve("recommended", {})
    assert job.estimate["steps"] == job.total_steps


def test_a_double_click_and_a_reload_make_one_job(sender: Browser) -> None:
    first, second = sender.press("start"), sender.press("start")
    assert first.headers["Location"] == second.headers["Location"]
    assert TrainingJob.objects.count() == 1


def test_a_form_changed_after_it_made_a_job_says_so_and_can_make_another_one(sender: Browser) -> None:
    sender.press("start")
    answer = sender.press("start", epochs="1")
    assert answer.status_code == 409
    assert "Your earlier try arrived after all" in sender.html
    assert f"/training/jobs/{TrainingJob.objects.get().pk}" in sender.html
    assert sender.press("start").status_code == 302  # the page came with a fresh key
    assert TrainingJob.objects.count() == 2


def test_an_estimate_makes_no_job_and_keeps_what_was_typed(sender: Browser) -> None:
    before = _fields(sender.html)
    answer = sender.press("estimate", epochs="5", name="Mine", max_cost="1,000", gpu_count="2", packing="on")
    assert (answer.status_code, TrainingJob.objects.count()) == (200, 0)
    after = _fields(sender.html)
    changed = {name: after.get(name) for name in after if after.get(name) != before.get(name)}
    assert changed.keys() - {"csrfmiddlewaretoken"} == {"epochs", "name", "max_cost", "gpu_count", "packing"}
    assert (after["epochs"], after["gpu_count"], after["max_cost"]) == ("5", "2", "1,000")
    assert after["idempotency_key"] == before["idempotency_key"]
    assert 'effective-batch">8<' in sender.html


def test_fields_that_nobody_touched_follow_the_chosen_preset(sender: Browser) -> None:
    sender.press("estimate", preset_id="fast", rank="64")
    fields = _fields(sender.html)
    assert (fields["epochs"], fields["batch_size"], fields["rank"]) == ("1", "8", "64")
    sender.press("start", preset_id="quality")
    job = TrainingJob.objects.get()
    assert job.hyperparameters == presets.resolve("quality", {"rank": 64})


def test_what_is_wrong_is_said_beside_its_field_and_above(sender: Browser) -> None:
    answer = sender.press(
        "start", epochs="51", rank="many", dropout="1e999", max_cost="-1", name="x" * 201, sentinel_spike="shout"
    )
    assert answer.status_code == 400
    assert "name" not in sender.error("epochs")
    assert sender.error("name") == "Must have at most 200 characters."
    sender.press("start", name="")
    assert sender.error("epochs") == "Must be a whole number from 1 to 50, not 51."
    assert "not &quot;many&quot;" in sender.error("rank")
    assert "not &quot;1e999&quot;" in sender.error("dropout")
    assert "from 0.01 to 1,000,000, not -1" in sender.error("max_cost")
    assert "Must be one of" in sender.error("sentinel_spike")
    assert '<a href="#epochs">Epochs: ' in sender.html
    assert re.search(r'name="epochs"[^>]* aria-invalid="true"', sender.html)
    assert "The job was not started. 5 fields need a look." in sender.html
    assert "It comes when the marked fields are right." in sender.html
    assert TrainingJob.objects.count() == 0


@pytest.mark.parametrize("side", ["minimum", "maximum"])
def test_each_number_out_of_its_range_is_refused_beside_it(sender: Browser, side: str) -> None:
    numbers = {name: field for name, field in presets.FIELDS.items() if field.minimum is not None}
    beyond = {name: getattr(field, side) + (-1 if side == "minimum" else 1) for name, field in numbers.items()}
    assert sender.press("start", **{name: f"{wrong:f}" for name, wrong in beyond.items()}).status_code == 400
    for name, field in numbers.items():
        assert sender.error(name).startswith(escape(f"Must be {field.requirement}, not ")), name


def test_what_is_gone_or_was_never_chosen_is_said(sender: Browser, bob: User) -> None:
    theirs = str(factories.dataset(bob).pk)
    sender.press("start", dataset_id=theirs, validation_dataset_id="nonsense", base_model="", gpu_type=None)
    assert sender.error("dataset_id") == ""  # what was not chosen is said first
    assert sender.error("validation_dataset_id") == "Choose a dataset."
    assert sender.error("base_model") == "Choose a base model."
    assert sender.error("gpu_type") == "Choose a GPU type."
    sender.press("start", dataset_id=theirs, validation_dataset_id="", base_model="Gone", gpu_type="Gone")
    assert "choose another one" in sender.error("dataset_id")
    assert TrainingJob.objects.count() == 0


def test_the_form_keeps_the_rate_at_which_the_api_makes_jobs(sender: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ScopedRateThrottle.THROTTLE_RATES, "create", "1/min")
    sender.press("start", epochs="51")
    answer = sender.press("start", epochs="1", name="Kept")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many requests." in sender.html
    assert _fields(sender.html)["name"] == "Kept"
    assert TrainingJob.objects.count() == 0


def test_a_clone_without_scripts_makes_the_same_job(alice: User) -> None:
    settings = presets.resolve("fast", {"rank": 64, "use_rslora": True, "target_modules": "attention"})
    job = factories.job(alice, Status.COMPLETED, name="Desk", preset="fast", hyperparameters=settings)
    Browser(alice, f"?clone={job.pk}").press("start")
    copy = TrainingJob.objects.exclude(pk=job.pk).get()
    assert (copy.name, copy.hyperparameters, copy.gpu_config) == ("Desk 2", settings, job.gpu_config)


@pytest.mark.parametrize(
    "text", ["", "\0", "x" * 20_000, "-1", "NaN", "[]", "\N{ROCKET}", "<script>", "1e999", "9" * 400]
)
def test_nonsense_in_every_field_is_answered_with_the_form(sender: Browser, text: str) -> None:
    fields = dict.fromkeys(_fields(sender.html).keys() - {"csrfmiddlewaretoken"}, text)
    assert sender.client.post("/training/configure", fields).status_code == 200  # no button: an estimate
    assert sender.press("start", **fields).status_code == 400
    assert "New training job" in sender.html
    assert "<script>" not in sender.html
    assert TrainingJob.objects.count() == 0


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("3", 3), ("0,5", 0.5), ("1,5", 1.5), ("1,000", 1000), ("1,000,000.50", 1000000.5), ("0,001", 0.001)),
        *(("$20", 20), ("2e-4", 2e-4), (" .5 ", 0.5), ("-1", -1), ("5.0", 5)),
        *((each, each) for each in ("", "1e999", "-1e999", "nan", "0x10", "1_000", "1,2,3", "\u0661", "--1")),
    ],
)
def test_numbers_are_read_however_people_write_them(text: str, number: Any) -> None:
    assert sent.number(text) == number


def test_every_control_has_a_name_for_people() -> None:
    controls = [*presets.FIELDS, *(f"sentinel_{name}" for name, *_ in form.rules(form.empty("")))]
    assert not [control for control in controls if sent.label(control) == control]
