"""What somebody fills in who asks for a token of a backend."""

import re
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from keyvault.leases.backends import (
    DEFAULT_DAYS,
    MOST_DAYS,
    MOST_NAME_CHARACTERS,
    Scope,
    usable_name,
)
from keyvault.leases.reach import usable_networks
from onboarding.capacity.forms import FormId, whole_number
from onboarding.models import Store
from onboarding.staff.glass.forms import PublicKeyField
from onboarding.staff.signing import SigningKeyField

MOST_LINES = 200
MOST_CHARACTERS = 20_000
SCOPES = (
    (Scope.LEASES_WRITE.value, gettext_lazy("Borrow keys and say what was used (leases:write)")),
    (Scope.STORES_READ.value, gettext_lazy("See stores and what is left of them (stores:read)")),
)
ALL, THESE = "all", "these"


class LinesField(forms.CharField):
    """Words on lines of their own, or between commas."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"rows": 3, "class": "mono", "spellcheck": "false", "maxlength": None}
        widget = forms.Textarea(attrs=attrs)
        super().__init__(required=False, max_length=MOST_CHARACTERS, widget=widget, **kwargs)

    def lines(self, value: object) -> list[str]:
        """Give the words, each once."""
        found = [each.strip() for each in re.split(r"[\n,;]", super().clean(value))]
        lines = list(dict.fromkeys(each for each in found if each))
        if len(lines) > MOST_LINES:
            raise forms.ValidationError(_("Enter at most %d lines.") % MOST_LINES)
        return lines


class NetworksField(LinesField):
    """Networks that a backend may call from."""

    def clean(self, value: object) -> list[str]:
        """Read each as a network."""
        lines = self.lines(value)
        for line in lines:
            try:
                usable_networks([line])
            except ValueError:
                message = _("“%s” is no network. Enter one like 192.0.2.0/24 on each line.")
                raise forms.ValidationError(message % line) from None
        return lines


class StoresField(LinesField):
    """Shops by their ids or names."""

    def clean(self, value: object) -> list[UUID]:
        """Find each; one query a line that is no id."""
        return [self._found(line) for line in self.lines(value)]

    def _found(self, line: str) -> UUID:
        try:
            rows = Store.objects.filter(pk=UUID(line))
        except ValueError:
            rows = Store.objects.filter(name__iexact=line)
        ids = list(rows.values_list("pk", flat=True)[:2])
        if not ids:
            raise forms.ValidationError(_("There is no store “%s”.") % line)
        if len(ids) > 1:
            message = _("Several stores are called “%s”: enter the id of the one you mean.")
            raise forms.ValidationError(message % line)
        return ids[0]


class TokenForm(forms.Form):
    """A further token of a backend."""

    form_id = FormId(required=False)
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What may it do?"),
        choices=SCOPES,
        initial=[Scope.LEASES_WRITE.value, Scope.STORES_READ.value],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one.")},
    )
    days = whole_number(
        label=gettext_lazy("For how many days?"),
        help_text=gettext_lazy("They begin when a second person has spoken for it."),
        required=gettext_lazy("Enter for how many days."),
        least=1,
        most=MOST_DAYS,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["days"].initial = DEFAULT_DAYS

    def chosen_scopes(self) -> list[Scope]:
        """What was ticked."""
        return [Scope(each) for each in self.cleaned_data["scopes"]]


class BackendForm(TokenForm):
    """A backend and its first token."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("Of the program, such as “app-production”."),
        max_length=MOST_NAME_CHARACTERS,
        error_messages={"required": gettext_lazy("Enter a name")},
        widget=forms.TextInput(attrs={"maxlength": None, "autocomplete": "off"}),
    )
    which = forms.ChoiceField(
        label=gettext_lazy("Which stores may it borrow from?"),
        choices=(
            (THESE, gettext_lazy("Only these")),
            (ALL, gettext_lazy("All, those made later included")),
        ),
        initial=THESE,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose which stores.")},
    )
    stores = StoresField(
        label=gettext_lazy("Stores (if only these)"),
        help_text=gettext_lazy("The name or the id of each, one a line."),
    )
    networks = NetworksField(
        label=gettext_lazy("Networks that it calls from (optional)"),
        help_text=gettext_lazy(
            "One a line, such as 192.0.2.0/24. Calls from elsewhere are refused. Empty: it may "
            "call from anywhere."
        ),
    )
    public_key = PublicKeyField(
        label=gettext_lazy("Public key for sealing (optional)"),
        help_text=gettext_lazy(
            "X25519, base64 of 32 bytes. What it borrows is sealed to this key, never sent plain."
        ),
        required=False,
        max_length=100,
        widget=forms.TextInput(
            attrs={"maxlength": None, "class": "mono", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    signing_key = SigningKeyField(
        label=gettext_lazy("Public key for signatures (optional)"),
        help_text=gettext_lazy(
            "Ed25519, base64 of 32 bytes. Requests that it has not signed are refused."
        ),
    )

    field_order = ("form_id", "name", "which", "stores", "scopes", "days", "networks")

    def clean_name(self) -> str:
        """Take what can be read, wherever it is shown."""
        try:
            return usable_name(self.cleaned_data["name"])
        except ValueError:
            raise forms.ValidationError(_("Write it without special characters.")) from None

    def clean(self) -> dict[str, Any]:
        """Ask for the stores where only some are meant."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("which") == THESE and found.get("stores") == []:
            self.add_error("stores", _("Enter at least one store, or choose all."))
        if found.get("which") == ALL and found.get("stores"):
            self.add_error("stores", _("Empty this, or choose only these."))
        return found
