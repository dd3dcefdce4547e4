"""The sale planner, and the page of one investigation."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from onboarding.capacity import selectors, services
from onboarding.capacity.factors import factors_for
from onboarding.capacity.forms import MessageForm, RequestForm, SaleForm, new_form_id
from onboarding.capacity.more_keys import start_adding_keys
from onboarding.capacity.planner import Estimate, Factors, estimate, factors_from_json
from onboarding.capacity.usage import limits_of_one_key
from onboarding.errors import CaseClosedError, TooManyCasesError
from onboarding.models import Case, Store
from onboarding.people.selectors import store_for
from onboarding.people.timeouts import unsent_text
from onboarding.walkthrough.requests import SignedInRequest

CASES_SHOWN = 10


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def plan(request: SignedInRequest, store_id: UUID) -> HttpResponse:
    """Work out the keys for a sale; posting the same figures asks staff about them.

    The address carries the figures, so that signing in again in between loses none.
    """
    store = store_for(user=request.user, store_id=store_id)
    is_asking = request.method == "POST"
    form = SaleForm(request.POST if is_asking else request.GET or None)
    asking = RequestForm(
        request.POST if is_asking else None,
        initial={**new_form_id(), **unsent_text(request, user=request.user)},
    )
    context: dict[str, Any] = {
        "store": store,
        "form": form,
        "asking": asking,
        "held": selectors.keys_held(store=store),
        "cases": selectors.cases_of(store=store)[:CASES_SHOWN],
    }
    if not (form.is_bound and form.is_valid()):
        status = 422 if form.is_bound else 200
        return render(request, "onboarding/capacity/plan.html", context, status=status)
    factors = factors_for(store)
    planned = estimate(
        figures=form.figures(), limits=limits_of_one_key(store=store), factors=factors
    )
    if is_asking and asking.is_valid():
        answer = _ask(
            request, store=store, form=form, asking=asking, factors=factors, planned=planned
        )
        if answer is not None:
            return answer
    context |= {
        "planned": planned,
        "factors": factors,
        "short": context["held"].short_of(planned.keys),
        "comparisons": selectors.comparisons(store=store, planned=planned),
        "has_errors": is_asking,
    }
    return render(
        request, "onboarding/capacity/plan.html", context, status=422 if is_asking else 200
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: SignedInRequest, store_id: UUID, case_id: UUID) -> HttpResponse:
    """One investigation: its state, the figures, the messages."""
    store = store_for(user=request.user, store_id=store_id)
    found = selectors.case_for(store=store, case_id=case_id)
    form = MessageForm(
        request.POST if request.method == "POST" else None,
        initial={**new_form_id(), **unsent_text(request, user=request.user)},
    )
    if form.is_bound and form.is_valid():
        try:
            services.write_to_staff(case=found, user=request.user, **form.cleaned_data)
        except CaseClosedError:
            messages.warning(request, _("This investigation is closed. Plan the sale anew."))
        else:
            messages.success(request, _("Your message is sent."))
        return redirect("case", store_id=store.pk, case_id=found.pk)
    held = selectors.keys_held(store=store)
    planned = selectors.estimate_of(found)
    context = {
        "store": store,
        "case": found,
        "form": form,
        "factors": factors_from_json(found.factors),
        "planned": planned,
        "held": held,
        "short": held.short_of(found.recommended_keys or 0),
        "is_late": selectors.is_late(found),
        "is_soon": selectors.is_soon(found),
        "thread": found.messages.select_related("author").order_by("at", "pk"),
    }
    status = 422 if form.is_bound else 200
    return render(request, "onboarding/capacity/case.html", context, status=status)


@login_required
@require_POST
def withdraw(request: SignedInRequest, store_id: UUID, case_id: UUID) -> HttpResponse:
    """Take the question back."""
    store = store_for(user=request.user, store_id=store_id)
    services.withdraw_case(case=selectors.case_for(store=store, case_id=case_id), user=request.user)
    messages.success(request, _("You have taken your question back."))
    return redirect("sale", store_id=store.pk)


@login_required
@require_POST
def add_keys(request: SignedInRequest, store_id: UUID) -> HttpResponse:
    """Start the walkthrough for the keys that a sale still needs."""
    store = store_for(user=request.user, store_id=store_id)
    sent = request.POST.get("keys", "")
    keys = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < len("1000") else 1
    start_adding_keys(store=store, user=request.user, keys=keys)
    return redirect("walkthrough:start", store_id=store.pk)


def _ask(
    request: SignedInRequest,
    *,
    store: Store,
    form: SaleForm,
    asking: RequestForm,
    factors: Factors,
    planned: Estimate,
) -> HttpResponse | None:
    try:
        opened = services.open_case(
            store=store,
            user=request.user,
            sale_on=form.cleaned_data["sale_on"],
            figures=form.figures(),
            factors=factors,
            planned=planned,
            **asking.cleaned_data,
        )
    except TooManyCasesError:
        asking.add_error(
            None, _("You are asking about many days already. Take one of those back first.")
        )
        return None
    if opened.state == Case.State.OPEN:
        messages.success(request, _("Our staff have your figures."))
    return redirect("case", store_id=store.pk, case_id=opened.pk)
