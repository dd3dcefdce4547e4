"""The buttons of the result page; each answers with a redirect, so that Back repeats nothing."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lightspeed.clusters import CLUSTERS, other_cluster
from onboarding.models import Submission
from onboarding.submission import selectors, services
from onboarding.submission.errors import NotPassedError
from onboarding.submission.forms import LanguageForm
from onboarding.walkthrough.hand_over import end_hand_over
from onboarding.walkthrough.visitors import Visitor, open_to_guests


@open_to_guests
@require_POST
def check_again(
    request: HttpRequest,  # noqa: ARG001  # Django passes it
    visitor: Visitor,
    submission_id: UUID,
) -> HttpResponse:
    """Check the kept pair once more, without pasting it again."""
    return _check(visitor, _submission(visitor, submission_id))


@open_to_guests
@require_POST
def ask_other_cluster(request: HttpRequest, visitor: Visitor, submission_id: UUID) -> HttpResponse:
    """Ask the vendor's other installation, as the merchant agreed."""
    submission = _submission(visitor, submission_id)
    # The page names the cluster, so that a second click does not turn back.
    cluster = request.POST.get("cluster", other_cluster(CLUSTERS[submission.cluster]).name)
    if submission.is_open and cluster in CLUSTERS:
        services.ask_otherwise(submission=submission, cluster=cluster)
    return _check(visitor, submission)


@open_to_guests
@require_POST
def ask_other_language(request: HttpRequest, visitor: Visitor, submission_id: UUID) -> HttpResponse:
    """Ask in another language."""
    submission = _submission(visitor, submission_id)
    form = LanguageForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose one of the languages."))
        return _to_result(submission)
    if submission.is_open:
        services.ask_otherwise(submission=submission, language=form.cleaned_data["language"])
    return _check(visitor, submission)


@open_to_guests
@require_POST
def confirm_shop(request: HttpRequest, visitor: Visitor, submission_id: UUID) -> HttpResponse:
    """Take the other shop for this store from now on; a box must be ticked."""
    submission = _submission(visitor, submission_id)
    verification = selectors.latest_verification(submission)
    agreed = request.POST.get("shop_id", "")
    if not request.POST.get("agree"):
        messages.error(request, _("Tick the box if the app is to show the other shop."))
        return _to_result(submission)
    if submission.is_open and verification and agreed == str(verification.shop_id):
        services.accept_shop(submission=submission, shop_id=int(agreed))
    return _check(visitor, submission)


@open_to_guests
@require_POST
def delete(request: HttpRequest, visitor: Visitor, submission_id: UUID) -> HttpResponse:
    """Delete the kept pair now."""
    submission = _submission(visitor, submission_id)
    if services.delete_submission(submission=submission, actor=visitor.actor):
        messages.success(request, _("The key and secret that you pasted are deleted."))
    return redirect(visitor.home_url)


@open_to_guests
@require_POST
def store(request: HttpRequest, visitor: Visitor, submission_id: UUID) -> HttpResponse:
    """Make the pair a credential, and go on to the next key or to the store."""
    submission = _submission(visitor, submission_id)
    try:
        services.store_submission(submission=submission, actor=visitor.actor)
    except NotPassedError:
        return _to_result(submission)
    walkthrough = submission.walkthrough
    if walkthrough is not None:
        walkthrough.refresh_from_db()
        left = walkthrough.keys_wanted - walkthrough.keys_done
        if left > 0 and walkthrough.finished_at is None:
            messages.success(
                request,
                ngettext(
                    "The key is stored and ready. %(left)s more to go.",
                    "The key is stored and ready. %(left)s more to go.",
                    left,
                )
                % {"left": left},
            )
            return redirect("walkthrough:step", store_id=visitor.store.pk, step=walkthrough.step)
    if visitor.hand_over is not None:
        end_hand_over(hand_over=visitor.hand_over, actor=visitor.actor)
        return redirect("handed-back")
    messages.success(request, _("The key is stored. Your app can use it from now on."))
    return redirect(visitor.home_url)


def _submission(visitor: Visitor, submission_id: UUID) -> Submission:
    return selectors.submission_for(
        store=visitor.store, submission_id=submission_id, hand_over=visitor.hand_over
    )


def _check(visitor: Visitor, submission: Submission) -> HttpResponse:
    services.check_submission(submission=submission, actor=visitor.actor)
    return _to_result(submission)


def _to_result(submission: Submission) -> HttpResponse:
    return redirect("submission:result", store_id=submission.store_id, submission_id=submission.pk)
