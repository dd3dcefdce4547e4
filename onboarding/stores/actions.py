"""What a merchant does with one key: check, pause, resume, remove."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from keyvault.errors import StateError
from keyvault.models import Credential
from lightspeed.result import Outcome
from onboarding.models import Store
from onboarding.people.selectors import actor_for, store_for
from onboarding.stores import selectors, services
from onboarding.stores.forms import RemoveKeyForm
from onboarding.submission.errors import CheckBusyError
from onboarding.submission.outcomes import RETRIED
from onboarding.submission.services import undo_replacement, verify_credential
from onboarding.walkthrough.requests import SignedInRequest
from onboarding.walkthrough.selectors import live_key_count


@login_required
@require_POST
def check(request: SignedInRequest, store_id: UUID, credential_id: UUID) -> HttpResponse:
    """Ask Lightspeed about a stored key now."""
    store, credential = _key(request, store_id, credential_id)
    try:
        verification = verify_credential(credential=credential, actor=actor_for(request.user))
    except CheckBusyError:
        messages.warning(
            request,
            _("Your app needs every request of this key just now. Try again in a minute."),
        )
        return redirect("store", store_id=store.pk)
    name = {"key": str(credential)}
    if verification.outcome == Outcome.PASSED:
        messages.success(request, _("%(key)s works and has every permission.") % name)
    elif verification.outcome in RETRIED:
        messages.warning(
            request, _("Lightspeed did not answer. %(key)s was not checked; try later.") % name
        )
    elif verification.outcome == Outcome.MISSING_PERMISSIONS:
        messages.warning(request, _("%(key)s works, but a box is not ticked. See below.") % name)
    else:
        messages.error(request, _("Lightspeed refuses %(key)s. See below what to do.") % name)
    return redirect("store", store_id=store.pk)


@login_required
@require_POST
def pause(request: SignedInRequest, store_id: UUID, credential_id: UUID) -> HttpResponse:
    """Stop lending a key."""
    said = _("%(key)s is paused. Your app no longer uses it.")
    return _move(request, _key(request, store_id, credential_id), by=services.pause_key, said=said)


@login_required
@require_POST
def resume(request: SignedInRequest, store_id: UUID, credential_id: UUID) -> HttpResponse:
    """Lend a paused key again."""
    said = _("%(key)s is back. Your app may use it again.")
    return _move(request, _key(request, store_id, credential_id), by=services.resume_key, said=said)


@login_required
@require_POST
def undo(request: SignedInRequest, store_id: UUID, credential_id: UUID) -> HttpResponse:
    """Bring back the key whose place another took."""
    store, credential = _key(request, store_id, credential_id)
    replacement = selectors.open_replacements(store=store).filter(new=credential).first()
    if replacement is None:
        return _changed_meanwhile(request, store)
    try:
        old = undo_replacement(replacement=replacement, actor=actor_for(request.user))
    except StateError:
        return _changed_meanwhile(request, store)
    messages.success(request, _("%(key)s is back, and the new key is removed.") % {"key": str(old)})
    return redirect("store", store_id=store.pk)


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: SignedInRequest, store_id: UUID, credential_id: UUID) -> HttpResponse:
    """Ask once more, say what stops, and destroy the key."""
    store, credential = _key(request, store_id, credential_id)
    form = RemoveKeyForm(request.POST if request.method == "POST" else None, credential=credential)
    if request.method == "POST" and form.is_valid():
        said = _("%(key)s is removed. Delete it in your Back Office, too.")
        return _move(request, (store, credential), by=services.remove_key, said=said)
    context = {
        "store": store,
        "credential": credential,
        "form": form,
        "is_last": live_key_count(store=store) == 1,
    }
    status = 422 if form.is_bound else 200
    return render(request, "onboarding/stores/remove.html", context, status=status)


def _key(request: SignedInRequest, store_id: UUID, credential_id: UUID) -> tuple[Store, Credential]:
    store = store_for(user=request.user, store_id=store_id)
    return store, selectors.live_key(store=store, credential_id=credential_id)


def _move(
    request: SignedInRequest,
    key: tuple[Store, Credential],
    *,
    by: Callable[..., Credential],
    said: str,
) -> HttpResponse:
    """Do one thing with a key, say so, and show the store."""
    store, credential = key
    try:
        by(credential=credential, actor=actor_for(request.user))
    except StateError:
        return _changed_meanwhile(request, store)
    messages.success(request, said % {"key": str(credential)})
    return redirect("store", store_id=store.pk)


def _changed_meanwhile(request: SignedInRequest, store: Store) -> HttpResponse:
    messages.warning(request, _("Somebody changed this key a moment ago. This is how it is now."))
    return redirect("store", store_id=store.pk)
