"""Asking once more who it is, before something that a stolen cookie alone must not do.

Confirming by password, passkey or one-time code counts for `ACCOUNT_REAUTHENTICATION_TIMEOUT`
seconds, of which allauth keeps the record in the session; signing in does not count. A form that
comes too late is not kept until then: it may hold a secret, and a session is no place for one.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

View = Callable[..., HttpResponse]
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person of this session has confirmed of late that it is they."""
    user = request.user if request.user.is_authenticated else None
    records = get_authentication_records(request, user)
    confirmed = [each["at"] for each in records if each.get("reauthenticated")]
    if not confirmed:
        return False
    age_seconds = timezone.now().timestamp() - confirmed[-1]
    return bool(0 <= age_seconds < app_settings.REAUTHENTICATION_TIMEOUT)


def ask_again(request: HttpRequest) -> HttpResponse | None:
    """Where to confirm first, and back from there; None for who has done so of late.

    A page is come back to; a form that came too late had no effect, and its page is come back to.
    """
    if is_fresh(request):
        return None
    way_back = request.get_full_path()
    if request.method not in SAFE_METHODS:
        messages.warning(
            request, _("Nothing was done yet. Confirm that it is you, then send it again.")
        )
        way_back = _page_of_form(request)
    return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': way_back})}")


def fresh_only(view: View) -> View:
    """Let who has confirmed of late see a page and send its form; put it below the permission."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return ask_again(request) or view(request, *args, **kwargs)

    return guarded


def _page_of_form(request: HttpRequest) -> str:
    """The page of ours from which a form was sent; the front page when that cannot be told."""
    came_from = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(came_from, allowed_hosts={request.get_host()}):
        return "/"
    parts = urlsplit(came_from)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
