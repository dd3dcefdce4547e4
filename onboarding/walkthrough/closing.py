"""While a vendor gives out no keys, the walkthrough is closed and leads to the waiting line."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from onboarding.models import Phase, Plan, Store
from onboarding.walkthrough.visitors import Visitor

P = ParamSpec("P")
_CLOSING = (Phase.Effect.NO_NEW_KEYS, Phase.Effect.KEYS_REFUSED)


def plan_that_closes(store: Store) -> Plan | None:
    """The active plan by which the store's vendor gives out no keys any more. One query."""
    phase = (
        Phase.objects.select_related("plan")
        .filter(
            plan__state=Plan.State.ACTIVE,
            plan__endpoint=f"ecom-{store.cluster}",
            effect__in=_CLOSING,
            started_at__isnull=False,
        )
        .first()
    )
    return phase.plan if phase else None


def while_keys_are_given(
    view: Callable[Concatenate[HttpRequest, Visitor, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Show the way on in the place of a page that makes a new key, once there are none."""

    @wraps(view)
    def wrapper(
        request: HttpRequest, visitor: Visitor, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        plan = plan_that_closes(visitor.store)
        if plan is None:
            return view(request, visitor, *args, **kwargs)
        context = {"store": visitor.store, "plan": plan, "back": visitor.home_url}
        return render(request, "onboarding/walkthrough/closed.html", context)

    return wrapper
