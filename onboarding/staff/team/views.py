"""The list of the staff, and the forms that give roles."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from onboarding.models import User
from onboarding.people.fresh import fresh_only
from onboarding.people.requests import person_of
from onboarding.staff.pages import show, staff_page
from onboarding.staff.roles import Role
from onboarding.staff.team import services
from onboarding.staff.team.errors import LastSecurityError, OwnRoleError, SuperuserError
from onboarding.staff.team.forms import NO_ROLE, AddForm, RoleForm
from onboarding.staff.team.selectors import role_of, staff_accounts, team

PERMISSION = "onboarding.change_user"
REFUSED = (OwnRoleError, SuperuserError, LastSecurityError)


@staff_page("onboarding.view_user")
@require_safe
def members(request: HttpRequest) -> HttpResponse:
    """Everybody of the staff."""
    context = {"members": team(reader=person_of(request))}
    return show(request, template="team/list.html", title=_("Staff and roles"), context=context)


@staff_page(PERMISSION)
@fresh_only
@require_http_methods(["GET", "HEAD", "POST"])
def role(request: HttpRequest, user_id: int) -> HttpResponse:
    """Give one of the staff another role."""
    user = get_object_or_404(staff_accounts(), pk=user_id)
    if request.method != "POST" and (refused := _closed_to(request, user)):
        messages.error(request, _refusal(refused))
        return redirect("staff-team")
    before = role_of(user)
    form = RoleForm(request.POST or None, initial={"role": before.value if before else NO_ROLE})
    if request.method == "POST" and form.is_valid():
        try:
            services.give_role(user=user, role=form.role_or_none(), by=person_of(request))
        except REFUSED as error:
            form.add_error("role", _refusal(error))
        else:
            messages.success(request, _("Done: %s.") % user.email)
            return redirect("staff-team")
    title = _("The role of %s") % user.email
    return _form(request, form=form, title=title, submit=_("Give this role"))


@staff_page(PERMISSION)
@fresh_only
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Take somebody on."""
    form = AddForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email, chosen = form.cleaned_data["email"], Role(form.cleaned_data["role"])
        try:
            user = services.add_to_staff(email=email, role=chosen, by=person_of(request))
        except REFUSED as error:
            form.add_error("email", _refusal(error))
        else:
            messages.success(request, _("Done: %s.") % user.email)
            return redirect("staff-team")
    return _form(request, form=form, title=_("Add somebody"), submit=_("Add them"))


def _form(
    request: HttpRequest, *, form: RoleForm | AddForm, title: str, submit: str
) -> HttpResponse:
    context = {"form": form, "submit": submit, "back_url": reverse("staff-team")}
    response = show(request, template="team/form.html", title=title, context=context)
    response.status_code = 422 if form.errors else 200
    return response


def _closed_to(request: HttpRequest, user: User) -> OwnRoleError | SuperuserError | None:
    """Why there is no form for this account, whatever would be chosen in it."""
    if user.pk == person_of(request).pk:
        return OwnRoleError()
    return SuperuserError() if user.is_superuser else None


def _refusal(error: Exception) -> str:
    if isinstance(error, OwnRoleError):
        return _("Nobody changes their own role: ask a colleague.")
    if isinstance(error, SuperuserError):
        return _("This account may do everything: it is changed by a command only.")
    return _("Somebody must keep the security role: give it to another person first.")
