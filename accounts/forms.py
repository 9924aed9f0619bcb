"""Forms of the pages."""

from django import forms

LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "until revoked")]


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="What will use it, such as “laptop” or “nightly script”.")
    expires_in_days = forms.TypedChoiceField(
        label="Works for", choices=LIFETIMES, coerce=int, empty_value=None, required=False, initial="90"
    )
