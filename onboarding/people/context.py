"""What every page knows of the operator."""

from django.conf import settings
from django.http import HttpRequest


def operator(request: HttpRequest) -> dict[str, object]:  # noqa: ARG001  # Django passes it
    """Give templates `operator.name`, `operator.support_email` and `signup_open`."""
    return {"operator": settings.OPERATOR, "signup_open": settings.SIGNUP_OPEN}
