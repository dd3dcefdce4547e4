"""The pages of a hand-over: making the link, opening it, and the end of the task."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from pydantic import SecretStr

from onboarding.errors import UnknownRecordError
from onboarding.walkthrough.hand_over import (
    create_hand_over,
    hand_over_by_token,
    open_hand_over,
)
from onboarding.walkthrough.visitors import SESSION_KEY, Visitor, open_to_guests


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
            return render(request, "onboarding/walkthrough/begin.html", {"hand_over": found})
        found = open_hand_over(token=secret)
    except UnknownRecordError:
        return render(request, "onboarding/walkthrough/link_over.html", status=404)
    request.session.cycle_key()
    request.session[SESSION_KEY] = str(found.pk)
    return redirect("walkthrough:start", store_id=found.store_id)


@require_safe
def handed_back(request: HttpRequest) -> HttpResponse:
    """Thank the guest; there is nothing more to do."""
    return render(request, "onboarding/walkthrough/handed_back.html")
