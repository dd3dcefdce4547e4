"""The questions of the sale planner, and messages about an investigation."""

import re
import uuid
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lightspeed.shape import USUAL_CHARACTERS
from onboarding.capacity.planner import SaleFigures

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

MOST = 10_000_000
MOST_DAYS_AHEAD = 730
MOST_CHARACTERS = 5000
LONGEST_NUMBER = 50
_WHOLE = {"inputmode": "numeric", "autocomplete": "off"}
# The browser's own date picker sends the first; who has none types as people do.
_DATES = ["%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y"]
# A run of hex digits nearly as long as the vendor's keys, one of our own tokens, what follows the
# words of a header, or a long run of capitals, small letters and digits mixed.
_LOOKS_LIKE_A_KEY = re.compile(
    rf"[0-9A-Fa-f]{{{USUAL_CHARACTERS - 8},}}"
    r"|(?i:\b(?:lk|whsec)_[a-z0-9_+/=-]{8,}|\b(?:bearer|basic) (?=\S*[0-9])\S{12,})"
    r"|\b(?=\w*[0-9])(?=\w*[a-z])(?=\w*[A-Z])\w{24,}"
)


class CountField(forms.IntegerField):
    """Reads numbers as people write them: 5.000, 5,000 and 5 000 are five thousand."""

    def to_python(self, value: object) -> int | None:
        """Take the signs between the thousands out; Django alone would read 5.000 as five."""
        text = "" if value is None else str(value)
        squeezed = re.sub(r"\s", "", text) if len(text) <= LONGEST_NUMBER else text
        if squeezed and not re.fullmatch(r"-?[0-9]+|[0-9]{1,3}([.,][0-9]{3})+", squeezed):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(re.sub(r"[.,]", "", squeezed))


def whole_number(
    *,
    label: "str | _StrPromise",
    help_text: "str | _StrPromise" = "",
    required: "str | _StrPromise" = "",
    least: int = 0,
    most: int = MOST,
) -> CountField:
    """A field for a count, in words that say what to enter; optional without `required`."""
    return CountField(
        label=label,
        help_text=help_text,
        required=bool(required),
        min_value=least,
        max_value=most,
        # Browsers keep letters out of a number field without a word, so that nobody learns why.
        widget=forms.TextInput(attrs=_WHOLE),
        error_messages={
            "required": required,
            "invalid": _("Enter a whole number in digits, such as 5000."),
            "min_value": _("Enter %(limit_value)s or more."),
            "max_value": _("Enter %(limit_value)s or less."),
        },
    )


class SaleForm(forms.Form):
    """What the merchant expects of a sale."""

    sale_on = forms.DateField(
        label=_("Day of the sale"),
        help_text=_("If it lasts longer, take the busiest day."),
        input_formats=_DATES,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": _("Enter the day of the sale."),
            "invalid": _("Enter a date, such as 27-11-2026."),
        },
    )
    visitors = whole_number(
        label=_("Visitors on that day"),
        help_text=_("Of your shop as a whole. Last year's busiest day is a good guess."),
        required=_("Enter how many visitors you expect."),
        least=1,
    )
    orders = whole_number(
        label=_("Orders on that day"),
        help_text=_("Of your shop as a whole."),
        required=_("Enter how many orders you expect."),
    )
    app_percent = whole_number(
        label=_("How much of it comes through the app, in percent"),
        help_text=_("Out of 100 visitors, how many use the app?"),
        required=_("Enter the app's share in percent."),
        least=1,
        most=100,
    )
    hour_visitors = whole_number(
        label=_("Visitors in the busiest hour (optional)"),
        help_text=_("If a mail or a countdown brings everybody at once. Empty: we assume a share."),
        least=1,
    )

    def clean_sale_on(self) -> date:
        """Take a day from today on, within two years."""
        day: date = self.cleaned_data["sale_on"]
        today = timezone.localdate()
        if day < today:
            raise forms.ValidationError(_("This day is over. Enter a day that is still to come."))
        if day > today + timedelta(days=MOST_DAYS_AHEAD):
            raise forms.ValidationError(_("Enter a day within the next two years."))
        return day

    def clean(self) -> dict[str, Any]:
        """Refuse figures that contradict each other: one of them was mistyped."""
        cleaned = super().clean() or self.cleaned_data
        visitors = cleaned.get("visitors")
        if visitors is not None and (cleaned.get("orders") or 0) > visitors:
            self.add_error("orders", _("There are more orders than visitors. Check both."))
        if visitors is not None and (cleaned.get("hour_visitors") or 0) > visitors:
            self.add_error(
                "hour_visitors", _("The busiest hour has more visitors than the day. Check both.")
            )
        return cleaned

    def figures(self) -> SaleFigures:
        """What was entered."""
        return SaleFigures(
            visitors=self.cleaned_data["visitors"],
            orders=self.cleaned_data["orders"],
            app_percent=self.cleaned_data["app_percent"],
            hour_visitors=self.cleaned_data["hour_visitors"],
        )


class FormId(forms.UUIDField):
    """Tells a form that is sent twice from two forms; a garbled one counts as new."""

    widget = forms.HiddenInput

    def clean(self, value: object) -> uuid.UUID:
        """Read it, or make a new one."""
        try:
            return super().clean(value) or uuid.uuid4()
        except forms.ValidationError:
            return uuid.uuid4()


class WordsField(forms.CharField):
    """A text of some lines, in which a key has no business."""

    def __init__(self, **kwargs: Any) -> None:
        rows = kwargs.pop("rows", 4)
        super().__init__(
            max_length=kwargs.pop("most", MOST_CHARACTERS),
            widget=forms.Textarea(attrs={"rows": rows}),
            error_messages={
                "required": _("Write a message first."),
                "max_length": _("This is too long: %(show_value)s characters. Use at most 5,000."),
                "null_characters_not_allowed": _("Write it without special characters."),
            },
            **kwargs,
        )

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave `maxlength` out: a browser would cut a pasted text short without a word."""
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return attrs

    def clean(self, value: object) -> str:
        """Refuse what looks like a key or secret: messages are not sealed."""
        text: str = super().clean(value)
        if _LOOKS_LIKE_A_KEY.search(text):
            raise forms.ValidationError(
                _("This looks like an API key or secret. Leave it out; paste it on “Add a key”.")
            )
        return text


class RequestForm(forms.Form):
    """What a merchant adds to the figures."""

    form_id = FormId(required=False)
    text = WordsField(
        label=_("Anything we should know? (optional)"),
        help_text=_("For example: a newsletter at eight, a countdown, last year's trouble."),
        required=False,
        rows=3,
    )


class MessageForm(forms.Form):
    """A message, either way."""

    form_id = FormId(required=False)
    text = WordsField(label=_("Your message"))


def new_form_id() -> dict[str, uuid.UUID]:
    """What a form that is shown for the first time begins with."""
    return {"form_id": uuid.uuid4()}
