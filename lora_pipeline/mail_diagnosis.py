"""Does the mail server take our log-in? Asked without sending anything."""

import smtplib
import ssl

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend

from datasets.storage.diagnose import Finding

NAME = "mail server"
TIMEOUT_S = 5
WELL = 250


def mail_server() -> Finding:
    """Connects, logs in where EMAIL_URL says so, and says NOOP; never raises, and repeats nothing of the address."""
    if not settings.EMAIL_CONFIGURED:
        return Finding(NAME, True, "EMAIL_URL is not set: there are no e-mails")
    connection = get_connection(fail_silently=False)
    if not isinstance(connection, EmailBackend):
        return Finding(NAME, True, "e-mails do not go over SMTP here")
    connection.timeout = TIMEOUT_S
    try:
        connection.open()
        code = connection.connection.noop()[0] if connection.connection else 0
    except smtplib.SMTPAuthenticationError:
        return Finding(NAME, False, "does not accept our log-in", "Correct user and password in EMAIL_URL.")
    except (ssl.SSLError, smtplib.SMTPNotSupportedError) as error:
        advice = "Correct EMAIL_URL (smtp+tls, smtp+ssl or smtp; a user or none), or the server's certificate."
        return Finding(NAME, False, f"does not talk as EMAIL_URL asks ({type(error).__name__})", advice)
    except (smtplib.SMTPException, OSError) as error:
        advice = "Correct host and port in EMAIL_URL, or start the mail server. E-mails are tried for a day."
        return Finding(NAME, False, f"does not answer ({type(error).__name__})", advice)
    finally:
        connection.close()
    if code != WELL:
        return Finding(NAME, False, f"answers {code}", "Look into the mail server's log.")
    return Finding(NAME, True, "answers; nothing was sent")
