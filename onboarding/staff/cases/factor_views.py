"""Tuning what the planner assumes of traffic: for every store, or for one."""

from dataclasses import asdict
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from onboarding.capacity.factors import (
    factors_for,
    forget_factors,
    has_own_factors,
    tune_factors,
)
from onboarding.models import Case
from onboarding.people.requests import person_of
from onboarding.staff.cases.forms import FactorsForm
from onboarding.staff.pages import show, staff_page


@staff_page("onboarding.change_trafficfactors")
@require_http_methods(["GET", "HEAD", "POST"])
def factors(request: HttpRequest) -> HttpResponse:
    """What is assumed of every store without factors of its own."""
    form = FactorsForm(request.POST or None, initial=asdict(factors_for(None)))
    if request.method == "POST" and form.is_valid():
        tune_factors(store=None, factors=form.factors(), user=person_of(request))
        messages.success(request, _("Saved. New plans reckon with it; investigations keep theirs."))
        return redirect("staff-factors")
    return _page(request, form=form, title=_("What the planner assumes"), case=None)


@staff_page("onboarding.change_trafficfactors")
@require_http_methods(["GET", "HEAD", "POST"])
def store_factors(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """What is assumed of one store, because its traffic is known."""
    case = get_object_or_404(Case.objects.select_related("store"), pk=case_id)
    if request.method == "POST" and "forget" in request.POST:
        forget_factors(store=case.store)
        messages.success(request, _("This store goes by everybody's numbers again."))
        return redirect("staff-case", case_id=case.pk)
    form = FactorsForm(request.POST or None, initial=asdict(factors_for(case.store)))
    if request.method == "POST" and form.is_valid():
        tune_factors(store=case.store, factors=form.factors(), user=person_of(request))
        messages.success(request, _("Saved. New plans reckon with it; investigations keep theirs."))
        return redirect("staff-case", case_id=case.pk)
    title = _("What the planner assumes of %s") % case.store.name
    return _page(request, form=form, title=title, case=case)


def _page(
    request: HttpRequest, *, form: FactorsForm, title: str, case: Case | None
) -> HttpResponse:
    context = {
        "form": form,
        "case": case,
        "has_own": case is not None and has_own_factors(case.store),
    }
    response = show(request, template="cases/factors.html", title=title, context=context)
    response.status_code = 422 if form.errors else 200
    return response
