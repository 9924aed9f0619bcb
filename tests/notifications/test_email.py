"""E-mail over a real SMTP server: what arrives, and what a server's refusals mean."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User

from jobs import alerts
from lora_pipeline.devstack import ports
from notifications import retries
from notifications.dispatch import dispatch_pending
from notifications.models import Delivery, Preference
from notifications.sending import is_due, send_due
from tests.contracts.wire import hang
from tests.notifications.conftest import MakeDataset, MakeJob, Receive, add_event
from tests.notifications.post_office import ACCEPTED, PostOffice

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def the_mail(state: str) -> Delivery:
    return Delivery.objects.get(channel="email", state=state)


def test_a_failure_is_mailed_in_text_and_html_with_a_link(
    alice: User, job_of: MakeJob, post_office: PostOffice
) -> None:
    job = job_of(alice, "failed", name="bot <3 & co")
    dispatch_pending()
    assert send_due() == 1
    (mail,) = post_office.mails
    assert mail["To"] == "alice@example.com"
    assert mail["From"] == "LoRA Pipeline <lora@example.com>"
    assert mail["Subject"] == "Training job “bot <3 & co” failed"
    text, html = (part.get_content() for part in mail.iter_parts())
    link = f"https://lora.example.com/training/jobs/{job.pk}"
    assert link in text
    assert "bot <3 & co" in text
    assert f'href="{link}"' in html
    assert "bot &lt;3 &amp; co" in html
    assert "https://lora.example.com/settings/notifications" in text
    assert the_mail("done").delivered_at is not None


def test_by_default_only_what_needs_somebody_is_mailed(
    alice: User, job_of: MakeJob, dataset_of: MakeDataset, post_office: PostOffice
) -> None:
    job = job_of(alice, "queued", "running", "completed", "cancelled")
    for code in ("budget_reached", "sentinel_no_progress", "sentinel_nan", "sentinel_spike"):
        add_event(job, "warning", code=code)
    dataset_of(alice, "ready", "error")
    dispatch_pending()
    send_due()
    told = {(delivery.payload or {})["type"] for delivery in Delivery.objects.filter(channel="email")}
    assert told == {"job_completed", "budget", "stall", "nan_loss", "dataset_error"}
    assert len(post_office.mails) == 5


def test_a_preference_turns_a_mail_on_and_another_off(alice: User, job_of: MakeJob, post_office: PostOffice) -> None:
    Preference.objects.create(owner=alice, type="job_queued", channel="email", enabled=True)
    Preference.objects.create(owner=alice, type="job_completed", channel="email", enabled=False)
    job_of(alice, "queued", "completed")
    dispatch_pending()
    send_due()
    assert [mail["Subject"] for mail in post_office.mails] == ["Training job “support bot” is queued"]


def test_operators_are_mailed_alerts(alice: User, operator: User, post_office: PostOffice) -> None:
    alerts.record("cluster_closed", "default", "It refuses our key.")
    dispatch_pending()
    send_due()
    assert [mail["To"] for mail in post_office.mails] == ["operator@example.com"]


def test_nobody_is_mailed_without_an_address_or_an_account(
    alice: User, bob: User, job_of: MakeJob, post_office: PostOffice
) -> None:
    User.objects.filter(pk=alice.pk).update(email="")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    job_of(alice, "failed")
    job_of(bob, "failed")
    dispatch_pending()
    assert not Delivery.objects.filter(channel="email").exists()


@pytest.mark.parametrize("changed", [{"email": ""}, {"is_active": False}], ids=["no address", "switched off"])
def test_a_mail_that_waits_for_somebody_who_is_gone_is_not_sent(
    changed: dict[str, Any], alice: User, job_of: MakeJob, post_office: PostOffice
) -> None:
    job_of(alice, "failed")
    dispatch_pending()
    User.objects.filter(pk=alice.pk).update(**changed)
    send_due()
    assert "no e-mail address any more" in the_mail("failed").last_error
    assert post_office.tried == []


def test_a_mail_that_cannot_be_written_waits_and_delays_no_other_for_long(
    alice: User, job_of: MakeJob, post_office: PostOffice
) -> None:
    job_of(alice, "failed")
    dispatch_pending()
    Delivery.objects.filter(channel="email").update(payload={})
    job_of(alice, "failed")
    dispatch_pending()
    send_due()
    send_due()
    assert the_mail("pending").last_error == "It could not be sent; the operator's log has the details."
    assert len(post_office.mails) == 1


def test_without_a_mail_server_no_mail_is_made(alice: User, job_of: MakeJob, settings: Any) -> None:
    settings.EMAIL_CONFIGURED = False
    job_of(alice, "failed")
    dispatch_pending()
    assert not Delivery.objects.filter(channel="email").exists()


def test_greylisting_is_waited_for_with_the_same_message_id(
    alice: User, job_of: MakeJob, post_office: PostOffice
) -> None:
    post_office.to_recipient = "451 Greylisted, try again"
    with time_machine.travel(NOON, tick=False) as clock:
        job_of(alice, "failed")
        dispatch_pending()
        send_due()
        waiting = the_mail("pending")
        assert (waiting.last_status_code, waiting.tries) == (451, 1)
        assert "Greylisted" in waiting.last_error
        post_office.to_recipient = ACCEPTED
        clock.shift(10)
        send_due()
    assert post_office.mails[0]["Message-ID"] == f"<{waiting.message_id}@example.com>"
    assert the_mail("done").attempts.count() == 2


@pytest.mark.parametrize(("where", "answer"), [("to_recipient", "550 No such user"), ("to_data", "554 Spam")])
def test_a_refusal_for_good_is_not_tried_again(
    where: str, answer: str, alice: User, job_of: MakeJob, post_office: PostOffice
) -> None:
    setattr(post_office, where, answer)
    job_of(alice, "failed")
    dispatch_pending()
    send_due()
    given_up = the_mail("failed")
    assert given_up.last_status_code == int(answer[:3])
    assert answer[4:] in given_up.last_error
    assert send_due() == 0


def test_a_refused_recipient_delays_nobody_else(
    alice: User, bob: User, job_of: MakeJob, post_office: PostOffice
) -> None:
    post_office.refused = {"alice@example.com"}
    job_of(alice, "failed")
    job_of(alice, "failed")
    job_of(bob, "failed")
    dispatch_pending()
    send_due()
    assert [mail["To"] for mail in post_office.mails] == ["bob@example.com"]


def test_a_login_that_is_not_accepted_is_the_operators_to_mend_and_loses_no_mail(
    alice: User, job_of: MakeJob, post_office: PostOffice, settings: Any
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "lora", "an old password"
    with time_machine.travel(NOON, tick=False) as clock:
        job_of(alice, "failed")
        dispatch_pending()
        send_due()
        waiting = the_mail("pending")
        assert (waiting.last_status_code, waiting.last_error) == (535, "The mail server does not accept our login.")
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        clock.shift(10)
        send_due()
    assert len(post_office.mails) == 1


def test_a_mail_server_that_says_nothing_is_left_and_tried_again(
    alice: User, job_of: MakeJob, post_office: PostOffice, receive: Receive, settings: Any
) -> None:
    settings.EMAIL_TIMEOUT, settings.EMAIL_PORT = 0.2, int(receive(hang).url.rpartition(":")[2])
    job_of(alice, "failed")
    dispatch_pending()
    send_due()
    assert "cannot be used" in the_mail("pending").last_error


def test_a_mail_server_that_is_down_is_asked_once_a_round_however_much_waits(
    alice: User, job_of: MakeJob, post_office: PostOffice, settings: Any
) -> None:
    settings.EMAIL_PORT, reachable = ports.free(), settings.EMAIL_PORT
    for _ in range(3):
        job_of(alice, "failed")
    dispatch_pending()
    assert send_due() == 1
    settings.EMAIL_PORT = reachable
    assert send_due() == 2


def test_mails_that_wait_are_not_sent_where_no_mail_server_is_named_any_more(
    alice: User, job_of: MakeJob, post_office: PostOffice, settings: Any
) -> None:
    job_of(alice, "failed")
    dispatch_pending()
    settings.EMAIL_CONFIGURED = False
    assert not is_due()
    assert send_due() == 0
    settings.EMAIL_CONFIGURED = True
    assert send_due() == 1


def test_a_mail_server_that_is_down_is_tried_for_a_day(
    alice: User, job_of: MakeJob, post_office: PostOffice, settings: Any
) -> None:
    settings.EMAIL_PORT = ports.free()
    with time_machine.travel(NOON, tick=False) as clock:
        job_of(alice, "failed")
        dispatch_pending()
        calls = send_due()
        while (waiting := Delivery.objects.filter(state="pending").first()) is not None:
            clock.move_to(waiting.next_attempt_at or NOON)
            calls += send_due()
        assert datetime.now(UTC) - NOON > timedelta(hours=24)
    assert calls == retries.MAX_TRIES
    assert "cannot be used: ConnectionRefusedError" in the_mail("failed").last_error


def test_line_breaks_in_a_name_make_no_header(alice: User, job_of: MakeJob, post_office: PostOffice) -> None:
    job_of(alice, "failed", name="bot\r\nBcc: everybody@example.com")
    dispatch_pending()
    send_due()
    assert post_office.tried == ["alice@example.com"]
    assert post_office.mails[0]["Bcc"] is None


def test_an_address_that_none_is_is_given_up(alice: User, job_of: MakeJob, post_office: PostOffice) -> None:
    job_of(alice, "failed")
    dispatch_pending()
    User.objects.filter(pk=alice.pk).update(email="alice@example.com\r\nBcc: everybody@example.com")
    send_due()
    assert the_mail("failed").last_error
    assert post_office.mails == []
