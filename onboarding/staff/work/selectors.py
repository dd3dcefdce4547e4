"""Each kind of work by its table, and each duty by its last run.

Both lists come from where the work itself comes from, the tables with due rows and the duties of
`settings.KEYVAULT_DUTIES`: nothing can be due and stand on no page.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from keyvault.api.backlog import due_models
from keyvault.due import DueRow, load_duties
from keyvault.models import DutyRun

TITLES: dict[str, Promise] = {
    "keyvault.credentialcheck": _("Checks of stored keys"),
    "keyvault.grant": _("Renewals of connections"),
    "keyvault.webhookdelivery": _("Webhooks to backends"),
    "onboarding.brownout": _("Brownouts"),
    "onboarding.campaign": _("Campaigns"),
    "onboarding.outgoingmail": _("Mails"),
    "onboarding.phase": _("Phases of plans"),
    "onboarding.recipient": _("Letters of campaigns"),
    "onboarding.staffdigest": _("Digests for staff"),
    "onboarding.storewatch": _("Watching stores"),
    "onboarding.submission": _("Checks of pasted keys"),
}
# What may be tried before its time: here the pause after a failure is all that a row waits for.
# Phases, campaigns and brownouts wait for their date, and a grant of which it is not known whether
# the vendor rotated its token must not be renewed early.
RETRIED = frozenset(
    {
        "keyvault.credentialcheck",
        "keyvault.webhookdelivery",
        "onboarding.outgoingmail",
        "onboarding.submission",
    }
)
# Where a row says why it failed, as a word or a number of ours.
ERROR_COLUMNS = ("problem", "last_status")
ERRORS_SHOWN = 3
# A worker that naps, or is at another duty, is no worker that is gone.
PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class WorkKind:
    """One kind of work.

    Attributes:
        name: of its table, "onboarding.outgoingmail".
        title: for people.
        due: rows that wait for a worker now.
        oldest: since when the first of them waits.
        held: rows that a worker is at.
        later: rows that have their time still to come, failed ones included.
        failing: rows that failed at least once and are tried again.
        resting: those of them that wait for their next try and may be tried at once.
        errors: the commonest last errors of the failing ones, each with its number.
    """

    name: str
    title: str
    due: int
    oldest: datetime | None
    held: int
    later: int
    failing: int
    resting: int
    errors: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One duty of the workers.

    Attributes:
        name: as in the logs.
        interval_seconds: how often each worker runs it.
        run: its last run; None: no worker has run it yet.
        is_late: whether it should have run since.
    """

    name: str
    interval_seconds: float
    run: DutyRun | None
    is_late: bool


def work_kinds(*, now: datetime) -> list[WorkKind]:
    """Every kind, what is in trouble first. One query a kind, two for one that fails."""
    kinds = [_kind(name, _rows(model), now=now) for name, model in _models().items()]
    return sorted(kinds, key=lambda each: (not each.failing, not each.due, each.title))


def duty_lines(*, now: datetime) -> list[DutyLine]:
    """Every duty of the settings, what fails or is late first. One query."""
    runs = DutyRun.objects.in_bulk()
    lines = []
    for duty in load_duties(settings.KEYVAULT_DUTIES):
        run = runs.get(duty.name)
        patience = PATIENCE + timedelta(seconds=duty.interval_seconds)
        lines.append(
            DutyLine(
                name=duty.name,
                interval_seconds=duty.interval_seconds,
                run=run,
                is_late=run is None or now - run.ran_at > patience,
            )
        )
    return sorted(lines, key=lambda each: (not (each.run and each.run.failures), not each.is_late))


def retried_rows(name: str) -> QuerySet[DueRow] | None:
    """The rows of a kind that may be tried before its time; None for any other name."""
    model = _models().get(name) if name in RETRIED else None
    return _rows(model) if model else None


def resting(rows: QuerySet[DueRow], *, now: datetime) -> QuerySet[DueRow]:
    """The rows that failed, that nobody holds, and that wait for their next try."""
    return rows.filter(_is_free(now), attempts__gt=0, due_at__gt=now)


def _is_free(now: datetime) -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lte=now)


def _models() -> dict[str, type[Any]]:
    return {model._meta.label_lower: model for model in due_models()}  # noqa: SLF001  # Django's documented model API


def _rows(model: type[Any]) -> QuerySet[DueRow]:
    rows: QuerySet[DueRow] = model._default_manager.exclude(model.HELD)  # noqa: SLF001  # as above
    return rows


def _kind(name: str, rows: QuerySet[DueRow], *, now: datetime) -> WorkKind:
    is_free, has_failed = _is_free(now), Q(attempts__gt=0, due_at__isnull=False)
    found = rows.aggregate(
        due=Count("pk", filter=is_free & Q(due_at__lte=now)),
        oldest=Min("due_at", filter=is_free & Q(due_at__lte=now)),
        held=Count("pk", filter=Q(claimed_until__gt=now)),
        later=Count("pk", filter=Q(due_at__gt=now)),
        failing=Count("pk", filter=is_free & has_failed),
        resting=Count("pk", filter=is_free & has_failed & Q(due_at__gt=now)),
    )
    found["resting"] *= name in RETRIED
    errors = _errors(rows.filter(is_free, has_failed)) if found["failing"] else ()
    return WorkKind(name=name, title=str(TITLES.get(name, name)), errors=errors, **found)


def _errors(failing: QuerySet[DueRow]) -> tuple[tuple[str, int], ...]:
    column = next((each for each in ERROR_COLUMNS if hasattr(failing.model, each)), None)
    if column is None:
        return ()
    counted = failing.order_by().values_list(column).annotate(times=Count("pk"))
    found = counted.order_by("-times", column)[:ERRORS_SHOWN]
    return tuple((str(error), times) for error, times in found if error not in (None, ""))
