"""Who is behind a request."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from onboarding.models import User


def person_of(request: HttpRequest) -> User:
    """The signed-in person of a page that stands behind `login_required`.

    Raises:
        PermissionDenied: nobody is signed in; the page forgot to ask.
    """
    if isinstance(request.user, User):
        return request.user
    raise PermissionDenied
