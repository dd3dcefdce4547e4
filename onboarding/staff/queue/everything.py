"""All piles, in the order of what they mean for merchants."""

from datetime import datetime

from onboarding.models import User
from onboarding.staff.queue import guard, keys, people
from onboarding.staff.queue.pile import Pile

BREAKS_GLASS = "keyvault.delete_credential"
MAKES_TOKENS = "keyvault.add_backend"


def work_queue(*, now: datetime, user: User | None = None) -> list[Pile]:
    """The piles that are not empty, by consequence; two queries a pile, more for a near deadline.

    Args:
        now: the present.
        user: whose queue; what only some may act upon is left out for the others.
    """
    may_break_glass = user is not None and user.has_perm(BREAKS_GLASS)
    piles = (
        guard.alerts(),
        keys.dead_apps(),
        people.deadlines(now),
        guard.glass_to_decide(now) if may_break_glass else None,
        guard.tokens_for(user, now) if user is not None and user.has_perm(MAKES_TOKENS) else None,
        guard.failing_work(now),
        keys.failing_keys(),
        keys.lacking_keys(),
        guard.opened_keys() if may_break_glass else None,
        people.waiting_cases(now),
        keys.stuck_pastes(now),
        people.lost_mails(),
    )
    return [pile for pile in piles if pile is not None]
