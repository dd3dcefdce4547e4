"""What staff fill in."""

from typing import TYPE_CHECKING

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from onboarding.models import Store

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_CHARACTERS = 200
MOST_APP_CHARACTERS = 60


def _words(
    *,
    label: "StrOrPromise",
    missing: "StrOrPromise",
    hint: "StrOrPromise" = "",
    most: int = MOST_CHARACTERS,
) -> forms.Field:
    return forms.CharField(
        label=label,
        help_text=hint,
        max_length=most,
        error_messages={"required": missing},
        widget=forms.TextInput(attrs={"maxlength": None}),
    )


class StoreForm(forms.Form):
    """A store of a merchant."""

    store_name = _words(label=_("Shop"), missing=_("Enter the shop's name"))
    app_name = _words(
        label=_("App"),
        missing=_("Enter the app's name"),
        hint=_("It names the keys in the Back Office: “Fiets App mobile 1 of 3”."),
        most=MOST_APP_CHARACTERS,
    )
    cluster = forms.ChoiceField(
        label=_("Where is the shop?"),
        choices=Store.Cluster.choices,
        initial=Store.Cluster.EU1,
        widget=forms.RadioSelect,
        help_text=_("If you do not know, leave it: the walkthrough finds out."),
    )
    platform = forms.ChoiceField(
        label=_("What does the web shop run on?"),
        choices=Store.Platform.choices,
        initial=Store.Platform.ECOM,
    )


class InviteMerchantForm(StoreForm):
    """A merchant with its first store and its owner."""

    name = _words(label=_("Company"), missing=_("Enter the company's name"))
    email = forms.EmailField(
        label=_("Email of its owner"),
        error_messages={
            "required": _("Enter an email address"),
            "invalid": _("Enter an email address like name@example.com"),
        },
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        widget=forms.RadioSelect,
        initial=settings.LANGUAGE_CODE,
    )

    field_order = ("name", "email", "language", "store_name", "app_name", "cluster", "platform")
