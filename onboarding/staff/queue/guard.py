"""What somebody must look at because of who might have done it, or because nobody does it."""

from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from keyvault.models import Alert, DutyRun
from onboarding.models import User
from onboarding.staff.alerts import OPEN_ALERTS
from onboarding.staff.backends.selectors import tokens_to_decide
from onboarding.staff.glass.selectors import unreplaced_requests, waiting_requests
from onboarding.staff.queue.pile import SHOWN, Pile, Task, list_url, pile_of, row_url

# Workers note each duty at least once in this time, unless they are gone.
WORKERS_GONE_AFTER = timedelta(minutes=5)


def alerts() -> Pile | None:
    """Tripwires that fired and that nobody has marked as handled."""
    return pile_of(
        Alert.objects.filter(handled_at=None).order_by("-at", "-pk"),
        title=lambda count: ngettext("%d tripwire fired", "%d tripwires fired", count),
        consequence=_("Somebody may use secrets who should not."),
        kind="danger",
        task=lambda row: Task(
            row.get_kind_display(), row.subject, row_url("keyvault_alert", row.pk)
        ),
        url=list_url("keyvault_alert", OPEN_ALERTS),
    )


def glass_to_decide(now: datetime) -> Pile | None:
    """Requests to break glass that wait for a second person, or to be opened."""
    return pile_of(
        waiting_requests(now=now),
        title=lambda count: ngettext(
            "%d request to break glass", "%d requests to break glass", count
        ),
        consequence=_("Somebody asks for a secret. A second person must decide."),
        kind="warning",
        task=lambda row: Task(
            str(row.credential), row.asked_by.email, reverse("staff-glass", args=[row.pk])
        ),
        url=reverse("staff-glass-list"),
    )


def tokens_for(user: User, now: datetime) -> Pile | None:
    """Tokens of backends for which this person may be the second one."""
    return pile_of(
        tokens_to_decide(user=user, now=now),
        title=lambda count: ngettext(
            "%d token waits for a second person", "%d tokens wait for a second person", count
        ),
        consequence=_("A program cannot borrow keys until you have decided."),
        kind="warning",
        task=lambda row: Task(
            row.backend.name, str(row), reverse("staff-token-decide", args=[row.pk])
        ),
        url=list_url("keyvault_backendtoken"),
    )


def opened_keys() -> Pile | None:
    """Keys whose secret somebody has seen, and that are still in use."""
    return pile_of(
        unreplaced_requests(),
        title=lambda count: ngettext(
            "%d opened key is not replaced", "%d opened keys are not replaced", count
        ),
        consequence=_("Somebody has seen these secrets. Ask their merchants for a new key."),
        kind="warning",
        task=lambda row: Task(
            str(row.credential),
            getattr(getattr(row.credential.keychain, "store", None), "name", ""),
            reverse("staff-glass", args=[row.pk]),
        ),
        url=reverse("staff-glass-list"),
    )


def failing_work(now: datetime) -> Pile | None:
    """Duties that fail; or no worker at all, which is worse. One query."""
    runs = list(DutyRun.objects.order_by("-failures", "name"))
    last = max((run.ran_at for run in runs), default=now)
    page = reverse("staff-work")
    if now - last > WORKERS_GONE_AFTER:
        since = _("for %(time)s") % {"time": timesince(last, now)}
        return Pile(
            title=_("No worker is there"),
            consequence=_("Nothing is checked, renewed or sent."),
            kind="danger",
            count=1,
            tasks=(Task(_("Due work"), since, page),),
            url=page,
        )
    failing = [run for run in runs if run.failures]
    if not failing:
        return None
    return Pile(
        title=ngettext("%d duty fails", "%d duties fail", len(failing)) % len(failing),
        consequence=_("A part of the work is not done."),
        kind="warning",
        count=len(failing),
        tasks=tuple(Task(run.name, run.problem, page) for run in failing[:SHOWN]),
        url=page,
    )
