"""The walkthrough's funnel, why pasted keys do not pass, and the time to a store's first key."""

from datetime import datetime, timedelta

from django.db.models import Count, F, Min, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from onboarding.models import Store, Submission, Verification, Walkthrough
from onboarding.staff.outcome_words import outcome_words
from onboarding.staff.reports.values import Bar, Report, percent
from onboarding.walkthrough.selectors import WALKTHROUGH_LIFETIME
from onboarding.walkthrough.steps import TITLES

MOST_CAUSES = 20


def funnel(*, since: datetime, now: datetime) -> Report:
    """How far people came who began the walkthrough, and where they stopped. One query.

    Who has stored a key has come all the way. Who has not, and has touched nothing for a day or
    gave up, stopped at the step that they had before them; the others are still under way.
    """
    is_stored = Q(keys_done__gte=1)
    is_over = Q(finished_at__isnull=False) | Q(updated_at__lte=now - WALKTHROUGH_LIFETIME)
    counts = {
        f"reached_{step}": Count("pk", filter=is_stored | Q(step__gte=step)) for step in TITLES
    }
    counts |= {
        f"stopped_{step}": Count("pk", filter=~is_stored & is_over & Q(step=step))
        for step in TITLES
    }
    found = Walkthrough.objects.filter(created_at__gte=since).aggregate(
        **counts, stored=Count("pk", filter=is_stored), begun=Count("pk")
    )
    lines = [
        (str(title), found[f"reached_{step}"], found[f"stopped_{step}"])
        for step, title in TITLES.items()
    ]
    lines.append((_("Key stored"), found["stored"], 0))
    return Report(
        name="funnel",
        title=_("Where people stop"),
        lead=_("Walkthroughs that were begun, by the step that they reached."),
        columns=(_("Step"), _("Reached"), _("Of all, in %"), _("Stopped here")),
        rows=tuple(
            (label, reached, percent(reached, found["begun"]), stopped)
            for label, reached, stopped in lines
        ),
        bars=tuple(_funnel_bar(*line, begun=found["begun"]) for line in lines),
        nothing=_("Nobody began a walkthrough in this time."),
    )


def _funnel_bar(label: str, reached: int, stopped: int, *, begun: int) -> Bar:
    facts = {"count": reached, "percent": percent(reached, begun), "stopped": stopped}
    words = (
        _("%(count)s (%(percent)s %%), %(stopped)s stopped here")
        if stopped
        else _("%(count)s (%(percent)s %%)")
    )
    return Bar(label=label, value=reached, figure=words % facts)


def causes(*, since: datetime) -> Report:
    """What the last check said of pasted keys that were never stored. One query."""
    last = Verification.objects.filter(submission=OuterRef("pk")).order_by("-at", "-pk")
    counted = (
        Submission.objects.filter(created_at__gte=since)
        .exclude(state=Submission.State.STORED)
        .annotate(cause=Subquery(last.values("outcome")[:1]))
        .order_by()
        .values_list("cause")
        .annotate(times=Count("pk"))
        .order_by("-times", F("cause").asc(nulls_last=True))
    )
    rows = tuple(
        (outcome_words(cause) if cause else _("not checked"), times)
        for cause, times in counted[:MOST_CAUSES]
    )
    return Report(
        name="causes",
        title=_("Why pasted keys were not stored"),
        lead=_("By what the last check found."),
        columns=(_("Cause"), _("Pasted keys")),
        rows=rows,
        bars=tuple(Bar(label=cause, value=times, figure=str(times)) for cause, times in rows),
        nothing=_("No pasted key was left without being stored in this time."),
    )


def time_to_first_key(*, since: datetime) -> Report:
    """How long new stores took until their first key, from the day they were made. One query."""
    kinds = (
        (_("Within an hour"), timedelta(hours=1)),
        (_("Within a day"), timedelta(days=1)),
        (_("Within a week"), timedelta(weeks=1)),
        (_("Later"), timedelta.max),
    )
    stores = Store.objects.filter(created_at__gte=since).annotate(
        first=Min("keychain__credentials__created_at")
    )
    waits = [
        first - made if first else None
        for made, first in stores.values_list(F("created_at"), "first")
    ]
    counts, left = [], [wait for wait in waits if wait is not None]
    for label, most in kinds:
        counts.append((label, sum(wait <= most for wait in left)))
        left = [wait for wait in left if wait > most]
    rows = (*counts, (_("No key yet"), waits.count(None)))
    return Report(
        name="first-key",
        title=_("Time to the first key"),
        lead=_("Stores that were set up in this time."),
        columns=(_("First key"), _("Stores"), _("Of all, in %")),
        rows=tuple((label, count, percent(count, len(waits))) for label, count in rows),
        bars=tuple(
            Bar(
                label=label,
                value=count,
                figure=_("%(count)s (%(percent)s %%)")
                % {"count": count, "percent": percent(count, len(waits))},
            )
            for label, count in rows
        ),
        nothing=_("No store was set up in this time."),
        full=len(waits),
    )
