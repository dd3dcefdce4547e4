"""Pages for staff, below the panel."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from onboarding.errors import UnknownRecordError
from onboarding.models import User
from onboarding.people.second_step import has_second_step

View = Callable[..., HttpResponse]


def for_staff(see: str, *, change: str = "") -> Callable[[View], View]:
    """Let staff with a right and a second step in; to merchants the page does not exist.

    Args:
        see: what opening the page takes, "onboarding.view_plan" and the like.
        change: what sending its form takes; empty: the same.
    """

    def wrap(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user = request.user
            if not (isinstance(user, User) and user.is_active and user.is_staff):
                raise UnknownRecordError
            if not has_second_step(user):
                return redirect("admin:login")
            needed = change if change and request.method == "POST" else see
            if not user.has_perm(needed):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return wrap
