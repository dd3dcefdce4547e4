"""Starting phases when their time has come; what each effect does."""

from datetime import datetime

from django.db import transaction

from keyvault import vault
from keyvault.audit import SYSTEM, Action, record
from keyvault.due import Duty, claim, finish
from keyvault.events import Event, emit
from keyvault.models import Credential
from onboarding.migration.plans import announce_again
from onboarding.migration.selectors import affected_credentials, affected_stores
from onboarding.models import Phase, Plan

# Suspending the keys of ten thousand stores takes less; another worker would go on from there.
CLAIM_SECONDS = 300
REASON = "vendor-retired"


def start_due_phases(now: datetime) -> int:
    """Starts the phases of active plans that are due; safe beside other workers and to repeat.

    Returns:
        How many were started.
    """
    rows = Phase.objects.select_related("plan").filter(
        plan__state=Plan.State.ACTIVE, started_at=None
    )
    phases = claim(rows, now=now, claim_seconds=CLAIM_SECONDS, limit=5)
    return sum(_start(phase, now=now) for phase in phases)


def _start(phase: Phase, *, now: datetime) -> int:
    with transaction.atomic():
        if not finish(phase, due_at=None, started_at=now):
            return 0
        announce_again(phase.plan)
        record(
            action=Action.PHASE_STARTED,
            actor=SYSTEM,
            subject=f"plan:{phase.plan_id}",
            facts={"effect": phase.effect},
        )
        _tell_backends(phase)
    if phase.effect == Phase.Effect.KEYS_REFUSED:
        refuse_keys(phase.plan)
    return 1


def _tell_backends(phase: Phase) -> None:
    """One event for each store that the phase concerns, those that have moved left out."""
    data = {"effect": phase.effect, "started_at": phase.starts_at.isoformat()}
    for keychain_id in affected_stores(phase.plan).values_list("pk", flat=True):
        emit(event=Event.PHASE_STARTED, keychain_id=keychain_id, data=data)


def refuse_keys(plan: Plan) -> int:
    """Takes the keys of a plan out of the pool: the vendor refuses them from now on.

    One transaction a key. What a crash leaves over is done by `refuse_left_over`.
    """
    lent = affected_credentials(plan).exclude(state=Credential.State.SUSPENDED)
    done = 0
    for credential in lent.iterator():
        vault.set_state(
            credential_id=credential.pk,
            keychain_id=credential.keychain_id,
            to=Credential.State.SUSPENDED,
            actor=SYSTEM,
            reason=REASON,
        )
        done += 1
    return done


def refuse_left_over(now: datetime) -> int:  # noqa: ARG001  # a duty's shape
    """Keys that came after their kind was refused, or that a crash left out."""
    plans = Plan.objects.filter(
        state=Plan.State.ACTIVE,
        phases__effect=Phase.Effect.KEYS_REFUSED,
        phases__started_at__isnull=False,
    )
    return sum(refuse_keys(plan) for plan in plans)


PHASES = Duty(name="migration.phases", interval_seconds=1, run=start_due_phases)
REFUSALS = Duty(name="migration.refusals", interval_seconds=60, run=refuse_left_over)
