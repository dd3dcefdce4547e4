"""The planner's factors as data: a store's own, else everybody's, else the inferred defaults."""

from onboarding.capacity.planner import DEFAULT_FACTORS, FACTOR_NAMES, Factors
from onboarding.models import Store, TrafficFactors, User


def factors_for(store: Store | None) -> Factors:
    """What is assumed of a store's traffic. One query.

    Args:
        store: None: of a store without factors of its own.
    """
    rows = {
        row.store_id: row
        for row in TrafficFactors.objects.filter(store=None)
        | TrafficFactors.objects.filter(store=store)
    }
    row = rows.get(store.pk if store else None) or rows.get(None)
    if row is None:
        return DEFAULT_FACTORS
    return Factors(**{name: getattr(row, name) for name in FACTOR_NAMES})


def has_own_factors(store: Store) -> bool:
    """Whether staff tuned the factors for this store."""
    return TrafficFactors.objects.filter(store=store).exists()


def tune_factors(*, store: Store | None, factors: Factors, user: User) -> None:
    """Set the factors of a store, or of every store without its own. Cases keep theirs.

    Args:
        store: None: everybody's.
        factors: from now on.
        user: who of staff tunes them.
    """
    values = {name: getattr(factors, name) for name in FACTOR_NAMES}
    TrafficFactors.objects.update_or_create(store=store, defaults={**values, "updated_by": user})


def forget_factors(*, store: Store) -> None:
    """Let a store go by everybody's factors again; harmless when repeated."""
    TrafficFactors.objects.filter(store=store).delete()
