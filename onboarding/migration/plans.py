"""Plans: a vendor's phases with dates and effects, entered by staff, put into effect by workers."""

import zoneinfo
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from keyvault import retirement
from keyvault.audit import Action, record
from onboarding.errors import PhaseStartedError, PlanError
from onboarding.migration.campaigns import reschedule, stop_campaign
from onboarding.migration.selectors import phase_of
from onboarding.models import Campaign, Phase, Plan, User
from onboarding.people.selectors import actor_for

Effect = Phase.Effect


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What staff enter about a plan.

    Attributes:
        name: ours, for lists.
        vendor: as merchants know it.
        endpoint: which credentials, a name in settings.KEYVAULT_ENDPOINTS.
        provider: where merchants go from here; empty: not known yet.
        time_zone: the vendor's clock, an IANA name.
        link: where people read about it.
    """

    name: str
    vendor: str
    endpoint: str
    provider: str = ""
    time_zone: str = "Europe/Amsterdam"
    link: str = ""


@transaction.atomic
def save_plan(*, facts: PlanFacts, user: User, plan: Plan | None = None) -> Plan:
    """Makes or changes a plan; an active one keeps its endpoint and clock.

    Raises:
        PlanError: the name is taken, the time zone unknown, or an active plan would change what it
            is about.
    """
    if facts.time_zone not in zoneinfo.available_timezones():
        raise PlanError
    plan = plan or Plan()
    if plan.state == Plan.State.ACTIVE and (plan.endpoint, plan.time_zone) != (
        facts.endpoint,
        facts.time_zone,
    ):
        raise PlanError
    for each in fields(facts):
        setattr(plan, each.name, getattr(facts, each.name))
    plan.saved_by = user
    try:
        with transaction.atomic():
            plan.save()
    except IntegrityError:
        raise PlanError from None
    _record(Action.PLAN_SAVED, plan=plan, user=user, state=plan.state)
    return plan


@transaction.atomic
def set_phase(*, plan: Plan, effect: str, local: datetime, user: User) -> Phase:
    """Says when an effect begins; a phase that has not started can be moved.

    Args:
        plan: whose.
        effect: a value of `Phase.Effect`.
        local: on the vendor's clock, without a time zone.
        user: who says so; recorded.

    Raises:
        PhaseStartedError: it has started.
        PlanError: the clock never shows that time, on the night on which it is put forward.
    """
    starts_at = moment_of(local=local, time_zone=plan.time_zone)
    phase = Phase.objects.select_for_update(no_key=True).filter(plan=plan, effect=effect).first()
    if phase is not None and phase.started_at is not None:
        raise PhaseStartedError
    phase = phase or Phase(plan=plan, effect=effect)
    phase.starts_at = starts_at
    phase.due_at = starts_at if plan.state == Plan.State.ACTIVE else None
    phase.save()
    _announce(plan)
    reschedule(plan=plan, now=timezone.now())
    _record(Action.PLAN_SAVED, plan=plan, user=user, phase=effect, at=starts_at.isoformat())
    return phase


def moment_of(*, local: datetime, time_zone: str) -> datetime:
    """The moment at which a clock shows a time; of two, in autumn, the first.

    Raises:
        PlanError: the clock skips it.
    """
    zone = zoneinfo.ZoneInfo(time_zone)
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local:
        raise PlanError
    return moment


@transaction.atomic
def remove_phase(*, phase: Phase, user: User) -> None:
    """Takes a phase out of its plan.

    Raises:
        PhaseStartedError: it has started.
    """
    if not Phase.objects.filter(pk=phase.pk, started_at=None).delete()[0]:
        raise PhaseStartedError
    _announce(phase.plan)
    reschedule(plan=phase.plan, now=timezone.now())
    _record(Action.PLAN_SAVED, plan=phase.plan, user=user, removed=phase.effect)


@transaction.atomic
def activate(*, plan: Plan, user: User) -> None:
    """Puts a plan into effect: workers start its phases when their time comes.

    Phases whose time has passed start within a second: show the dry run first.

    Raises:
        PlanError: it has no phase, or another plan about the same credentials is active.
    """
    phases = Phase.objects.filter(plan=plan, started_at=None)
    if not phases.exists():
        raise PlanError
    try:
        with transaction.atomic():
            Plan.objects.filter(pk=plan.pk).update(state=Plan.State.ACTIVE)
    except IntegrityError:
        raise PlanError from None
    plan.state = Plan.State.ACTIVE
    for phase in phases:
        Phase.objects.filter(pk=phase.pk).update(due_at=phase.starts_at)
    _announce(plan)
    _record(Action.PLAN_SAVED, plan=plan, user=user, state=plan.state)


@transaction.atomic
def call_off(*, plan: Plan, user: User) -> None:
    """Ends a plan: no further phase starts, and what it announced is taken back.

    Its campaigns stop for good, and their brownouts with them: nobody is reminded of dates that no
    longer hold.

    Keys that were refused by it stay as they are: staff check them again.
    """
    Plan.objects.filter(pk=plan.pk).update(state=Plan.State.CALLED_OFF)
    plan.state = Plan.State.CALLED_OFF
    Phase.objects.filter(plan=plan, started_at=None).update(due_at=None)
    retirement.withdraw(endpoint=plan.endpoint, kind=plan.kind)
    for campaign in plan.campaigns.exclude(state=Campaign.State.STOPPED):
        stop_campaign(campaign=campaign, user=user)
    _record(Action.PLAN_SAVED, plan=plan, user=user, state=plan.state)


def _announce(plan: Plan) -> None:
    """Brings what the API says in line with an active plan."""
    if plan.state != Plan.State.ACTIVE:
        return
    announced = phase_of(plan=plan, effect=Effect.ANNOUNCE)
    closed = phase_of(plan=plan, effect=Effect.NO_NEW_KEYS)
    refused = phase_of(plan=plan, effect=Effect.KEYS_REFUSED)
    begins = announced or closed or refused
    is_refused = refused is not None and refused.started_at is not None
    retirement.announce(
        endpoint=plan.endpoint,
        kind=plan.kind,
        deprecated_at=begins.starts_at if begins else None,
        sunset_at=refused.starts_at if refused else None,
        is_refused=is_refused,
        link=plan.link,
        reason=reason_of(plan) if is_refused else "",
    )


def announce_again(plan: Plan) -> None:
    """The same after a phase has started; for the duty."""
    _announce(plan)


def reason_of(plan: Plan) -> str:
    """What a backend reads when it asks for a key that the vendor refuses."""
    refused = phase_of(plan=plan, effect=Effect.KEYS_REFUSED)
    since = f" since {refused.local_start:%d %B %Y}" if refused else ""
    return f"{plan.vendor} refuses this kind of key{since}; the merchant must connect by OAuth."


def _record(action: Action, *, plan: Plan, user: User, **facts: str | bool) -> None:
    record(action=action, actor=actor_for(user), subject=f"plan:{plan.pk}", facts=facts)
