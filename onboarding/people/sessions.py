"""Where a person is signed in, in words that they recognise."""

from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.utils.translation import gettext as _

from onboarding.models import User

# What browsers call themselves; the first that fits counts, as each also names its forebears.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One browser in which the person is signed in."""

    browser: str
    address: str
    since: datetime
    is_current: bool


def sessions_of(*, user: User, session_key: str | None) -> list[SignedIn]:
    """The person's sessions, this one first, then the latest first; ended ones are left out."""
    sessions: list[UserSession] = UserSession.objects.purge_and_list(user)
    found = [
        SignedIn(
            browser=browser_name(session.user_agent),
            address=session.ip,
            since=session.created_at,
            is_current=session.session_key == session_key,
        )
        for session in sessions
    ]
    return sorted(found, key=lambda each: (not each.is_current, -each.since.timestamp()))


def end_other_sessions(*, user: User, session_key: str | None) -> int:
    """Sign the person out everywhere but here.

    Args:
        user: the person.
        session_key: the session that goes on.

    Returns:
        How many sessions ended.
    """
    others = UserSession.objects.filter(user=user).exclude(session_key=session_key)
    ended = 0
    for session in others:
        session.end()
        ended += 1
    return ended


def browser_name(user_agent: str) -> str:
    """What people call the browser behind a User-Agent header: "Firefox, Windows"."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return ", ".join(part for part in (browser, system) if part) or _("Another program")
