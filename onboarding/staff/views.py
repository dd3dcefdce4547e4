"""Setting up merchants: the company, its stores, and who looks after them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from onboarding.errors import AlreadyMemberError, SameNameError
from onboarding.models import Merchant
from onboarding.people.forms import InviteForm
from onboarding.people.invitations import invite_person
from onboarding.people.requests import person_of
from onboarding.people.selectors import actor_for
from onboarding.staff.forms import InviteMerchantForm, StoreForm
from onboarding.staff.pages import show, staff_page
from onboarding.staff.services import invite_merchant
from onboarding.stores.services import create_store

MERCHANT_ROW = "admin:onboarding_merchant_change"


@staff_page("onboarding.add_merchant")
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Make a merchant with a store, and invite its owner."""
    form = InviteMerchantForm(request.POST or None, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        try:
            invitation = invite_merchant(**form.cleaned_data, invited_by=person_of(request))
        except SameNameError:
            form.add_error("name", _("A merchant of this name is there already"))
        else:
            messages.success(request, _("We sent an invitation to %s.") % invitation.email)
            return redirect(MERCHANT_ROW, invitation.merchant_id)
    context = {"form": form, "submit": _("Make it and send the invitation")}
    return show(request, template="form.html", title=_("Invite a merchant"), context=context)


@staff_page("onboarding.add_merchant")
@require_http_methods(["GET", "HEAD", "POST"])
def invite_to(request: HttpRequest, merchant_id: int) -> HttpResponse:
    """Invite somebody to a merchant that is there."""
    merchant = get_object_or_404(Merchant, pk=merchant_id)
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = person_of(request)
        try:
            invitation = invite_person(
                merchant=merchant, **form.cleaned_data, language=user.language, invited_by=user
            )
        except AlreadyMemberError:
            form.add_error("email", _("This person acts for the merchant already"))
        else:
            messages.success(request, _("We sent an invitation to %s.") % invitation.email)
            return redirect(MERCHANT_ROW, merchant.pk)
    title = _("Invite somebody to %s") % merchant.name
    context = {"form": form, "merchant": merchant, "submit": _("Send the invitation")}
    return show(request, template="form.html", title=title, context=context)


@staff_page("onboarding.add_merchant")
@require_http_methods(["GET", "HEAD", "POST"])
def add_store(request: HttpRequest, merchant_id: int) -> HttpResponse:
    """Add a store to a merchant that is there."""
    merchant = get_object_or_404(Merchant, pk=merchant_id)
    form = StoreForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        store = create_store(
            merchant=merchant,
            name=form.cleaned_data["store_name"],
            app_name=form.cleaned_data["app_name"],
            cluster=form.cleaned_data["cluster"],
            platform=form.cleaned_data["platform"],
            actor=actor_for(person_of(request)),
        )
        messages.success(request, _("%s is there.") % store.name)
        return redirect(MERCHANT_ROW, merchant.pk)
    title = _("Add a store to %s") % merchant.name
    context = {"form": form, "merchant": merchant, "submit": _("Add the store")}
    return show(request, template="form.html", title=title, context=context)
