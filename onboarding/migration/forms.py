"""Forms of plans, phases, campaigns, brownouts and the waiting line."""

import re
import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from lightspeed.oauth.registry import PROVIDERS
from onboarding.models import Phase, Store

MOST_REMINDERS = 10
MOST_DIGITS = 3
_STORE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class PlanForm(forms.Form):
    """What a plan is about."""

    name = forms.CharField(label=_("Name"), max_length=100)
    vendor = forms.CharField(
        label=_("Vendor"), max_length=100, help_text=_("As merchants know it.")
    )
    endpoint = forms.ChoiceField(label=_("Which keys"))
    provider = forms.ChoiceField(
        label=_("Where merchants go"),
        required=False,
        help_text=_("Leave it open while OAuth is not ready: merchants join the waiting line."),
    )
    time_zone = forms.ChoiceField(label=_("The vendor's time zone"))
    link = forms.URLField(
        label=_("Where people read about it"), required=False, assume_scheme="https"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("endpoint", [(name, name) for name in settings.KEYVAULT_ENDPOINTS])
        known = [(name, each.title) for name, each in PROVIDERS.items()]
        self._offer("provider", [("", _("not known yet")), *known])
        zones = sorted(zoneinfo.available_timezones())
        self._offer("time_zone", [(name, name) for name in zones])

    def _offer(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # as declared above
        field.choices = choices


class PhaseForm(forms.Form):
    """When an effect begins, on the vendor's clock."""

    effect = forms.ChoiceField(label=_("What happens"), choices=Phase.Effect.choices)
    day = forms.DateField(
        label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    time = forms.TimeField(
        label=_("Time"), initial="00:00", widget=forms.TimeInput(attrs={"type": "time"})
    )


class CampaignForm(forms.Form):
    """Whom a campaign means, and how it writes."""

    name = forms.CharField(label=_("Name"), max_length=100)
    platform = forms.ChoiceField(
        label=_("Only shops on"),
        required=False,
        choices=[("", _("every platform")), *Store.Platform.choices],
    )
    language = forms.ChoiceField(
        label=_("Only people who read"),
        required=False,
        choices=[("", _("every language")), *settings.LANGUAGES],
    )
    only_stores = forms.CharField(
        label=_("Only these stores"),
        help_text=_("Their ids, one a line; the addresses of their pages will do. Empty: all."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    starts_at = forms.DateTimeField(
        label=_("First letter"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    reminder_days = forms.CharField(
        label=_("Reminders, days before the keys are refused"), initial="30, 14, 7, 3, 1"
    )
    expects_interruption = forms.BooleanField(
        label=_("We expect an interruption for these shops"), required=False
    )
    interruption = forms.CharField(
        label=_("What they are told of it"), required=False, max_length=200
    )

    def clean_only_stores(self) -> list[str]:
        """Read the ids of stores that exist."""
        ids = _STORE_ID.findall(self.cleaned_data["only_stores"].lower())
        lines = [line for line in self.cleaned_data["only_stores"].splitlines() if line.strip()]
        known = Store.objects.filter(pk__in=ids).count()
        if len(ids) != len(lines) or known != len(set(ids)):
            raise forms.ValidationError(_("Enter one store a line; each must exist."))
        return sorted(set(ids))

    def clean_reminder_days(self) -> list[int]:
        """Read whole numbers between commas."""
        parts = [part.strip() for part in self.cleaned_data["reminder_days"].split(",")]
        if len(parts) > MOST_REMINDERS or not all(
            part.isascii() and part.isdigit() and len(part) <= MOST_DIGITS for part in parts
        ):
            raise forms.ValidationError(_("Enter days with commas between them, such as 14, 7, 1."))
        return sorted({int(part) for part in parts}, reverse=True)

    def clean(self) -> dict[str, Any]:
        """Ask for the words where an interruption is expected."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("expects_interruption") and not cleaned.get("interruption"):
            self.add_error("interruption", _("Say what they should expect."))
        return cleaned


class BrownoutForm(forms.Form):
    """A rehearsal."""

    starts_at = forms.DateTimeField(
        label=_("Begins"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=240, initial=10)
    most_denied = forms.IntegerField(
        label=_("Stop when so many lease requests failed"),
        min_value=1,
        max_value=100_000,
        initial=20,
    )


class JoinForm(forms.Form):
    """What somebody leaves who waits."""

    company = forms.CharField(label=_("Company"), max_length=200)
    email = forms.EmailField(label=_("E-mail address"))
    platform = forms.ChoiceField(
        label=_("What does your web shop run on?"), choices=Store.Platform.choices
    )


class InviteForm(forms.Form):
    """How many are invited."""

    count = forms.IntegerField(label=_("How many"), min_value=1, max_value=500, initial=10)
