"""Forms of the pages."""

from typing import Any

from django import forms

from notifications.kinds import JOBS_ENDED, KINDS, offered


class WebhookForm(forms.Form):
    """`is_staff` decides which types can be chosen."""

    url = forms.CharField(
        label="URL",
        max_length=2000,
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "https://"}),
        help_text="Of a server that others can reach; it gets a signed POST for each event.",
    )
    description = forms.CharField(
        max_length=200, required=False, help_text="For yourself, such as “starts the evaluation”."
    )
    event_types = forms.MultipleChoiceField(
        label="Sent for",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
        help_text=f"“{KINDS[JOBS_ENDED].label}”: {KINDS[JOBS_ENDED].help[0].lower()}{KINDS[JOBS_ENDED].help[1:]}",
    )

    def __init__(self, *args: Any, is_staff: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["event_types"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - for the type checker
        field.choices = [(kind.name, kind.label) for kind in offered(is_staff=is_staff)]
