"""Ending sessions that nobody uses, and those that last too long.

The clock of a session stands in the session itself: `began` at sign-in, `seen` at most once a
minute, so that looking at pages does not write to the database all the time.
"""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from onboarding.models import User

BEGAN, SEEN = "latchkey_began", "latchkey_seen"
NOTED_EVERY_SECONDS = 60
# A message that came too late; forms with a secret have no such field.
UNSENT, MOST_CHARACTERS = "latchkey_unsent", 5000
# Requests that a page makes by itself do not count as somebody being there.
QUIET_HEADER = "X-Latchkey-Quiet"


View = Callable[..., HttpResponseBase]
_TAKES_LATE_FORMS = "takes_late_forms"


def takes_late_forms(view: View) -> None:
    """Mark a view that itself knows what to do with a form whose session has ended."""
    setattr(view, _TAKES_LATE_FORMS, True)


class SessionTimeoutMiddleware:
    """Signs people out after an idle and after an absolute time; says when that will be.

    A form that comes too late is not done. Whoever sent it signs in and is back on the page where
    it stood.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Let the request through, or send to the sign-in page and back afterwards."""
        now = timezone.now().timestamp()
        if not request.user.is_authenticated:
            return self._answer_stranger(request)
        if seconds_left(request, now=now) > 0:
            _note(request, now=now)
            return self.get_response(request)
        _end(request)
        if _is_taken_late(request):
            return self.get_response(request)
        return _to_sign_in(request)

    def _answer_stranger(self, request: HttpRequest) -> HttpResponseBase:
        """Let the request through; a form that is turned away comes from an ended session."""
        response = self.get_response(request)
        location = response.headers.get("Location", "")
        if request.method != "POST" or not location or _is_taken_late(request):
            return response
        is_turned_away = location.startswith(f"{reverse('account_login')}?")
        return _to_sign_in(request) if is_turned_away else response


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


def unsent_text(request: HttpRequest, *, user: User) -> dict[str, str]:
    """What this person had written when the session ended, as `initial` of a form; once."""
    kept = request.session.get(UNSENT)
    if kept is None or kept["user"] != user.pk:
        return {}
    del request.session[UNSENT]
    return {"text": kept["text"]}


def note_presence(request: HttpRequest) -> None:
    """Start the idle time anew."""
    request.session[SEEN] = timezone.now().timestamp()


def _note(request: HttpRequest, *, now: float) -> None:
    session = request.session
    if BEGAN not in session:
        session[BEGAN] = session[SEEN] = now
    elif QUIET_HEADER not in request.headers and now - session[SEEN] >= NOTED_EVERY_SECONDS:
        session[SEEN] = now


def _end(request: HttpRequest) -> None:
    """Sign out; what was written in words waits on the server for the same person."""
    user = request.user
    written = request.POST.get("text", "")[:MOST_CHARACTERS] if request.method == "POST" else ""
    logout(request)
    if written:
        request.session[UNSENT] = {"user": user.pk, "text": written}


def _is_taken_late(request: HttpRequest) -> bool:
    if request.method != "POST":
        return False
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return False
    return getattr(view, _TAKES_LATE_FORMS, False)


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    if request.method == "POST":
        text = _("You were signed out before this arrived. Sign in, and send it again.")
    else:
        text = _("You were signed out, because nobody was here for a while.")
    messages.info(request, text)
    return redirect(f"{reverse('account_login')}?{urlencode({'next': _way_back(request)})}")


def _way_back(request: HttpRequest) -> str:
    """The page to come back to; what was sent by a form is not sent again unasked."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    came_from = urlsplit(request.headers.get("Referer", ""))
    if came_from.netloc != request.get_host():
        return "/"
    return came_from._replace(scheme="", netloc="", fragment="").geturl() or "/"
