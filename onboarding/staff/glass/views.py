"""Asking for a secret, deciding on it, and the one page that shows it, sealed."""

import hashlib
from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from keyvault.errors import StateError, VaultError
from keyvault.glass import info_for
from keyvault.leases.sealed import PublicKeyError
from keyvault.models import Credential
from onboarding.capacity.forms import new_form_id
from onboarding.models import GlassRequest
from onboarding.people.fresh import fresh_only
from onboarding.people.requests import person_of
from onboarding.staff.glass import selectors, services
from onboarding.staff.glass.errors import GlassClosedError, OwnRequestError
from onboarding.staff.glass.forms import AskForm
from onboarding.staff.pages import show, staff_page

PERMISSION = "keyvault.delete_credential"
REQUESTS_ON_A_PAGE = 50


@staff_page(PERMISSION)
@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """Every request, the newest first, and the keys that are still to be replaced."""
    now = timezone.now()
    page = Paginator(selectors.glass_requests(), REQUESTS_ON_A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "page": page,
        "lines": [(each, each.standing(now=now)) for each in page],
        "unreplaced": selectors.unreplaced_requests(),
    }
    return show(request, template="glass/list.html", title=_("Broken glass"), context=context)


@staff_page(PERMISSION)
@fresh_only
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, credential_id: UUID) -> HttpResponse:
    """Ask for the secret of one key."""
    credential = get_object_or_404(
        Credential.objects.select_related("keychain__store").defer("sealed"), pk=credential_id
    )
    form = AskForm(request.POST or None, initial=new_form_id())
    if request.method == "POST" and form.is_valid():
        try:
            made = services.ask(
                request_id=form.cleaned_data["form_id"],
                credential=credential,
                reason=form.cleaned_data["reason"],
                public_key=form.cleaned_data["public_key"],
                user=person_of(request),
            )
        except StateError:
            messages.error(request, _("This key was removed: there is no secret any more."))
            return redirect("staff-glass-list")
        except GlassClosedError:
            messages.error(request, _("This form belongs to another request. Begin anew."))
            return redirect("staff-glass-ask", credential_id=credential.pk)
        messages.success(request, _("Asked. Everybody who may approve has a mail."))
        return redirect("staff-glass", request_id=made.pk)
    context = {"form": form, "credential": credential}
    title = _("Break the glass of %s") % credential
    response = show(request, template="glass/ask.html", title=title, context=context)
    response.status_code = 422 if form.errors else 200
    return response


@staff_page(PERMISSION)
@require_safe
def request_page(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """One request, with what this person may do about it."""
    found = get_object_or_404(
        GlassRequest.objects.select_related(
            "credential__keychain__store__merchant", "asked_by", "decided_by"
        ).defer("credential__sealed"),
        pk=request_id,
    )
    user, now = person_of(request), timezone.now()
    standing = found.standing(now=now)
    is_open = standing in (GlassRequest.Standing.ASKED, GlassRequest.Standing.APPROVED)
    context = {
        "glass": found,
        "standing": standing,
        "key_print": hashlib.sha256(bytes(found.public_key)).hexdigest()[:16],
        "may_decide": selectors.may_decide(request=found, user=user, now=now),
        "may_open": selectors.may_open(request=found, user=user, now=now),
        "may_withdraw": is_open and found.asked_by_id == user.pk,
        "must_replace": selectors.unreplaced_requests().filter(pk=found.pk).exists(),
    }
    return show(request, template="glass/request.html", title=str(found), context=context)


@staff_page(PERMISSION)
@fresh_only
@require_POST
def decide(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Approve or deny what another person asked."""
    step = services.approve if request.POST.get("do") == "approve" else services.deny
    return _taken(
        request, request_id=request_id, step=step, said=_("Noted. Whoever asked has a mail.")
    )


@staff_page(PERMISSION)
@require_POST
def withdraw(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Take one's own request back."""
    said = _("Withdrawn. Nothing was opened.")
    return _taken(request, request_id=request_id, step=services.withdraw, said=said)


@staff_page(PERMISSION)
@fresh_only
@never_cache
@require_POST
def open_it(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Open the secret and show it once, sealed; it is in this answer and nowhere else."""
    get_object_or_404(GlassRequest, pk=request_id)
    try:
        found, sealed = services.break_glass(request_id=request_id, user=person_of(request))
    except GlassClosedError:
        messages.error(request, _("Nothing was opened: the request is used, over, or not yours."))
    except PublicKeyError:
        messages.error(request, _("Nothing was opened: nothing can be sealed to that key."))
    except VaultError:
        messages.error(request, _("Nothing was opened: the secret cannot be read just now."))
    else:
        info = info_for(request_id=found.pk, credential_id=found.credential_id).decode()
        context = {"glass": found, "sealed": sealed, "info": info}
        title = _("The secret of %s, sealed") % found
        return show(request, template="glass/opened.html", title=title, context=context)
    return redirect("staff-glass", request_id=request_id)


def _taken(
    request: HttpRequest, *, request_id: UUID, step: Callable[..., GlassRequest], said: str
) -> HttpResponse:
    """Take a step, say what came of it, and go back to the request."""
    get_object_or_404(GlassRequest, pk=request_id)
    try:
        step(request_id=request_id, user=person_of(request))
    except OwnRequestError:
        text = _(
            "You cannot decide here: you asked yourself, or this week one of you gave the other "
            "the role, or the same person gave it to both."
        )
        messages.error(request, text)
    except GlassClosedError:
        messages.warning(request, _("Too late: this request is over. Nothing was changed."))
    else:
        messages.success(request, said)
    return redirect("staff-glass", request_id=request_id)
