"""Pages for staff, below the panel."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from onboarding.errors import UnknownRecordError
from onboarding.models import User

View = Callable[..., HttpResponse]


def for_staff(view: View) -> View:
    """Let members of staff in; to everybody else the page does not exist."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = request.user
        if not (isinstance(user, User) and user.is_active and user.is_staff):
            raise UnknownRecordError
        return view(request, *args, **kwargs)

    return guarded
