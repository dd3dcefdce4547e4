"""The sale planner, and the page of one investigation."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from onboarding.capacity import planner, services, usage
from onboarding.capacity.forms import MessageForm, SaleForm
from onboarding.errors import UnknownRecordError
from onboarding.models import Case, Store
from onboarding.people.selectors import store_for
from onboarding.walkthrough.requests import SignedInRequest
from onboarding.walkthrough.selectors import live_key_count
from onboarding.walkthrough.services import MAX_KEYS_AT_ONCE, save_step, start_walkthrough
from onboarding.walkthrough.steps import BEFORE_YOU_START


@login_required
@require_http_methods(["GET", "POST"])
def plan(request: SignedInRequest, store_id: UUID) -> HttpResponse:
    """Work out the keys for a sale; posting the same figures asks staff about them."""
    store = store_for(user=request.user, store_id=store_id)
    data = request.POST if request.method == "POST" else request.GET or None
    form = SaleForm(data)
    context: dict[str, Any] = {"store": store, "form": form, **_factors()}
    if not (form.is_bound and form.is_valid()):
        context["cases"] = Case.objects.filter(store=store).order_by("-created_at")[:5]
        status = 422 if form.is_bound else 200
        return render(request, "onboarding/capacity/plan.html", context, status=status)
    figures = form.figures()
    found = planner.estimate(figures=figures, limits=usage.limits_of_one_key(store=store))
    if request.method == "POST":
        case = services.open_case(
            store=store,
            user=request.user,
            sale_on=form.cleaned_data["sale_on"],
            figures=figures,
            planned=found,
        )
        return redirect("case", store_id=store.pk, case_id=case.pk)
    held = live_key_count(store=store)
    context |= {
        "estimate": found,
        "held": held,
        "short": max(found.keys - held, 0),
        "measured": usage.measured_peaks(store=store),
    }
    return render(request, "onboarding/capacity/plan.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def case(request: SignedInRequest, store_id: UUID, case_id: UUID) -> HttpResponse:
    """One investigation: its state, the figures, the messages."""
    store = store_for(user=request.user, store_id=store_id)
    found = _case(store, case_id)
    form = MessageForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        services.add_message(case=found, author=request.user, text=form.cleaned_data["text"])
        messages.success(request, _("Your message is sent."))
        return redirect("case", store_id=store.pk, case_id=found.pk)
    held = live_key_count(store=store)
    context = {
        "store": store,
        "case": found,
        "form": form,
        "held": held,
        "short": max((found.recommended_keys or 0) - held, 0),
        "thread": found.messages.select_related("author").order_by("at"),
    }
    status = 422 if form.is_bound else 200
    return render(request, "onboarding/capacity/case.html", context, status=status)


@login_required
@require_POST
def add_keys(request: SignedInRequest, store_id: UUID) -> HttpResponse:
    """Start the walkthrough for the keys that a sale still needs, past the first questions."""
    store = store_for(user=request.user, store_id=store_id)
    try:
        wanted = min(max(int(request.POST.get("keys", "1")), 1), MAX_KEYS_AT_ONCE)
    except ValueError:
        wanted = 1
    walkthrough = start_walkthrough(store=store, user=request.user)
    save_step(walkthrough=walkthrough, step=BEFORE_YOU_START, keys_wanted=wanted)
    return redirect("walkthrough:start", store_id=store.pk)


def _case(store: Store, case_id: UUID) -> Case:
    found = Case.objects.filter(pk=case_id, store=store).first()
    if found is None:
        raise UnknownRecordError
    return found


def _factors() -> dict[str, int]:
    """The numbers behind the arithmetic, for the page that shows it."""
    return {
        "requests_a_visit": planner.REQUESTS_A_VISIT,
        "requests_an_order": planner.REQUESTS_AN_ORDER,
        "hour_percent": planner.BUSIEST_HOUR_PERCENT,
        "burst": planner.FIVE_MINUTE_BURST,
        "second_burst": planner.SECOND_BURST,
        "reserve_percent": planner.RESERVE_PERCENT,
    }
