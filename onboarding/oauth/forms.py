"""Forms of staff: a registration at a provider, a file of legacy keys."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from onboarding.oauth.legacy import COLUMNS, MOST_BYTES


class ClientForm(forms.Form):
    """What the vendor gave the operator."""

    client_id = forms.CharField(
        label=_("Client ID"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Enter the client ID.")},
    )
    secret = forms.CharField(
        label=_("Client secret"),
        help_text=_(
            "Sealed at once and never shown again. Leave it empty to keep the present one."
        ),
        required=False,
        max_length=512,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "new-password", "spellcheck": "false"}, render_value=False
        ),
    )
    start_url = forms.URLField(
        label=_("Where merchants install it"),
        help_text=_("The app's page at Lightspeed. The store page leads there."),
        required=False,
        assume_scheme="https",
    )
    is_open = forms.BooleanField(
        label=_("Merchants may connect"),
        help_text=_("While this is off, merchants join the waiting line."),
        required=False,
    )

    def __init__(self, *args: Any, has_secret: bool, is_app: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_secret = has_secret
        if is_app:
            self.fields["client_id"].label = _("App key")
            self.fields["secret"].label = _("App secret")
            self.fields["is_open"].help_text = _("While this is off, no shop can install the app.")
        else:
            del self.fields["start_url"]

    def clean_secret(self) -> str:
        """Ask for a secret where there is none yet."""
        secret: str = self.cleaned_data["secret"].strip()
        if not secret and not self._has_secret:
            raise forms.ValidationError(_("Enter the client secret."))
        return secret


class OneWayTextarea(forms.Textarea):
    """Takes secrets and never shows them again."""

    def format_value(self, value: object) -> str:  # Django's signature
        """Give nothing, whatever was typed."""
        return ""


class LegacyKeysForm(forms.Form):
    """Rows with the columns store and key, from a file or pasted."""

    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("With the columns “store” (the store's id) and “key”, at most 2,000 rows."),
        required=False,
    )
    pasted = forms.CharField(
        label=_("Or paste rows"),
        help_text=_("One a line: the store's id, a comma, the key."),
        required=False,
        max_length=MOST_BYTES,
        widget=OneWayTextarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
    )

    def clean_file(self) -> str:
        """Give the text of the file, which is not kept."""
        uploaded: UploadedFile | None = self.cleaned_data["file"]
        if uploaded is None:
            return ""
        if (uploaded.size or 0) > MOST_BYTES:
            raise forms.ValidationError(_("The file is too large."))
        try:
            text: str = uploaded.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError(_("The file must be text in UTF-8.")) from None
        return text

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two."""
        cleaned = super().clean() or self.cleaned_data
        has_file, has_rows = bool(cleaned.get("file")), bool(cleaned.get("pasted"))
        if not self.errors and has_file == has_rows:
            self.add_error("file", _("Choose a file, or paste rows; not both."))
        return cleaned

    @property
    def table(self) -> str:
        """The rows below their head, wherever they came from."""
        text: str = self.cleaned_data["file"]
        return text or f"{','.join(COLUMNS)}\n{self.cleaned_data['pasted']}"
