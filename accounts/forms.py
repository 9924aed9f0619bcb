"""Forms of the pages."""

from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm

LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "until revoked")]


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="What will use it, such as “laptop” or “nightly script”.")
    expires_in_days = forms.TypedChoiceField(
        label="Works for", choices=LIFETIMES, coerce=int, empty_value=None, required=False, initial="90"
    )


class PasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = "At least 8 characters, no common word, not like your username."
