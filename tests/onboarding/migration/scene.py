"""A plan, stores that it concerns, and time that passes."""

from datetime import datetime, timedelta

from django.utils import timezone
from pydantic import SecretStr

from keyvault.models import Credential
from onboarding.migration import plans
from onboarding.models import Campaign, Phase, Plan, Store, User
from onboarding.oauth.legacy import Result, add_key
from simulator.running import RunningSimulator
from tests.onboarding.cast import staff_member
from tests.onboarding.oauth.desk import Desk, desk

Effect = Phase.Effect
FACTS = plans.PlanFacts(
    name="Keys to OAuth",
    vendor="Lightspeed Retail",
    endpoint="retail-r-key",
    provider="retail-r",
    time_zone="America/Montreal",
    link="https://vendor.test/letter",
)


def staff() -> User:
    return User.objects.filter(is_staff=True).first() or staff_member()


def plan(*, facts: plans.PlanFacts = FACTS, **phases: timedelta) -> Plan:
    """A draft whose phases begin that far from now."""
    made = plans.save_plan(facts=facts, user=staff())
    for effect, span in phases.items():
        add_phase(made, effect, span)
    return made


def add_phase(to: Plan, effect: str, span: timedelta) -> Phase:
    """A phase that begins that far from now, to the second."""
    phase, _ = Phase.objects.update_or_create(
        plan=to,
        effect=effect,
        defaults={
            "starts_at": timezone.now() + span,
            "due_at": timezone.now() + span if to.state == Plan.State.ACTIVE else None,
        },
    )
    return phase


def migrating(simulator: RunningSimulator, name: str = "merchant") -> Desk:
    """A merchant whose store works with an R-Series key of before."""
    at = desk(simulator, name)
    key = f"legacy-key-{name}"
    number = 200001 + Store.objects.count()
    account = {"series": "r", "id": str(number), "name": f"Shop of {name}"}
    simulator.retail(lambda each: each.put_account(account))
    simulator.retail(lambda each: each.put_key({"key": key, "account_id": str(number)}))
    assert add_key(store=at.store, key=SecretStr(key), user=staff()) is Result.STORED
    at.store.refresh_from_db()
    return at


def key_of(at: Desk) -> Credential:
    return Credential.objects.get(keychain_id=at.store.pk, kind="basic")


def campaign(of: Plan, **fields: object) -> Campaign:
    """A campaign whose first letters are due."""
    facts = {
        "name": "First wave",
        "starts_at": timezone.now() - timedelta(seconds=1),
        "reminder_days": [14, 7, 1],
        **fields,
    }
    return Campaign.objects.create(plan=of, **facts)


def later(**span: float) -> datetime:
    return timezone.now() + timedelta(**span)
