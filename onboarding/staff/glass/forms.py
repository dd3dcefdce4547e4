"""What somebody fills in who asks to break glass."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from keyvault.leases.sealed import PublicKeyError, usable_public_key
from onboarding.capacity.forms import FormId, WordsField

LEAST_CHARACTERS = 20
MOST_CHARACTERS = 500


class PublicKeyField(forms.CharField):
    """The public half of an X25519 key pair, in base64."""

    def clean(self, value: object) -> bytes | None:
        """Read it, and try whether something can be sealed to it; None where none is needed."""
        text: str = super().clean(value)
        try:
            return usable_public_key(text) if text else None
        except PublicKeyError:
            raise forms.ValidationError(
                _("Enter the public half of an X25519 key pair: 44 characters of base64.")
            ) from None


class AskForm(forms.Form):
    """Why, and to which key pair it is sealed."""

    form_id = FormId(required=False)
    reason = WordsField(
        label=_("Why is the secret needed?"),
        help_text=_(
            "The second person decides by it. Name the incident, and why nothing else will do."
        ),
        min_length=LEAST_CHARACTERS,
        most=MOST_CHARACTERS,
        rows=3,
    )
    public_key = PublicKeyField(
        label=_("Your public key"),
        help_text=_(
            "The secret is sealed to it, so that only you can open it, on your own machine."
        ),
        error_messages={"required": _("Enter your public key.")},
        widget=forms.TextInput(
            attrs={
                "class": "mono",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
            }
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        errors = self.fields["reason"].error_messages
        errors["required"] = _("Say why the secret is needed.")
        errors["max_length"] = _("Use at most %(limit_value)s characters.")
        errors["min_length"] = _("Say it in a sentence: at least %(limit_value)s characters.")
