"""What `login_required` guarantees, for the type checker."""

from django.http import HttpRequest

from onboarding.models import User


class SignedInRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User
