"""`doctor` asks the mail server whether it takes us, and sends nothing."""

from typing import Any

from lora_pipeline.devstack import ports
from lora_pipeline.mail_diagnosis import mail_server
from tests.notifications.post_office import PostOffice, post_office

__all__ = ["post_office"]


def test_a_mail_server_that_answers_is_well_and_gets_no_mail(post_office: PostOffice) -> None:
    found = mail_server()
    assert (found.ok, found.message) == (True, "answers; nothing was sent")
    assert not post_office.mails
    assert not post_office.tried


def test_one_that_is_down_is_a_fault_with_advice_and_without_secrets(post_office: PostOffice, settings: Any) -> None:
    settings.EMAIL_PORT, settings.EMAIL_HOST_PASSWORD = ports.free(), "mail-secret"
    found = mail_server()
    assert not found.ok
    assert "EMAIL_URL" in found.advice
    assert "mail-secret" not in f"{found}"


def test_a_log_in_that_is_not_accepted_is_a_fault(post_office: PostOffice, settings: Any) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "lora", "mail-secret"
    found = mail_server()
    assert (found.ok, found.message) == (False, "does not accept our log-in")
    assert "mail-secret" not in f"{found}"


def test_one_that_cannot_do_what_is_asked_of_it_is_a_fault(post_office: PostOffice, settings: Any) -> None:
    settings.EMAIL_USE_TLS = True
    found = mail_server()
    assert (found.ok, found.message) == (False, "does not talk as EMAIL_URL asks (SMTPNotSupportedError)")


def test_without_one_there_is_nothing_to_ask() -> None:
    assert mail_server().message == "EMAIL_URL is not set: there are no e-mails"
