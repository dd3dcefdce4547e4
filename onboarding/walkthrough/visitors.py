"""Who stands at the desk: a member of the merchant, or a guest by a hand-over link."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from keyvault.audit import Actor
from onboarding.errors import UnknownRecordError
from onboarding.models import HandOver, Store, User
from onboarding.people.selectors import actor_for, store_for
from onboarding.walkthrough.hand_over import guest_actor, running_hand_over

SESSION_KEY = "hand_over"

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who acts on a store's pages.

    Attributes:
        store: the store.
        user: the member; for a guest, the member who handed the task over.
        actor: who it is, for the record.
        hand_over: how a guest came in; None for a member.
    """

    store: Store
    user: User
    actor: Actor
    hand_over: HandOver | None = None

    @property
    def home_url(self) -> str:
        """Where the way back leads."""
        if self.hand_over is not None:
            return reverse("walkthrough:start", kwargs={"store_id": self.store.pk})
        return reverse("store", kwargs={"store_id": self.store.pk})


def open_to_guests(
    view: Callable[Concatenate[HttpRequest, Visitor, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Let members and guests of the store in; everybody else signs in or gets a 404.

    The view gets a `Visitor` in the place of the store's id.
    """

    @wraps(view)
    def wrapper(
        request: HttpRequest, store_id: UUID, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        visitor = _visitor(request, store_id)
        if visitor is None:
            return redirect_to_login(request.get_full_path())
        return view(request, visitor, *args, **kwargs)

    return wrapper


def _visitor(request: HttpRequest, store_id: UUID) -> Visitor | None:
    guest = _guest(request, store_id)
    user = request.user
    if not isinstance(user, User):
        return guest
    try:
        store = store_for(user=user, store_id=store_id)
    except UnknownRecordError:
        if guest is None:
            raise
        return guest
    return Visitor(store=store, user=user, actor=actor_for(user))


def _guest(request: HttpRequest, store_id: UUID) -> Visitor | None:
    kept = request.session.get(SESSION_KEY)
    if kept is None:
        return None
    found = running_hand_over(hand_over_id=UUID(kept), store_id=store_id)
    if found is None:
        return None
    return Visitor(
        store=found.store, user=found.created_by, actor=guest_actor(found), hand_over=found
    )
