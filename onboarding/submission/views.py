"""The paste page and the page that tells what came of it: steps 5 and 6 of the walkthrough."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods

from lightspeed.clusters import CLUSTERS, other_cluster
from lightspeed.result import Outcome
from onboarding.models import Store, Submission, Verification, Walkthrough
from onboarding.submission import selectors, services
from onboarding.submission.forms import LanguageForm, PasteForm
from onboarding.submission.outcomes import RETRIED, OwnOutcome
from onboarding.submission.parking import keeps_late_pairs, ticket_for
from onboarding.walkthrough import steps
from onboarding.walkthrough.back_office import BackOfficeWords
from onboarding.walkthrough.closing import while_keys_are_given
from onboarding.walkthrough.pages import page_context
from onboarding.walkthrough.selectors import walkthrough_at
from onboarding.walkthrough.services import save_step
from onboarding.walkthrough.visitors import Visitor, open_to_guests

State = Submission.State

# A pass that is about to go stale is not worth a refresh of the page; a check under way is.
REFRESH_SECONDS = 3


@keeps_late_pairs
@open_to_guests
@while_keys_are_given
@never_cache
@sensitive_post_parameters("key", "secret")
@require_http_methods(["GET", "POST"])
def paste(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Take a key and a secret, check them, and go to the result."""
    return _paste(request, visitor=visitor, submission=None)


@keeps_late_pairs
@open_to_guests
@never_cache
@sensitive_post_parameters("key", "secret")
@require_http_methods(["GET", "POST"])
def paste_again(request: HttpRequest, visitor: Visitor, submission_id: UUID) -> HttpResponse:
    """The same for a pair that is kept already: what is left empty stays as it is."""
    submission = selectors.submission_for(
        store=visitor.store, submission_id=submission_id, hand_over=visitor.hand_over
    )
    if not submission.is_open:
        return redirect("submission:paste", store_id=visitor.store.pk)
    return _paste(request, visitor=visitor, submission=submission)


@sensitive_variables("form")
def _paste(
    request: HttpRequest, *, visitor: Visitor, submission: Submission | None
) -> HttpResponse:
    store = visitor.store
    walkthrough = walkthrough_at(store=store, user=visitor.user, step=steps.PASTE)
    context = page_context(request, visitor=visitor, walkthrough=walkthrough, step=steps.PASTE)
    submission = submission or selectors.posted_submission(
        store=store,
        text=request.POST.get("submission", ""),
        hand_over=visitor.hand_over,
    )
    held = selectors.held_pair(submission)
    replaces = (
        None
        if visitor.hand_over
        else selectors.replaced_key(
            store=store, text=request.POST.get("replaces") or request.GET.get("replaces", "")
        )
    )
    submission_id = submission.pk if submission else uuid4()
    form = PasteForm(
        request.POST if request.method == "POST" else None,
        words=context["words"],
        has_key=held.has_key,
        has_secret=held.has_secret,
        initial={
            "name": replaces.name if replaces else context["suggested_name"],
            "replaces": replaces.pk if replaces else "",
            "submission": submission_id,
            "ticket": _ticket(visitor, submission_id),
        },
    )
    if request.method == "POST":
        is_valid = form.is_valid()
        if form.is_worth_keeping:
            submission = services.submit_pair(
                submission_id=form.cleaned_data["submission"],
                store=store,
                user=visitor.user,
                actor=visitor.actor,
                pasted=form.pasted,
                name=form.cleaned_data.get("name", ""),
                walkthrough=walkthrough,
                hand_over=visitor.hand_over,
                replaces=replaces,
            )
            held = selectors.held_pair(submission)
        if is_valid and submission is not None:
            return _check_and_show(visitor, submission, walkthrough)
    return render(
        request,
        "onboarding/submission/paste.html",
        {**context, "form": form, "held": held, "submission": submission, "replaces": replaces},
        status=422 if form.is_bound else 200,
    )


def _ticket(visitor: Visitor, submission_id: UUID) -> str:
    """A guest has nothing to sign in to again."""
    if visitor.hand_over is not None:
        return ""
    return ticket_for(user=visitor.user, store=visitor.store, submission_id=submission_id)


def _check_and_show(
    visitor: Visitor, submission: Submission, walkthrough: Walkthrough | None
) -> HttpResponse:
    if walkthrough is not None:
        save_step(walkthrough=walkthrough, step=steps.PASTE)
    if submission.state == State.WAITING:
        services.check_submission(submission=submission, actor=visitor.actor)
    return redirect("submission:result", store_id=submission.store_id, submission_id=submission.pk)


@open_to_guests
@require_GET
def latest(
    request: HttpRequest,  # noqa: ARG001  # Django passes it
    visitor: Visitor,
) -> HttpResponse:
    """The result of the newest pair that is kept, or the paste page when there is none."""
    submission = selectors.open_submissions(
        store=visitor.store, hand_over=visitor.hand_over
    ).first()
    if submission is None:
        return redirect("submission:paste", store_id=visitor.store.pk)
    return redirect("submission:result", store_id=visitor.store.pk, submission_id=submission.pk)


@open_to_guests
@never_cache
@require_GET
def result(request: HttpRequest, visitor: Visitor, submission_id: UUID) -> HttpResponse:
    """What the last check found, and the one thing to do next."""
    submission = selectors.submission_for(
        store=visitor.store, submission_id=submission_id, hand_over=visitor.hand_over
    )
    if submission.state == State.STORED:
        return redirect(visitor.home_url)
    verification = selectors.latest_verification(submission)
    context = page_context(
        request, visitor=visitor, walkthrough=submission.walkthrough, step=steps.RESULT
    )
    context |= _what_was_found(submission, verification, words=context["words"])
    return render(request, f"onboarding/submission/{_template(submission, verification)}", context)


def _template(submission: Submission, verification: Verification | None) -> str:
    """The page of one outcome; each has its own heading, words and next action."""
    if not submission.is_open or submission.expires_at <= timezone.now():
        # What is deleted because the same key was stored from elsewhere says so.
        is_here = verification is not None and verification.outcome == OwnOutcome.ADDED_HERE
        return "added_here.html" if is_here else "gone.html"
    if submission.state == State.PARTIAL:
        return "half.html"
    is_asked = verification is not None and verification.outcome in RETRIED
    if (
        verification is None
        or submission.is_checking(now=timezone.now())
        or (submission.state == State.WAITING and not is_asked)
    ):
        return "checking.html"
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
