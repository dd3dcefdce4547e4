"""Pages about who acts for a merchant: colleagues, roles, invitations, leaving."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from onboarding.errors import AlreadyMemberError, LastOwnerError, RoleError, UnknownRecordError
from onboarding.models import Invitation, Member, Merchant
from onboarding.people.forms import InviteForm
from onboarding.people.invitations import invite_person, withdraw_invitation
from onboarding.people.requests import person_of
from onboarding.people.selectors import (
    actor_for,
    colleagues_of,
    member_of,
    open_invitations_of,
    owned_merchant,
)
from onboarding.people.services import change_role, remove_member


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest, merchant_id: int) -> HttpResponse:
    """Show who acts for a merchant; let an owner invite somebody."""
    mine = member_of(user=person_of(request), merchant_id=merchant_id)
    members = colleagues_of(mine.merchant)
    form = InviteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        merchant = _owned(request, merchant_id)
        if form.is_valid() and _invited(request, form=form, merchant=merchant):
            return redirect("people", merchant_id=merchant_id)
    context = {
        "mine": mine,
        "merchant": mine.merchant,
        "is_owner": mine.role == Member.Role.OWNER,
        "members": members,
        "has_one_owner": sum(each.role == Member.Role.OWNER for each in members) == 1,
        "invitations": open_invitations_of(mine.merchant),
        "form": form,
        "roles": Member.Role,
    }
    return render(request, "onboarding/people/people.html", context)


@login_required
@require_POST
def role(request: HttpRequest, merchant_id: int, member_id: int) -> HttpResponse:
    """Give a colleague another role."""
    member = _colleague(_owned(request, merchant_id), member_id)
    wanted = request.POST.get("role", "")
    if wanted in Member.Role.values:
        try:
            change_role(member=member, role=wanted, actor=actor_for(person_of(request)))
        except LastOwnerError:
            messages.error(request, _("Somebody must stay an owner. Make another one first."))
        else:
            messages.success(request, _("%s has another role now.") % member.user.email)
    return redirect("people", merchant_id=merchant_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, merchant_id: int, member_id: int) -> HttpResponse:
    """Ask, then end a membership: a colleague's by an owner, or one's own."""
    mine = member_of(user=person_of(request), merchant_id=merchant_id)
    if mine.pk != member_id:
        _owned(request, merchant_id)
    member = _colleague(mine.merchant, member_id)
    is_mine = mine.pk == member.pk
    if request.method != "POST":
        context = {"member": member, "merchant": mine.merchant, "is_mine": is_mine}
        return render(request, "onboarding/people/remove.html", context)
    try:
        remove_member(member=member, actor=actor_for(person_of(request)))
    except LastOwnerError:
        messages.error(request, _("Somebody must stay an owner. Make another one first."))
        return redirect("people", merchant_id=merchant_id)
    messages.success(request, _("%s does not act for you any more.") % member.user.email)
    return redirect("home") if is_mine else redirect("people", merchant_id=merchant_id)


@login_required
@require_POST
def withdraw(request: HttpRequest, merchant_id: int, invitation_id: str) -> HttpResponse:
    """Take an invitation back."""
    merchant = _owned(request, merchant_id)
    try:
        invitation = open_invitations_of(merchant).get(pk=invitation_id)
    except Invitation.DoesNotExist:
        raise UnknownRecordError from None
    withdraw_invitation(invitation=invitation, actor=actor_for(person_of(request)))
    messages.success(request, _("The link to %s does not work any more.") % invitation.email)
    return redirect("people", merchant_id=merchant_id)


def _owned(request: HttpRequest, merchant_id: int) -> Merchant:
    try:
        return owned_merchant(user=person_of(request), merchant_id=merchant_id)
    except RoleError as error:
        raise PermissionDenied from error


def _colleague(merchant: Merchant, member_id: int) -> Member:
    try:
        return colleagues_of(merchant).select_related("merchant").get(pk=member_id)
    except Member.DoesNotExist:
        raise UnknownRecordError from None


def _invited(request: HttpRequest, *, form: InviteForm, merchant: Merchant) -> bool:
    user = person_of(request)
    try:
        invitation = invite_person(
            merchant=merchant,
            email=form.cleaned_data["email"],
            role=form.cleaned_data["role"],
            language=user.language,
            invited_by=user,
        )
    except AlreadyMemberError:
        form.add_error("email", _("This person acts for you already"))
        return False
    messages.success(request, _("We sent an invitation to %s.") % invitation.email)
    return True
