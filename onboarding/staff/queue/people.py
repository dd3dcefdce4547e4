"""People who wait for us, and dates that come nearer."""

from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from onboarding.capacity.selectors import cases_waiting_for_staff
from onboarding.migration.selectors import affected_stores
from onboarding.models import OutgoingMail, Phase, Plan
from onboarding.staff.queue.pile import MOST_COUNTED, SHOWN, Pile, Task, list_url, pile_of, row_url

# A date this near is at risk while stores have not moved, and this near it is urgent.
AT_RISK_WITHIN = timedelta(days=30)
URGENT_WITHIN = timedelta(days=7)


def waiting_cases(now: datetime) -> Pile | None:
    """Merchants who asked how many keys a sale needs, who waits longest first."""
    return pile_of(
        cases_waiting_for_staff(),
        title=lambda count: ngettext(
            "%d merchant waits for an answer", "%d merchants wait for an answer", count
        ),
        consequence=_("They asked how many keys a sale needs."),
        kind=lambda first: "warning" if first.reply_by < now else "info",
        task=lambda row: Task(
            row.store.name,
            _("promised by %(date)s") % {"date": _moment(row.reply_by)},
            reverse("staff-case", args=[row.pk]),
        ),
        url=reverse("staff-cases"),
    )


def lost_mails() -> Pile | None:
    """Mails that were given up: somebody was not told."""
    return pile_of(
        OutgoingMail.objects.filter(failed_at__isnull=False).defer("sealed").order_by("-failed_at"),
        title=lambda count: ngettext("%d mail did not go", "%d mails did not go", count),
        consequence=_("Somebody was not told. Is the address right, does the mail server answer?"),
        kind="info",
        task=lambda row: Task(row.subject, row.problem, row_url("onboarding_outgoingmail", row.pk)),
        url=list_url("onboarding_outgoingmail"),
    )


def deadlines(now: datetime) -> Pile | None:
    """Stores that have not moved while the day comes near on which their keys are refused.

    One query, and two for each plan whose day is near; there are few plans.
    """
    phases = Phase.objects.select_related("plan").filter(
        plan__state=Plan.State.ACTIVE,
        effect=Phase.Effect.KEYS_REFUSED,
        started_at__isnull=True,
        starts_at__lte=now + AT_RISK_WITHIN,
    )
    near = [(phase, affected_stores(phase.plan)) for phase in phases.order_by("starts_at", "pk")]
    count = sum(stores.order_by()[:MOST_COUNTED].count() for _phase, stores in near)
    if not count:
        return None
    is_urgent = near[0][0].starts_at <= now + URGENT_WITHIN
    title = ngettext("%d store has not moved", "%d stores have not moved", count)
    tasks = [
        Task(
            store.name,
            _("refused from %(date)s") % {"date": _moment(phase.starts_at)},
            row_url("onboarding_store", store.pk),
        )
        for phase, stores in near
        for store in stores[:SHOWN]
    ]
    return Pile(
        title=title % count,
        consequence=_("On that day their vendor refuses their keys, and their apps stand still."),
        kind="danger" if is_urgent else "warning",
        count=count,
        tasks=tuple(tasks[:SHOWN]),
        url=reverse("migration:plan", args=[near[0][0].plan_id]),
    )


def _moment(at: datetime) -> str:
    return date_format(localtime(at), "DATETIME_FORMAT")
