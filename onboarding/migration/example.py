"""The vendor's letter of September 2016 as an example plan: a draft without any effect."""

from datetime import datetime

from django.db import transaction

from onboarding.migration.plans import PlanFacts, save_plan, set_phase
from onboarding.models import Phase, Plan, User

NAME = "Example: Lightspeed Retail keys to OAuth, 2016-17"
# On the clock of the vendor, which sits in Montreal.
LETTER = (
    (Phase.Effect.NO_NEW_KEYS, datetime(2016, 10, 1)),  # noqa: DTZ001  # the vendor's own clock
    (Phase.Effect.KEYS_REFUSED, datetime(2017, 1, 1)),  # noqa: DTZ001  # as above
    (Phase.Effect.REFRESH_REQUIRED, datetime(2017, 2, 1)),  # noqa: DTZ001  # as above
)


@transaction.atomic
def add_example_plan(*, user: User) -> Plan:
    """Adds the example, or gives the one that is there."""
    found = Plan.objects.filter(name=NAME).first()
    if found is not None:
        return found
    facts = PlanFacts(
        name=NAME,
        vendor="Lightspeed Retail",
        endpoint="retail-r-key",
        provider="retail-r",
        time_zone="America/Montreal",
    )
    plan = save_plan(facts=facts, user=user)
    for effect, local in LETTER:
        set_phase(plan=plan, effect=effect, local=local, user=user)
    return plan
