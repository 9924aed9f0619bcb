"""What the owner calls a dataset."""

from django import forms


class DatasetForm(forms.Form):
    name = forms.CharField(max_length=200)
    description = forms.CharField(
        max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 4}), help_text="For yourself."
    )
