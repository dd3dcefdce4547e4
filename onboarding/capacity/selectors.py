"""What the planner's and the investigations' pages read."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from keyvault.models import Credential
from onboarding.capacity.planner import (
    DAY,
    FIVE_MINUTES,
    HOUR,
    Estimate,
    estimate,
    factors_from_json,
    figures_from_json,
)
from onboarding.capacity.usage import (
    UsagePoint,
    current_day,
    limits_of_one_key,
    limits_together,
    measured_peaks,
)
from onboarding.errors import UnknownRecordError
from onboarding.models import Case, Store

COMPARED_SECONDS = (FIVE_MINUTES, HOUR, DAY)


@dataclass(frozen=True, slots=True)
class KeysHeld:
    """The keys of a store, as far as a sale can count on them.

    Attributes:
        working: lent to the app.
        resting: paused, or refused by the vendor; they carry nothing.
    """

    working: int
    resting: int

    @property
    def have_limits(self) -> bool:
        """Whether the limits are this shop's own, as a check found, and not the vendor's usual."""
        return self.working + self.resting > 0

    def short_of(self, wanted: int) -> int:
        """How many more are needed."""
        return max(wanted - self.working, 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One window: what is expected, what was measured, what the keys carry.

    Attributes:
        seconds: length of the window.
        expected: requests at the sale's busiest.
        measured: the busiest so far, and when; None: nothing was sent.
        allowed: what the working keys may send together; 0: no key, or its limit is not known.
    """

    seconds: int
    expected: int
    measured: UsagePoint | None
    allowed: int


def keys_held(*, store: Store) -> KeysHeld:
    """The API keys of a store, by whether they work. One query."""
    states = list(
        Credential.objects.filter(
            keychain_id=store.pk, kind=Credential.Kind.BASIC, state__in=Credential.LIVE_STATES
        ).values_list("state", flat=True)
    )
    working = states.count(Credential.State.ACTIVE)
    return KeysHeld(working=working, resting=len(states) - working)


def comparisons(*, store: Store, planned: Estimate) -> list[Comparison]:
    """The sale's windows beside the last weeks' busiest moments. Three queries at most."""
    peaks = measured_peaks(store=store)
    together = limits_together(store=store)
    return [
        Comparison(
            seconds=seconds,
            expected=planned.requests_in(seconds),
            measured=peaks.get(seconds),
            allowed=together.get(seconds, 0),
        )
        for seconds in COMPARED_SECONDS
    ]


def estimate_of(case: Case) -> Estimate:
    """What the case's figures come to under the limits that the shop has now."""
    return estimate(
        figures=figures_from_json(case.figures),
        limits=limits_of_one_key(store=case.store),
        factors=factors_from_json(case.factors),
    )


def cases_of(*, store: Store) -> QuerySet[Case]:
    """A store's cases, the latest sale first."""
    return Case.objects.filter(store=store).order_by("-sale_on", "-created_at")


def case_for(*, store: Store, case_id: UUID) -> Case:
    """One case of a store that the caller may see.

    Raises:
        UnknownRecordError: no such case, or another store's.
    """
    try:
        return Case.objects.select_related("store", "opened_by").get(pk=case_id, store=store)
    except Case.DoesNotExist:
        raise UnknownRecordError from None


def running_cases() -> QuerySet[Case]:
    """Every merchant's cases that are not closed, who waits for staff longest first. For staff."""
    return (
        Case.objects.exclude(state=Case.State.CLOSED)
        .select_related("store__merchant")
        .order_by("reply_by", "pk")
    )


def cases_waiting_for_staff() -> QuerySet[Case]:
    """The cases whose merchant waits for an answer, the oldest first. For staff."""
    return running_cases().filter(state=Case.State.OPEN)


def cases_to_close() -> QuerySet[Case]:
    """The cases whose sale is over, so that somebody should ask how it went. For staff."""
    return running_cases().filter(sale_on__lt=current_day()).order_by("sale_on", "pk")


def closed_cases() -> QuerySet[Case]:
    """Every merchant's closed cases, the latest first. For staff."""
    return (
        Case.objects.filter(state=Case.State.CLOSED)
        .select_related("store__merchant")
        .order_by(F("closed_at").desc(), "pk")
    )


def is_late(case: Case) -> bool:
    """Whether the promised reply is overdue."""
    return case.state == Case.State.OPEN and case.reply_by < timezone.now()


def is_soon(case: Case) -> bool:
    """Whether the sale may come before the promised reply."""
    return case.sale_on <= timezone.localdate(case.reply_by) + timedelta(days=1)
