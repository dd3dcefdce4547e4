"""The reply that staff begin with, in the merchant's language."""

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from onboarding.capacity.planner import DAY, FIVE_MINUTES, HOUR, Estimate
from onboarding.models import Case

# Stands for the recommended number until the reply is sent.
KEYS = "{keys}"


def suggested_reply(*, case: Case, planned: Estimate, working_keys: int, language: str) -> str:
    """A reply to edit: the figures, what decides, the number to be filled in.

    Args:
        case: the question.
        planned: what its figures come to.
        working_keys: how many keys the store has.
        language: of the reader.
    """
    with translation.override(language):
        decides = {
            FIVE_MINUTES: _("In the busiest 5 minutes we expect %(requests)s requests;"),
            HOUR: _("In the busiest hour we expect %(requests)s requests;"),
            DAY: _("On the whole day we expect %(requests)s requests;"),
        }.get(planned.binding_seconds, _("In the busiest second we expect %(requests)s requests;"))
        need = planned.binding
        lines = (
            _("Hello,"),
            _("we have looked at your sale on %(date)s.")
            % {"date": date_format(case.sale_on, "DATE_FORMAT")},
            " ".join((decides, _("one key may send %(limit)s.")))
            % {"requests": intcomma(need.requests), "limit": intcomma(need.limit)},
            _("Keys that we recommend: %(keys)s. Keys that work now: %(held)s.")
            % {"keys": KEYS, "held": working_keys},
            _("We wish you a good sale."),
        )
        return "\n\n".join(lines)


def filled_reply(*, text: str, keys: int) -> str:
    """The reply with the recommended number in it."""
    return text.replace(KEYS, str(keys))
