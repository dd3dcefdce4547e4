"""The buttons of the result page; each answers with a redirect, so that Back repeats nothing."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lightspeed.clusters import CLUSTERS, other_cluster
from onboarding.models import Submission
from onboarding.people.selectors import actor_for, store_for
from onboarding.submission import selectors, services
from onboarding.submission.errors import NotPassedError
from onboarding.submission.forms import LanguageForm
from onboarding.walkthrough.requests import SignedInRequest


@login_required
@require_POST
def check_again(request: SignedInRequest, store_id: UUID, submission_id: UUID) -> HttpResponse:
    """Check the kept pair once more, without pasting it again."""
    return _check(request, _submission(request, store_id, submission_id))


@login_required
@require_POST
def ask_other_cluster(
    request: SignedInRequest, store_id: UUID, submission_id: UUID
) -> HttpResponse:
    """Ask the vendor's other installation, as the merchant agreed."""
    submission = _submission(request, store_id, submission_id)
    # The page names the cluster, so that a second click does not turn back.
    cluster = request.POST.get("cluster", other_cluster(CLUSTERS[submission.cluster]).name)
    if submission.is_open and cluster in CLUSTERS:
        services.ask_otherwise(submission=submission, cluster=cluster)
    return _check(request, submission)


@login_required
@require_POST
def ask_other_language(
    request: SignedInRequest, store_id: UUID, submission_id: UUID
) -> HttpResponse:
    """Ask in another language."""
    submission = _submission(request, store_id, submission_id)
    form = LanguageForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose one of the languages."))
        return _to_result(submission)
    if submission.is_open:
        services.ask_otherwise(submission=submission, language=form.cleaned_data["language"])
    return _check(request, submission)


@login_required
@require_POST
def confirm_shop(request: SignedInRequest, store_id: UUID, submission_id: UUID) -> HttpResponse:
    """Take the other shop for this store from now on; a box must be ticked."""
    submission = _submission(request, store_id, submission_id)
    verification = selectors.latest_verification(submission)
    agreed = request.POST.get("shop_id", "")
    if not request.POST.get("agree"):
        messages.error(request, _("Tick the box if the app is to show the other shop."))
        return _to_result(submission)
    if submission.is_open and verification and agreed == str(verification.shop_id):
        services.accept_shop(submission=submission, shop_id=int(agreed))
    return _check(request, submission)


@login_required
@require_POST
def delete(request: SignedInRequest, store_id: UUID, submission_id: UUID) -> HttpResponse:
    """Delete the kept pair now."""
    submission = _submission(request, store_id, submission_id)
    if services.delete_submission(submission=submission, actor=actor_for(request.user)):
        messages.success(request, _("The key and secret that you pasted are deleted."))
    return redirect("store", store_id=store_id)


@login_required
@require_POST
def store(request: SignedInRequest, store_id: UUID, submission_id: UUID) -> HttpResponse:
    """Make the pair a credential, and go on to the next key or to the store."""
    submission = _submission(request, store_id, submission_id)
    try:
        services.store_submission(submission=submission, actor=actor_for(request.user))
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
            return redirect("walkthrough:step", store_id=store_id, step=walkthrough.step)
    messages.success(request, _("The key is stored. Your app can use it from now on."))
    return redirect("store", store_id=store_id)


def _submission(request: SignedInRequest, store_id: UUID, submission_id: UUID) -> Submission:
    store = store_for(user=request.user, store_id=store_id)
    return selectors.submission_for(store=store, submission_id=submission_id)


def _check(request: SignedInRequest, submission: Submission) -> HttpResponse:
    services.check_submission(submission=submission, actor=actor_for(request.user))
    return _to_result(submission)


def _to_result(submission: Submission) -> HttpResponse:
    return redirect("submission:result", store_id=submission.store_id, submission_id=submission.pk)
