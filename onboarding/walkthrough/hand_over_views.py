"""The pages of a hand-over: making the link, opening it, and the end of the task."""

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from pydantic import SecretStr

from onboarding.errors import UnknownRecordError
from onboarding.models import HandOver
from onboarding.walkthrough.hand_over import (
    create_hand_over,
    hand_over_by_token,
    open_hand_over,
    opened_hand_over,
)
from onboarding.walkthrough.visitors import SESSION_KEY, Visitor, open_to_guests

_LOOKED_AT = "hand_over_looked_at"


@open_to_guests
@never_cache
@require_http_methods(["GET", "POST"])
def someone_else(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Make a link for the person who has the Back Office; it is shown this once."""
    link = ""
    is_guest = visitor.hand_over is not None
    if request.method == "POST" and not is_guest:
        token = create_hand_over(store=visitor.store, user=visitor.user, actor=visitor.actor)
        path = reverse("hand-over", kwargs={"token": token.get_secret_value()})
        link = request.build_absolute_uri(path)
    context = {"store": visitor.store, "link": link, "is_guest": is_guest}
    return render(request, "onboarding/walkthrough/someone_else.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def begin(request: HttpRequest, token: str) -> HttpResponse:
    """Say what the link is for; a button opens it, so that a mail program's look does not."""
    secret = SecretStr(token)
    try:
        if request.method == "GET":
            found = hand_over_by_token(token=secret)
            _renew_session(request, found)
            return render(request, "onboarding/walkthrough/begin.html", {"hand_over": found})
        with transaction.atomic():
            found = open_hand_over(token=secret)
            _renew_session(request, found)
            request.session[SESSION_KEY] = str(found.pk)
            # Whoever finds the link used up finds this, too.
            request.session.save()
    except UnknownRecordError:
        opened = _opened_here(request, token=secret)
        if opened is None:
            return render(request, "onboarding/walkthrough/link_over.html", status=404)
        found = opened
    return redirect("walkthrough:start", store_id=found.store_id)


def _renew_session(request: HttpRequest, found: HandOver) -> None:
    """Leave the session that was there before, once a link.

    This is done when the link is looked at: of a button that is pressed twice, the browser keeps
    the second answer alone, and would never learn of a session that began with the first.
    """
    if request.session.get(_LOOKED_AT) != str(found.pk):
        request.session.cycle_key()
        request.session[_LOOKED_AT] = str(found.pk)


def _opened_here(request: HttpRequest, *, token: SecretStr) -> HandOver | None:
    """The hand-over that this very browser has opened by the link, if it still runs."""
    # Read anew: the first of two requests may have come in between.
    kept = type(request.session)(request.session.session_key).get(SESSION_KEY)
    return opened_hand_over(token=token, hand_over_id=UUID(kept)) if kept else None


@require_safe
def handed_back(request: HttpRequest) -> HttpResponse:
    """Thank the guest; there is nothing more to do."""
    return render(request, "onboarding/walkthrough/handed_back.html")
