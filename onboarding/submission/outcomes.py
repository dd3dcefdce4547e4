"""What can come of a submission: the vendor's outcomes, and those that we find ourselves."""

from enum import StrEnum

from lightspeed.result import Outcome


class OwnOutcome(StrEnum):
    """Outcomes that no vendor can know of."""

    #: The same API key is a live credential of this store.
    ADDED_HERE = "added_here"
    #: The same API key is a live credential of another store; nothing more is ever said of it.
    IN_USE_ELSEWHERE = "in_use_elsewhere"


# What proves that the pair is genuine: only then may a page say that the key is in use elsewhere,
# or else anybody who has seen a key could ask us where it is used.
GENUINE = frozenset(
    {
        Outcome.PASSED,
        Outcome.OTHER_SHOP,
        Outcome.MISSING_PERMISSIONS,
        Outcome.SHOP_UNKNOWN,
    }
)
# The vendor is the cause: the draft waits and is checked again by itself.
RETRIED = frozenset(outcome for outcome in Outcome if outcome.is_retryable)
