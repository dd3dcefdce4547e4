"""From "you need two more" to the walkthrough, at the step where this person has to begin."""

from onboarding.models import Store, User, Walkthrough
from onboarding.walkthrough.selectors import live_key_count
from onboarding.walkthrough.services import MAX_KEYS_AT_ONCE, save_step, start_walkthrough
from onboarding.walkthrough.steps import BEFORE_YOU_START


def start_adding_keys(*, store: Store, user: User, keys: int) -> Walkthrough:
    """Start the walkthrough for a number of keys, or make the open one lead to as many.

    A shop that has a key, or a person who answered the first step's questions before, begins at the
    Back Office: the answers still hold. Everybody else begins at step 1.

    Args:
        store: whose keys.
        user: who makes them.
        keys: how many more; more than the walkthrough makes at once are made in the next pass.

    Returns:
        The walkthrough; its page `walkthrough:start` leads to the step to be done next.
    """
    answers = _answers_given(store=store, user=user)
    walkthrough = start_walkthrough(store=store, user=user)
    is_begun = walkthrough.step > BEFORE_YOU_START
    skips_questions = not is_begun and (bool(answers) or live_key_count(store=store) > 0)
    save_step(
        walkthrough=walkthrough,
        step=BEFORE_YOU_START if skips_questions else 0,
        answers=answers if skips_questions else None,
        keys_wanted=walkthrough.keys_done + min(max(keys, 1), MAX_KEYS_AT_ONCE),
    )
    return walkthrough


def _answers_given(*, store: Store, user: User) -> dict[str, str]:
    """The answers of this person's last finished walkthrough of the store, if they let him on."""
    last = (
        Walkthrough.objects.filter(store=store, user=user, keys_done__gt=0)
        .order_by("-updated_at")
        .first()
    )
    return dict(last.answers) if last else {}
