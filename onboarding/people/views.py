"""Where one lands, help, and the account's own page."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from onboarding.models import User
from onboarding.people.selectors import merchants_for, stores_for

# One row more than one is enough to know that there are several.
SEVERAL = 2


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Send everybody to the page that they came for."""
    user: User | AnonymousUser = request.user
    if not isinstance(user, User):
        return redirect("account_login")
    stores = stores_for(user).values_list("pk", flat=True)[:SEVERAL]
    if len(stores) == 1:
        return redirect("store", store_id=stores[0])
    if user.is_staff and not stores:
        return redirect("admin:index")
    return redirect("stores")


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Show how to reach somebody, and the answers to what is asked most."""
    return render(request, "onboarding/people/help.html")


@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show the person's own account."""
    assert isinstance(request.user, User)  # noqa: S101  # login_required says so; mypy does not know
    return render(
        request, "onboarding/people/account.html", {"merchants": merchants_for(request.user)}
    )
