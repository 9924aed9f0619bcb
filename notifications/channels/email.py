"""E-mail by Django's settings (EMAIL_URL). The operator's own server, so an address of theirs is not judged."""

import smtplib
from contextlib import closing
from dataclasses import dataclass
from time import monotonic

from django.core.mail import EmailMultiAlternatives, get_connection

from notifications.channels.base import MAX_ERROR, Outcome


@dataclass(frozen=True)
class Mail:
    """One message to one person. `message_id` is `<…@…>`, the same at every try."""

    to: str
    subject: str
    text: str
    html: str
    message_id: str


def send(mail: Mail) -> Outcome:
    """Hand it to the mail server, once. 5xx answers are final, everything else may be tried again."""
    began = monotonic()
    try:
        with closing(get_connection(fail_silently=False)) as connection:  # Django leaves it open where a login fails
            message = EmailMultiAlternatives(
                subject=" ".join(mail.subject.split()),
                body=mail.text,
                to=[mail.to],
                headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"},
                connection=connection,
            )
            message.attach_alternative(mail.html, "text/html")
            message.send(fail_silently=False)
    except smtplib.SMTPAuthenticationError as fault:  # the operator's to mend: no fault of this message
        return _failed(began, fault.smtp_code, "The mail server does not accept our login.", permanent=False)
    except smtplib.SMTPRecipientsRefused as fault:
        code, words = next(iter(fault.recipients.values()))
        return _answered(began, code, words)
    except smtplib.SMTPResponseException as fault:
        return _answered(began, fault.smtp_code, fault.smtp_error)
    except TimeoutError:
        return _failed(began, None, "The mail server did not answer in time.", permanent=False)
    except (smtplib.SMTPException, OSError) as fault:
        return _failed(began, None, f"The mail server cannot be used: {type(fault).__name__}.", permanent=False)
    except (UnicodeError, ValueError):
        return _failed(began, None, "This address or subject cannot be sent.", permanent=True)
    return Outcome(ok=True, seconds=monotonic() - began)


def _answered(began: float, code: int, words: bytes | str) -> Outcome:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    said = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return _failed(began, code, f"The mail server answered {code}: {said}", permanent=500 <= code < 600)


def _failed(began: float, code: int | None, error: str, *, permanent: bool) -> Outcome:
    code = code if code is not None and code > 0 else None
    return Outcome(
        ok=False, seconds=monotonic() - began, status_code=code, error=error[:MAX_ERROR], permanent=permanent
    )
