"""The person's language, and "page not found" for what a page may not know."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.views.defaults import page_not_found

from keyvault.errors import UnknownRecordError as UnknownVaultRecordError
from onboarding.errors import UnknownRecordError
from onboarding.models import User


class PersonLanguageMiddleware:
    """Speaks the language of who is signed in, unless this browser was told another."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Activate the language, then pass the request on."""
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            user: User | AnonymousUser = request.user
            if isinstance(user, User) and user.language in dict(settings.LANGUAGES):
                translation.activate(user.language)
                request.LANGUAGE_CODE = user.language
        return self.get_response(request)


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
