"""The form that takes a key and a secret. It never gives a value back to the browser."""

import uuid
from dataclasses import replace
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lightspeed.labels import Part
from lightspeed.pasted import Pasted, RemarkKind, read_pasted
from onboarding.walkthrough.back_office import ENGLISH, BackOfficeWords

NAME_CHARACTERS = 100

# How a field is kept away from password managers, spelling checks and the keyboard's help.
_LEFT_ALONE = {
    "autocomplete": "new-password",
    "autocapitalize": "off",
    "autocorrect": "off",
    "spellcheck": "false",
    "data-1p-ignore": "",
    "data-bwignore": "",
    "data-lpignore": "true",
    "data-form-type": "other",
    "data-protonpass-ignore": "",
    "class": "mono",
}

_PROBLEMS: dict[tuple[RemarkKind, Part | None], Promise] = {
    (RemarkKind.MISSING, Part.KEY): _("Paste the API key."),
    (RemarkKind.MISSING, Part.SECRET): _("Paste the API secret."),
    (RemarkKind.AMBIGUOUS, Part.KEY): _(
        "There is more than one value in the field API key. Paste the key alone."
    ),
    (RemarkKind.AMBIGUOUS, Part.SECRET): _(
        "There is more than one value in the field API secret. Paste the secret alone."
    ),
    (RemarkKind.EMAIL, Part.KEY): _(
        "This is an e-mail address, not an API key. Your browser may have filled it in. Copy the "
        "API Key from your Back Office and paste it."
    ),
    (RemarkKind.EMAIL, Part.SECRET): _(
        "This is an e-mail address, not an API secret. Your browser may have filled it in. Copy "
        "the API Secret from your Back Office and paste it."
    ),
    (RemarkKind.ADDRESS, Part.KEY): _(
        "This is a web address, not an API key. Copy the API Key that stands on that page."
    ),
    (RemarkKind.ADDRESS, Part.SECRET): _(
        "This is a web address, not an API secret. Copy the API Secret that stands on that page."
    ),
    (RemarkKind.TOO_LONG, Part.KEY): _(
        "This is too much text for an API key. A key has 32 characters. Paste the key alone."
    ),
    (RemarkKind.TOO_LONG, Part.SECRET): _(
        "This is too much text for an API secret. A secret has 32 characters. Paste it alone."
    ),
    (RemarkKind.SAME, None): _(
        "Both fields hold the same value. The API key and the API secret are two different "
        "values: copy the secret once more."
    ),
}


class NeverEchoed(forms.TextInput):
    """A field whose value is never sent back, not even after an error."""

    def get_context(self, name: str, value: object, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Leave the value out, whatever it is."""
        return super().get_context(name, None, attrs)


class NeverEchoedSecret(NeverEchoed):
    """The same, with its characters hidden on the screen."""

    input_type = "password"


class Carried(forms.CharField):
    """What a page gives itself to carry along; nobody typed it, so it has no mistakes."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        """Args: none."""
        super().__init__(required=False)
        self.validators = []

    def to_python(self, value: object) -> str:
        """What can be shown of it."""
        text = super().to_python(value) or ""
        return "".join(character for character in text if character.isprintable())


class PasteForm(forms.Form):
    """Two values out of the Back Office, read however they were pasted."""

    # Chosen when the page is made: a form that is sent twice makes one submission.
    submission = Carried()
    name = Carried()
    replaces = Carried()
    # By which a form that comes after the session has ended is known; see `parking`.
    ticket = Carried()
    key = forms.CharField(
        label=_("API key"),
        required=False,
        strip=False,
        widget=NeverEchoed(attrs=_LEFT_ALONE),
    )
    secret = forms.CharField(
        label=_("API secret"),
        required=False,
        strip=False,
        widget=NeverEchoedSecret(attrs=_LEFT_ALONE),
    )

    pasted: Pasted

    def __init__(
        self,
        *args: Any,
        words: BackOfficeWords = ENGLISH,
        has_key: bool = False,
        has_secret: bool = False,
        **kwargs: Any,
    ) -> None:
        """Args.

        Args:
            *args: as Django passes them.
            words: of the merchant's own Back Office.
            has_key: a draft holds the key already, so that the field may stay empty.
            has_secret: likewise.
            **kwargs: as Django passes them.
        """
        super().__init__(*args, **kwargs)
        for part in Part:
            # What does not belong to a value is taken off, a NUL like any other.
            self.fields[part.value].validators = []
        self._held = {Part.KEY: has_key, Part.SECRET: has_secret}
        self.fields["key"].help_text = (
            _("Kept from before. Leave this empty to keep it.")
            if has_key
            else _("32 letters and digits. You may paste both values here at once.")
        )
        self.fields["secret"].help_text = (
            _("Kept from before. Leave this empty to keep it.")
            if has_secret
            else _("It stands behind “%(show)s” in your Back Office.") % {"show": words.show}
        )
        self.fields["submission"].initial = uuid.uuid4

    def clean_submission(self) -> uuid.UUID:
        """Choose an id for a form that lost its own."""
        try:
            return uuid.UUID(self.cleaned_data["submission"])
        except ValueError:
            return uuid.uuid4()

    def clean_name(self) -> str:
        """Cut a name that was tampered with; it is ours."""
        name: str = self.cleaned_data["name"]
        return name[:NAME_CHARACTERS]

    def clean(self) -> dict[str, Any]:
        """Read both fields, and say what cannot be a key."""
        cleaned = super().clean() or self.cleaned_data
        pasted = read_pasted(key_text=cleaned.pop("key", ""), secret_text=cleaned.pop("secret", ""))
        unusable = set()
        for remark in pasted.remarks:
            is_kept = remark.part is not None and self._held[remark.part]
            if not remark.kind.is_fatal or (remark.kind is RemarkKind.MISSING and is_kept):
                continue
            unusable |= {remark.part} if remark.part else {Part.KEY, Part.SECRET}
            field = remark.part.value if remark.part else Part.SECRET.value
            self.add_error(field, str(_PROBLEMS[remark.kind, remark.part]))
        self.pasted = replace(
            pasted,
            key=None if Part.KEY in unusable else pasted.key,
            secret=None if Part.SECRET in unusable else pasted.secret,
        )
        return cleaned

    @property
    def is_worth_keeping(self) -> bool:
        """Whether a usable value was pasted, be the other one as wrong as it likes."""
        return self.pasted.key is not None or self.pasted.secret is not None


class LanguageForm(forms.Form):
    """Another language to ask in."""

    language = forms.ChoiceField(
        label=_("Language of your shop"),
        choices=[
            ("nl", _("Dutch")),
            ("en", _("English")),
            ("fr", _("French")),
            ("de", _("German")),
            ("da", _("Danish")),
            ("es", _("Spanish")),
            ("it", _("Italian")),
            ("no", _("Norwegian")),
            ("pl", _("Polish")),
            ("pt", _("Portuguese")),
            ("sv", _("Swedish")),
            ("us", _("English (United States)")),
        ],
        error_messages={"invalid_choice": _("Choose one of the languages.")},
    )
