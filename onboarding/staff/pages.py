"""What every page of the panel that is no table asks for first."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

Params = ParamSpec("Params")
View = Callable[Concatenate[HttpRequest, Params], HttpResponse]


def staff_page(permission: str) -> Callable[[View[Params]], View[Params]]:
    """Let only staff with a permission see a page; others get a 403, strangers sign in.

    Args:
        permission: "onboarding.view_merchant" and the like.
    """

    def wrap(view: View[Params]) -> View[Params]:
        @login_required
        @wraps(view)
        def guarded(
            request: HttpRequest, /, *args: Params.args, **kwargs: Params.kwargs
        ) -> HttpResponse:
            if not admin.site.has_permission(request) and is_staff(request):
                return redirect("admin:login")
            if not (admin.site.has_permission(request) and request.user.has_perm(permission)):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return wrap


def is_staff(request: HttpRequest) -> bool:
    """Whether the account is staff's; the panel asks for a second step besides."""
    return bool(getattr(request.user, "is_staff", False))


def show(
    request: HttpRequest, *, template: str, title: str, context: dict[str, Any]
) -> HttpResponse:
    """Render a page of the panel."""
    frame = {**admin.site.each_context(request), "title": title}
    return render(request, f"onboarding/staff/{template}", {**frame, **context})
