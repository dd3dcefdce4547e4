"""What staff answer, and how they close a case."""

from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.capacity.forms import MOST, FormId, WordsField, whole_number
from onboarding.capacity.planner import FACTOR_NAMES, Factors
from onboarding.models import Case

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# No shop was seen with more; a larger number is a typing mistake.
MOST_KEYS = 200


class AnswerForm(forms.Form):
    """How many keys staff recommend, and why."""

    form_id = FormId(required=False)
    keys = whole_number(
        label=_("Keys that we recommend"),
        help_text=_("In all, those that the merchant has included."),
        required=_("Enter how many keys you recommend."),
        least=1,
        most=MOST_KEYS,
    )
    text = WordsField(
        label=_("Reply"),
        help_text=_("{keys} becomes the number above. The merchant gets a mail, too."),
        rows=10,
    )


class WriteForm(forms.Form):
    """A message to the merchant, without an answer."""

    form_id = FormId(required=False)
    text = WordsField(label=_("Message to the merchant"))


class CloseForm(forms.Form):
    """What really happened."""

    outcome = forms.ChoiceField(
        label=_("How did it go?"),
        choices=[
            choice for choice in Case.Outcome.choices if choice[0] != Case.Outcome.WITHDRAWN.value
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Say how the sale went.")},
    )
    visitors = whole_number(label=_("Visitors on the day (optional)"), most=MOST)
    orders = whole_number(label=_("Orders on the day (optional)"), most=MOST)
    note = WordsField(
        label=_("What to remember for the next sale (optional)"),
        help_text=_("The merchant reads it."),
        required=False,
        rows=3,
    )


def _factor(
    *, label: "str | _StrPromise", least: int, most: int, help_text: "str | _StrPromise" = ""
) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        min_value=least,
        max_value=most,
        max_digits=5,
        decimal_places=1,
        localize=True,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"required": _("Enter a number.")},
    )


class FactorsForm(forms.Form):
    """The planner's factors."""

    requests_a_visit = _factor(
        label=_("Requests a visit"),
        help_text=_("Start page, lists, products, basket."),
        least=0,
        most=1000,
    )
    requests_an_order = _factor(
        label=_("Requests an order, on top"),
        help_text=_("Customer, address, shipment, payment, order, stock."),
        least=0,
        most=1000,
    )
    busiest_hour_percent = _factor(
        label=_("The busiest hour's share of the day, in percent"), least=5, most=100
    )
    five_minute_burst = _factor(
        label=_("How much busier the busiest 5 minutes are than that hour's average"),
        least=1,
        most=12,
    )
    second_burst = _factor(
        label=_("How much busier the busiest second is than those 5 minutes' average"),
        least=1,
        most=300,
    )
    reserve_percent = _factor(label=_("Reserve on top, in percent"), least=0, most=300)

    def factors(self) -> Factors:
        """What was entered."""
        return Factors(**{name: self.cleaned_data[name] for name in FACTOR_NAMES})
