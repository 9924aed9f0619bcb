"""A real mail server that keeps what it accepts."""

from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from lora_pipeline.devstack import ports

ACCEPTED = "250 OK"


class PostOffice:
    """Keeps what it accepts; answers can be put in its way."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.tried: list[str] = []
        self.to_recipient = self.to_data = ACCEPTED
        self.refused: set[str] = set()
        self.before_answer: Callable[[], object] = lambda: None

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.tried.append(address)
        self.before_answer()
        if address in self.refused:
            return "452 Mailbox full"
        if self.to_recipient == ACCEPTED:
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.to_data == ACCEPTED:
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return self.to_data

    def refuse_login(self, *args: Any) -> AuthResult:
        """Nobody's name and password are right here; who gives none is served."""
        return AuthResult(success=False, handled=False)


@pytest.fixture
def post_office(settings: Any) -> Iterator[PostOffice]:
    """A mail server that the settings name."""
    office = PostOffice()
    place: dict[str, Any] = {"hostname": ports.HOST, "port": ports.free()}
    controller = Controller(office, **place, authenticator=office.refuse_login, auth_require_tls=False)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = controller.hostname, controller.port
    settings.EMAIL_CONFIGURED = True
    settings.DEFAULT_FROM_EMAIL = "LoRA Pipeline <lora@example.com>"
    settings.SITE_URL = "https://lora.example.com"
    yield office
    controller.stop()
