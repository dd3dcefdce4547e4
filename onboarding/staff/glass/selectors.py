"""What the pages of broken glass read."""

from datetime import datetime

from django.db.models import F, Q, QuerySet

from keyvault.models import Credential
from onboarding.models import GlassRequest, User
from onboarding.models.glass import ASKED_FOR, OPEN_FOR
from onboarding.staff.team.selectors import hang_together

State = GlassRequest.State


def glass_requests() -> QuerySet[GlassRequest]:
    """Every request, the newest first, with what a list shows and without what is sealed."""
    rows = GlassRequest.objects.select_related(
        "credential__keychain__store", "asked_by", "decided_by"
    )
    return rows.defer("credential__sealed", "public_key").order_by("-asked_at", "pk")


def waiting_requests(*, now: datetime) -> QuerySet[GlassRequest]:
    """Those that wait for a second person, or to be opened."""
    return glass_requests().filter(
        Q(state=State.ASKED, asked_at__gt=now - ASKED_FOR)
        | Q(state=State.APPROVED, decided_at__gt=now - OPEN_FOR)
    )


def unreplaced_requests() -> QuerySet[GlassRequest]:
    """Those that were used and whose key still works as it did: a replacement must follow.

    An access token is new after each renewal, so a connection counts until the next one.
    """
    return (
        glass_requests()
        .filter(state=State.USED, credential__state__in=Credential.LIVE_STATES)
        .exclude(
            credential__kind=Credential.Kind.BEARER,
            credential__grant__renewed_at__gt=F("used_at"),
        )
        .order_by("used_at", "pk")
    )


def may_decide(*, request: GlassRequest, user: User, now: datetime) -> bool:
    """Whether the person is a second one and the request waits for one."""
    is_waiting = request.standing(now=now) == GlassRequest.Standing.ASKED
    if not is_waiting or request.asked_by_id == user.pk:
        return False
    return not hang_together(request.asked_by, user)


def may_open(*, request: GlassRequest, user: User, now: datetime) -> bool:
    """Whether the person has asked and was allowed to, within the time."""
    is_open = request.standing(now=now) == GlassRequest.Standing.APPROVED
    return is_open and request.asked_by_id == user.pk
