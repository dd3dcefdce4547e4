"""The questions of step 1."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lightspeed.clusters import BackOffice, back_office_from_address
from onboarding.walkthrough.back_office import BACK_OFFICE_WORDS
from onboarding.walkthrough.services import MAX_KEYS_AT_ONCE

_ROUND_BOX = {"class": "form-check-input"}
_LANGUAGE_NAMES = {"en": "English", "nl": "Nederlands"}


class BeforeYouStartForm(forms.Form):
    """Whether this person can make a key at all, and where the shop lives."""

    owner = forms.ChoiceField(
        label=_("Are you the owner of the shop in Lightspeed?"),
        help_text=_("Only the owner's account can make API keys."),
        choices=[("yes", _("Yes, I am the owner")), ("no", _("No, someone else is"))],
        widget=forms.RadioSelect(attrs=_ROUND_BOX),
        error_messages={"required": _("Say whether you are the owner of the shop.")},
    )
    plan = forms.ChoiceField(
        label=_("Does your Lightspeed plan include API access?"),
        help_text=_("The plans Advanced and Professional do."),
        choices=[
            ("yes", _("Yes")),
            ("unsure", _("I am not sure")),
            ("no", _("No")),
        ],
        widget=forms.RadioSelect(attrs=_ROUND_BOX),
        error_messages={"required": _("Say whether your plan includes API access.")},
    )
    address = forms.CharField(
        label=_("Address of your Back Office (optional)"),
        help_text=_(
            "Copy it from your browser while you are in the Back Office. It looks like "
            "https://your-shop.webshopapp.com/admin. It tells us where your shop lives."
        ),
        required=False,
        max_length=2000,
        widget=forms.TextInput(
            attrs={"inputmode": "url", "autocapitalize": "off", "spellcheck": "false"}
        ),
    )
    words = forms.ChoiceField(
        label=_("Which language does your Back Office speak?"),
        choices=[(code, _LANGUAGE_NAMES[code]) for code in BACK_OFFICE_WORDS],
        widget=forms.RadioSelect(attrs=_ROUND_BOX),
        required=False,
    )
    keys_wanted = forms.IntegerField(
        label=_("How many keys do you want to make now?"),
        help_text=_("One is enough to start. We make them one after the other."),
        min_value=1,
        max_value=MAX_KEYS_AT_ONCE,
        initial=1,
        error_messages={
            "required": _("Enter how many keys you want to make."),
            "invalid": _("Enter a number, such as 1."),
            "min_value": _("Make at least 1 key."),
            "max_value": _("Make at most %(limit_value)s keys at once."),
        },
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    back_office: BackOffice | None = None

    def clean_address(self) -> str:
        """Recognise the cluster and the shop; an address that tells neither is an error."""
        address: str = self.cleaned_data["address"].strip()
        if address:
            self.back_office = back_office_from_address(address)
            if self.back_office is None:
                raise forms.ValidationError(
                    _(
                        "We do not recognise this as a Lightspeed eCom Back Office. Its address "
                        "has webshopapp.com or shoplightspeed.com in it. Leave the field empty if "
                        "you cannot find it."
                    )
                )
        return address

    def clean(self) -> dict[str, Any]:
        """Give the labels' language a value where the question was left out."""
        cleaned = super().clean() or self.cleaned_data
        cleaned["words"] = cleaned.get("words") or self.initial.get("words", "en")
        return cleaned
