"""The paste page and the page that tells what came of it: steps 5 and 6 of the walkthrough."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods

from lightspeed.clusters import CLUSTERS, other_cluster
from lightspeed.result import Outcome
from onboarding.models import Store, Submission, Verification, Walkthrough
from onboarding.people.selectors import actor_for, store_for
from onboarding.submission import selectors, services
from onboarding.submission.forms import LanguageForm, PasteForm
from onboarding.submission.outcomes import RETRIED, OwnOutcome
from onboarding.walkthrough import steps
from onboarding.walkthrough.back_office import BackOfficeWords
from onboarding.walkthrough.requests import SignedInRequest
from onboarding.walkthrough.selectors import open_walkthrough
from onboarding.walkthrough.services import save_step
from onboarding.walkthrough.views import page_context

State = Submission.State

# A pass that is about to go stale is not worth a refresh of the page; a check under way is.
REFRESH_SECONDS = 3


@login_required
@never_cache
@sensitive_post_parameters("key", "secret")
@require_http_methods(["GET", "POST"])
def paste(request: SignedInRequest, store_id: UUID) -> HttpResponse:
    """Take a key and a secret, check them, and go to the result."""
    store = store_for(user=request.user, store_id=store_id)
    return _paste(request, store=store, submission=None)


@login_required
@never_cache
@sensitive_post_parameters("key", "secret")
@require_http_methods(["GET", "POST"])
def paste_again(request: SignedInRequest, store_id: UUID, submission_id: UUID) -> HttpResponse:
    """The same for a pair that is kept already: what is left empty stays as it is."""
    store = store_for(user=request.user, store_id=store_id)
    submission = selectors.submission_for(store=store, submission_id=submission_id)
    if not submission.is_open:
        return redirect("submission:paste", store_id=store.pk)
    return _paste(request, store=store, submission=submission)


@sensitive_variables("form")
def _paste(
    request: SignedInRequest, *, store: Store, submission: Submission | None
) -> HttpResponse:
    walkthrough = _walkthrough_at_paste(request, store)
    context = page_context(request, store=store, walkthrough=walkthrough, step=steps.PASTE)
    submission = submission or selectors.posted_submission(
        store=store, text=request.POST.get("submission", "")
    )
    held = selectors.held_pair(submission)
    form = PasteForm(
        request.POST if request.method == "POST" else None,
        has_key=held.has_key,
        has_secret=held.has_secret,
        initial={
            "name": context["suggested_name"],
            **({"submission": submission.pk} if submission else {}),
        },
    )
    if request.method == "POST":
        is_valid = form.is_valid()
        if form.is_worth_keeping:
            submission = services.submit_pair(
                submission_id=form.cleaned_data["submission"],
                store=store,
                user=request.user,
                actor=actor_for(request.user),
                pasted=form.pasted,
                name=form.cleaned_data.get("name", ""),
                walkthrough=walkthrough,
            )
            held = selectors.held_pair(submission)
        if is_valid and submission is not None:
            return _check_and_show(request, submission, walkthrough)
    return render(
        request,
        "onboarding/submission/paste.html",
        {**context, "form": form, "held": held, "submission": submission},
        status=422 if form.is_bound else 200,
    )


def _walkthrough_at_paste(request: SignedInRequest, store: Store) -> Walkthrough | None:
    """The walkthrough, if it has come this far; else the merchant took the short way."""
    walkthrough = open_walkthrough(store=store, user=request.user)
    return walkthrough if walkthrough and walkthrough.step >= steps.PASTE else None


def _check_and_show(
    request: SignedInRequest, submission: Submission, walkthrough: Walkthrough | None
) -> HttpResponse:
    if walkthrough is not None:
        save_step(walkthrough=walkthrough, step=steps.PASTE)
    if submission.state == State.WAITING:
        services.check_submission(submission=submission, actor=actor_for(request.user))
    return redirect("submission:result", store_id=submission.store_id, submission_id=submission.pk)


@login_required
@require_GET
def latest(request: SignedInRequest, store_id: UUID) -> HttpResponse:
    """The result of the newest pair that is kept, or the paste page when there is none."""
    store = store_for(user=request.user, store_id=store_id)
    submission = selectors.open_submissions(store=store).first()
    if submission is None:
        return redirect("submission:paste", store_id=store.pk)
    return redirect("submission:result", store_id=store.pk, submission_id=submission.pk)


@login_required
@never_cache
@require_GET
def result(request: SignedInRequest, store_id: UUID, submission_id: UUID) -> HttpResponse:
    """What the last check found, and the one thing to do next."""
    store = store_for(user=request.user, store_id=store_id)
    submission = selectors.submission_for(store=store, submission_id=submission_id)
    if submission.state == State.STORED:
        return redirect("store", store_id=store.pk)
    verification = selectors.latest_verification(submission)
    context = page_context(
        request, store=store, walkthrough=submission.walkthrough, step=steps.RESULT
    )
    context |= _what_was_found(submission, verification, words=context["words"])
    return render(request, f"onboarding/submission/{_template(submission, verification)}", context)


def _template(submission: Submission, verification: Verification | None) -> str:
    """The page of one outcome; each has its own heading, words and next action."""
    if not submission.is_open or submission.expires_at <= timezone.now():
        return "gone.html"
    if submission.is_checking(now=timezone.now()):
        return "checking.html"
    if submission.state == State.PARTIAL or verification is None:
        return "half.html" if submission.state == State.PARTIAL else "checking.html"
    if verification.outcome in RETRIED:
        return "waiting.html" if submission.state == State.WAITING else "gave_up.html"
    if verification.outcome == Outcome.SWAPPED:
        # Even the other way round it was not accepted when it counted.
        return "refused.html"
    return f"{verification.outcome}.html"


def _what_was_found(
    submission: Submission, verification: Verification | None, *, words: BackOfficeWords
) -> dict[str, Any]:
    other = other_cluster(CLUSTERS[submission.cluster])
    found: dict[str, Any] = {
        "submission": submission,
        "verification": verification,
        "held": selectors.held_pair(submission),
        "findings": set(submission.findings),
        "other_cluster": Store.Cluster(other.name),
        "asked_cluster": Store.Cluster(submission.cluster),
        "is_other_cluster": submission.cluster != submission.store.cluster,
        "language_form": LanguageForm(initial={"language": submission.language}),
        "refresh_seconds": REFRESH_SECONDS,
        "retries_until": submission.created_at + timedelta(hours=72),
    }
    if verification is not None and verification.permissions:
        found["rows"] = selectors.result_rows(verification=verification, words=words)
        found["missing"] = selectors.missing_boxes(verification=verification, words=words)
        found["granted"] = selectors.granted_count(verification)
    if verification is not None and verification.outcome == OwnOutcome.ADDED_HERE:
        found["same_key"] = selectors.same_key_here(submission)
    return found
