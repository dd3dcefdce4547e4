"""What every page knows of the operator."""

from django.conf import settings
from django.http import HttpRequest


def operator(request: HttpRequest) -> dict[str, dict[str, str]]:  # noqa: ARG001  # Django passes it
    """Give templates `operator.name` and `operator.support_email`."""
    return {"operator": settings.OPERATOR}
