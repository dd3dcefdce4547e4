"""What a merchant is told by mail of a pair that was checked while nobody was looking."""

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from lightspeed.result import Outcome
from onboarding.models import Submission
from onboarding.notices.letters import Letter, absolute_url, send_letter


def tell_how_it_ended(*, submission: Submission, outcome: str) -> None:
    """Write to whoever pasted the pair. One INSERT, in the caller's transaction.

    Args:
        submission: has been checked by the worker, with its user and store.
        outcome: what the last check came to.
    """
    with translation.override(submission.user.language):
        letter = _letter(submission, outcome=outcome)
    send_letter(letter, to=submission.user.email, language=submission.user.language)


def tell_that_a_guest_is_done(*, submission: Submission) -> None:
    """Write to whoever handed the task over. One INSERT, in the caller's transaction."""
    app = {"app": submission.store.app_name}
    with translation.override(submission.user.language):
        letter = Letter(
            subject=_("The key for %(app)s is stored") % app,
            paragraphs=(
                _("The person to whom you sent the link has made the key and stored it."),
                _("%(app)s can use it from now on. There is nothing for you to do.") % app,
            ),
            action_label=_("See your keys"),
            action_url=absolute_url(reverse("store", args=[submission.store_id])),
        )
    send_letter(letter, to=submission.user.email, language=submission.user.language)


def _letter(submission: Submission, *, outcome: str) -> Letter:
    app = {"app": submission.store.app_name}
    page = absolute_url(reverse("submission:result", args=[submission.store_id, submission.pk]))
    if outcome == Outcome.PASSED:
        return Letter(
            subject=_("Your key for %(app)s works: store it") % app,
            paragraphs=(
                _("Lightspeed answers again. Your key has passed its check."),
                _("Store it within 24 hours; after that what you pasted is deleted."),
            ),
            action_label=_("Store this key"),
            action_url=page,
        )
    if submission.due_at is None and outcome in (
        Outcome.UNAVAILABLE,
        Outcome.THROTTLED,
        Outcome.UNREADABLE,
    ):
        return Letter(
            subject=_("We could not check your key for %(app)s") % app,
            paragraphs=(
                _("Lightspeed has not answered for three days, so we have stopped trying."),
                _("It says nothing about your key. Check again when you like."),
            ),
            action_label=_("Check again"),
            action_url=page,
        )
    return Letter(
        subject=_("Your key for %(app)s needs you") % app,
        paragraphs=(
            _("Lightspeed answers again, but your key did not pass its check."),
            _("See what is missing, mend it in your Back Office, and check again."),
        ),
        action_label=_("See what is missing"),
        action_url=page,
    )
