"""Light, dark, or as the system is set: the reader's choice, which static/theme.js keeps in a cookie.

The server reads it, so that a page arrives in the right colours and does not change them before one's eyes.
"""

from django.http import HttpRequest

COOKIE = "theme"
CHOICES = ("light", "dark")


def theme(request: HttpRequest) -> dict[str, str]:
    """Context processor: `theme` in templates, "" for the system's setting. Asks nothing but the cookie."""
    chosen = request.COOKIES.get(COOKIE, "")
    return {"theme": chosen if chosen in CHOICES else ""}
