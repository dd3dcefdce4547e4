"""Headers that every page carries beyond those of Django and django-csp."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

# Nothing here needs a device; a page that was broken into must not get one either.
PERMISSIONS_POLICY: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "autoplay",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
        "xr-spatial-tracking",
    )
)


class SafeHeadersMiddleware:
    """Adds what a browser needs to be told, and keeps pages out of every cache."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Dress the response; what a view has set itself stays."""
        response = self.get_response(request)
        headers = response.headers
        headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault("X-Permitted-Cross-Domain-Policies", "none")
        # A page names stores and people; a shared computer must not show it after signing out.
        headers.setdefault("Cache-Control", "no-store")
        return response
