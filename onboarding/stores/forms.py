"""The form that removes a key."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from keyvault.models import Credential


class RemoveKeyForm(forms.Form):
    """Typed confirmation: the last four characters of the key."""

    typed = forms.CharField(
        required=False,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, credential: Credential, **kwargs: Any) -> None:
        """Args.

        Args:
            *args: as Django passes them.
            credential: the key that is to go.
            **kwargs: as Django passes them.
        """
        super().__init__(*args, **kwargs)
        self._last_four = credential.last_four
        self.fields["typed"].label = _("Type %(last_four)s to remove the key") % {
            "last_four": credential.last_four
        }
        self.fields["typed"].help_text = _("The last four characters of the API key.")

    def clean_typed(self) -> str:
        """Compare what was typed, whatever its case."""
        typed: str = self.cleaned_data["typed"].strip()
        if typed.casefold() != self._last_four.casefold():
            raise forms.ValidationError(
                _("Type %(last_four)s, the last four characters of the API key.")
                % {"last_four": self._last_four}
            )
        return typed
