"""The page behind an invitation's link."""

from allauth.account.utils import perform_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from pydantic import SecretStr

from onboarding.errors import (
    AccountExistsError,
    AlreadyMemberError,
    InvitationClosedError,
    OtherAddressError,
)
from onboarding.models import Invitation, User
from onboarding.people.forms import NewPersonForm
from onboarding.people.invitations import accept_as_new_person, accept_invitation, has_account
from onboarding.people.selectors import invitation_behind

# A link that is gone for good.
GONE = 410


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponseBase:
    """Let the invited person in: with their account, or with a new one."""
    try:
        found = invitation_behind(token)
        if isinstance(request.user, User):
            return _with_account(request, found, token=token, user=request.user)
        if has_account(found):
            return _page(request, found, state="sign-in")
        return _as_new_person(request, found, token=token)
    except (InvitationClosedError, AccountExistsError):
        return render(request, "onboarding/people/invitation_closed.html", status=GONE)


def _with_account(
    request: HttpRequest, found: Invitation, *, token: str, user: User
) -> HttpResponse:
    if request.method != "POST":
        is_theirs = found.email == user.email.lower()
        return _page(request, found, state="join" if is_theirs else "other-address")
    try:
        accept_invitation(token=token, user=user)
    except OtherAddressError:
        return _page(request, found, state="other-address")
    except AlreadyMemberError:
        return redirect("home")
    messages.success(request, _("You act for %s now.") % found.merchant.name)
    return redirect("home")


def _as_new_person(request: HttpRequest, found: Invitation, *, token: str) -> HttpResponseBase:
    form = NewPersonForm(request.POST if request.method == "POST" else None, email=found.email)
    if request.method == "POST" and form.is_valid():
        password = SecretStr(form.cleaned_data["password1"])
        user = accept_as_new_person(token=token, password=password)
        response: HttpResponseBase = perform_login(request, user, email=user.email)
        return response
    return _page(request, found, state="new", form=form)


def _page(
    request: HttpRequest, found: Invitation, *, state: str, form: NewPersonForm | None = None
) -> HttpResponse:
    context = {"invitation": found, "state": state, "form": form}
    return render(request, "onboarding/people/invitation.html", context)
