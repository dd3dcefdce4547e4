"""The questions of the sale planner."""

from datetime import timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from onboarding.capacity.planner import SaleFigures

MOST = 10_000_000
MOST_DAYS_AHEAD = 730
_WHOLE = {"inputmode": "numeric"}


class SaleForm(forms.Form):
    """What the merchant expects of a sale."""

    sale_on = forms.DateField(
        label=_("Day of the sale"),
        help_text=_("If it lasts longer, take the busiest day."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": _("Enter the day of the sale."),
            "invalid": _("Enter a date, such as 27-11-2026."),
        },
    )
    visitors = forms.IntegerField(
        label=_("Visitors on that day"),
        help_text=_("Of your shop as a whole. Last year's busiest day is a good guess."),
        min_value=1,
        max_value=MOST,
        widget=forms.NumberInput(attrs=_WHOLE),
        error_messages={
            "required": _("Enter how many visitors you expect."),
            "invalid": _("Enter a whole number of visitors, such as 5000."),
        },
    )
    orders = forms.IntegerField(
        label=_("Orders on that day"),
        min_value=0,
        max_value=MOST,
        widget=forms.NumberInput(attrs=_WHOLE),
        error_messages={
            "required": _("Enter how many orders you expect."),
            "invalid": _("Enter a whole number of orders, such as 200."),
        },
    )
    app_percent = forms.IntegerField(
        label=_("How much of it comes through the app, in percent"),
        help_text=_("Out of 100 visitors, how many use the app?"),
        min_value=1,
        max_value=100,
        widget=forms.NumberInput(attrs=_WHOLE),
        error_messages={
            "required": _("Enter the app's share in percent."),
            "invalid": _("Enter a whole number from 1 to 100."),
        },
    )

    def clean_sale_on(self) -> object:
        """Take a day from today on, within two years."""
        day = self.cleaned_data["sale_on"]
        today = timezone.localdate()
        if day < today:
            raise forms.ValidationError(_("This day is over. Enter a day that is still to come."))
        if day > today + timedelta(days=MOST_DAYS_AHEAD):
            raise forms.ValidationError(_("Enter a day within the next two years."))
        return day

    def figures(self) -> SaleFigures:
        """What was entered."""
        return SaleFigures(
            visitors=self.cleaned_data["visitors"],
            orders=self.cleaned_data["orders"],
            app_percent=self.cleaned_data["app_percent"],
        )


class MessageForm(forms.Form):
    """A message to staff."""

    text = forms.CharField(
        label=_("Your message"),
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={
            "required": _("Write a message first."),
            "max_length": _("This is too long. Use at most 5,000 characters."),
        },
    )
