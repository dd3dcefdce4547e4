"""A pair that is sent after its session has ended: sealed as a draft, so that no work is lost.

The page that a signed-in person was given carries a ticket: signed, for one person, one store and
the one submission of that form, for as long as a draft lives, and void once the password changes.
With it a form that comes too late may do one thing: leave its values in the vault as that draft.
Nothing is asked of the vendor and nothing is shown; the person signs in again and goes on.
"""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from onboarding.errors import UnknownRecordError
from onboarding.models import Store, Submission, User
from onboarding.people.selectors import actor_for, store_for
from onboarding.people.timeouts import takes_late_forms
from onboarding.submission import selectors, services
from onboarding.submission.forms import PasteForm
from onboarding.submission.services.pair import DRAFT_LIFETIME
from onboarding.walkthrough.selectors import walkthrough_at
from onboarding.walkthrough.steps import PASTE
from onboarding.walkthrough.visitors import SESSION_KEY

_SALT = "latchkey.submission.ticket"

P = ParamSpec("P")


def ticket_for(*, user: User, store: Store, submission_id: UUID) -> str:
    """What the form of a signed-in person carries along."""
    facts = [user.pk, str(store.pk), str(submission_id), _proof(user)]
    return signing.dumps(facts, salt=_SALT)


def keeps_late_pairs(
    view: Callable[Concatenate[HttpRequest, UUID, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Park what is sent to a paste page after the session has ended, and lead back to it."""

    @wraps(view)
    def wrapper(
        request: HttpRequest, store_id: UUID, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        is_known = request.user.is_authenticated or SESSION_KEY in request.session
        if request.method == "POST" and not is_known:
            return _park_and_sign_in(request, store_id)
        return view(request, store_id, *args, **kwargs)

    takes_late_forms(wrapper)
    return wrapper


@sensitive_post_parameters("key", "secret")
@sensitive_variables("form")
def _park_and_sign_in(request: HttpRequest, store_id: UUID) -> HttpResponse:
    form = PasteForm(request.POST)
    form.is_valid()
    submission = _parked(form, store_id=store_id)
    if submission is None:
        text = _("You were signed out. Paste the key and the secret again; the rest is kept.")
        messages.warning(request, text)
        return redirect_to_login(request.get_full_path())
    messages.warning(request, _what_is_kept(submission))
    return redirect_to_login(reverse("submission:paste-again", args=[store_id, submission.pk]))


@sensitive_variables("form")
def _parked(form: PasteForm, *, store_id: UUID) -> Submission | None:
    submission_id = form.cleaned_data["submission"]
    found = _behind(form.cleaned_data["ticket"], store_id=store_id, submission_id=submission_id)
    if found is None or not form.is_worth_keeping:
        return None
    user, store = found
    with transaction.atomic():
        submission = services.submit_pair(
            submission_id=submission_id,
            store=store,
            user=user,
            actor=actor_for(user),
            pasted=form.pasted,
            name=form.cleaned_data["name"],
            walkthrough=walkthrough_at(store=store, user=user, step=PASTE),
            replaces=selectors.replaced_key(store=store, text=form.cleaned_data["replaces"]),
        )
        # It is checked when its person is back and says so.
        Submission.objects.filter(pk=submission.pk, state=Submission.State.WAITING).update(
            due_at=None
        )
    return submission


def _behind(ticket: str, *, store_id: UUID, submission_id: UUID) -> tuple[User, Store] | None:
    """Whose form it is, if the ticket is for this very form and still good."""
    try:
        facts = signing.loads(ticket, salt=_SALT, max_age=DRAFT_LIFETIME)
        user_id, *rest, proof = facts
        user = User.objects.get(pk=user_id, is_active=True)
        store = store_for(user=user, store_id=store_id)
    except (signing.BadSignature, User.DoesNotExist, UnknownRecordError):
        return None
    is_for_this_form = rest == [str(store_id), str(submission_id)]
    return (user, store) if is_for_this_form and hmac.compare_digest(proof, _proof(user)) else None


def _proof(user: User) -> str:
    """Changes with the password, as sessions end with it."""
    return salted_hmac(_SALT, user.get_session_auth_hash(), algorithm="sha256").hexdigest()


def _what_is_kept(submission: Submission) -> str:
    held = selectors.held_pair(submission)
    if held.has_key and held.has_secret:
        return _("You were signed out. Your key and secret are kept: sign in and check them.")
    if held.has_key:
        return _("You were signed out. Your API key is kept; paste the API secret again.")
    return _("You were signed out. Your API secret is kept; paste the API key again.")
