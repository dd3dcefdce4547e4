"""Ending sessions that nobody uses, and those that last too long.

The clock of a session stands in the session itself: `began` at sign-in, `seen` at most once a
minute, so that looking at pages does not write to the database all the time.
"""

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

BEGAN, SEEN = "latchkey_began", "latchkey_seen"
NOTED_EVERY_SECONDS = 60
# Requests that a page makes by itself do not count as somebody being there.
QUIET_HEADER = "X-Latchkey-Quiet"


class SessionTimeoutMiddleware:
    """Signs people out after an idle and after an absolute time; says when that will be."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Let the request through, or send to the sign-in page and back afterwards."""
        if not request.user.is_authenticated:
            return self.get_response(request)
        now = timezone.now().timestamp()
        if seconds_left(request, now=now) <= 0:
            logout(request)
            messages.info(request, _("You were signed out, because nobody was here for a while."))
            return redirect(f"{reverse('account_login')}?{urlencode({'next': _way_back(request)})}")
        _note(request, now=now)
        return self.get_response(request)


def seconds_left(request: HttpRequest, *, now: float) -> int:
    """How long the session goes on when nobody does anything more."""
    began = request.session.get(BEGAN, now)
    seen = request.session.get(SEEN, now)
    until_idle = seen + settings.SESSION_IDLE_SECONDS - now
    until_end = began + settings.SESSION_COOKIE_AGE - now
    return int(min(until_idle, until_end))


def session_end(request: HttpRequest) -> dict[str, object]:
    """Give templates the seconds until the session ends; 0 when nobody is signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"session_seconds": 0}
    return {"session_seconds": seconds_left(request, now=timezone.now().timestamp())}


def note_presence(request: HttpRequest) -> None:
    """Start the idle time anew."""
    request.session[SEEN] = timezone.now().timestamp()


def _note(request: HttpRequest, *, now: float) -> None:
    session = request.session
    if BEGAN not in session:
        session[BEGAN] = session[SEEN] = now
    elif QUIET_HEADER not in request.headers and now - session[SEEN] >= NOTED_EVERY_SECONDS:
        session[SEEN] = now


def _way_back(request: HttpRequest) -> str:
    """The page to come back to; what was sent by a form is not sent again unasked."""
    return request.get_full_path() if request.method in ("GET", "HEAD") else "/"
