"""What every page knows: the operator, and how long the session goes on."""

from django.conf import settings
from django.http import HttpRequest

from onboarding.people.timeouts import session_end


def operator(request: HttpRequest) -> dict[str, object]:
    """Give templates `operator` (name, support_email), `signup_open` and `session_seconds`."""
    return {
        "operator": settings.OPERATOR,
        "signup_open": settings.SIGNUP_OPEN,
        **session_end(request),
    }
