"""Turns what a page may not know into "page not found"."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.views.defaults import page_not_found

from keyvault.errors import UnknownRecordError as UnknownVaultRecordError
from onboarding.errors import UnknownRecordError


class UnknownRecordMiddleware:
    """Answers 404 where a selector found no such record for this person."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Answer 404 for an unknown record; leave the rest to Django."""
        if isinstance(exception, (UnknownRecordError, UnknownVaultRecordError)):
            return page_not_found(request, exception)
        return None
