"""Staff: plans with their dry run, campaigns with their funnel, the waiting line."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lightspeed.oauth.registry import PROVIDERS
from onboarding.errors import OnboardingError, ProviderClosedError
from onboarding.migration import campaigns, plans, selectors, waiting
from onboarding.migration.example import add_example_plan
from onboarding.migration.forms import (
    BrownoutForm,
    CampaignForm,
    InviteForm,
    PhaseForm,
    PlanForm,
)
from onboarding.models import Brownout, Campaign, Phase, Plan, WaitingMerchant
from onboarding.oauth.access import for_staff
from onboarding.people.fresh import fresh_only
from onboarding.walkthrough.requests import SignedInRequest

_FACTS = ("name", "vendor", "endpoint", "provider", "time_zone", "link")
MOST_LEFT = 200
_TURNS = {
    "start": campaigns.start_campaign,
    "pause": campaigns.pause_campaign,
    "resume": campaigns.resume_campaign,
    "stop": campaigns.stop_campaign,
}


@for_staff("onboarding.view_plan")
@require_safe
def plan_list(request: SignedInRequest) -> HttpResponse:
    """Every plan."""
    rows = Plan.objects.prefetch_related("phases", "campaigns").order_by("name")
    return render(request, "onboarding/migration/plans.html", {"plans": rows})


@for_staff("onboarding.change_plan")
@require_POST
def add_example(request: SignedInRequest) -> HttpResponse:
    """Add the letter of 2016 as a draft to look at."""
    return redirect("migration:plan", plan_id=add_example_plan(user=request.user).pk)


@for_staff("onboarding.change_plan")
@require_http_methods(["GET", "POST"])
def new_plan(request: SignedInRequest) -> HttpResponse:
    """Enter a plan."""
    form = PlanForm(request.POST or None, initial={"time_zone": "Europe/Amsterdam"})
    if request.method == "POST" and form.is_valid():
        try:
            plan = plans.save_plan(facts=plans.PlanFacts(**form.cleaned_data), user=request.user)
        except OnboardingError:
            form.add_error("name", _("There is a plan of this name already."))
        else:
            return redirect("migration:plan", plan_id=plan.pk)
    return _form_page(request, form=form, title=_("A new plan"))


@for_staff("onboarding.view_plan", change="onboarding.change_plan")
@require_http_methods(["GET", "POST"])
def plan(request: SignedInRequest, plan_id: int) -> HttpResponse:
    """One plan: its phases, and who is affected by each."""
    found = get_object_or_404(Plan, pk=plan_id)
    form = PhaseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        facts = form.cleaned_data
        local = datetime.combine(facts["day"], facts["time"])
        try:
            plans.set_phase(plan=found, effect=facts["effect"], local=local, user=request.user)
        except OnboardingError:
            form.add_error("day", _("This cannot be: it has started, or no clock shows that time."))
        else:
            return redirect("migration:plan", plan_id=found.pk)
    context = {
        "plan": found,
        "form": form,
        "runs": selectors.dry_run(plan=found, now=timezone.now()),
        "campaigns": found.campaigns.order_by("starts_at"),
    }
    status = 422 if form.errors else 200
    return render(request, "onboarding/migration/plan.html", context, status=status)


@for_staff("onboarding.change_plan")
@require_http_methods(["GET", "POST"])
def edit_plan(request: SignedInRequest, plan_id: int) -> HttpResponse:
    """Change what a plan is about."""
    found = get_object_or_404(Plan, pk=plan_id)
    form = PlanForm(request.POST or None, initial={name: getattr(found, name) for name in _FACTS})
    if request.method == "POST" and form.is_valid():
        facts = plans.PlanFacts(**form.cleaned_data)
        try:
            plans.save_plan(facts=facts, user=request.user, plan=found)
        except OnboardingError:
            form.add_error(None, _("An active plan keeps its keys and its clock."))
        else:
            return redirect("migration:plan", plan_id=found.pk)
    return _form_page(request, form=form, title=found.name)


@for_staff("onboarding.change_plan")
@fresh_only
@require_POST
def turn_plan(request: SignedInRequest, plan_id: int, turn: str) -> HttpResponse:
    """Put a plan into effect, or call it off."""
    found = get_object_or_404(Plan, pk=plan_id)
    try:
        if turn == "activate":
            plans.activate(plan=found, user=request.user)
        else:
            plans.call_off(plan=found, user=request.user)
    except OnboardingError:
        messages.error(request, _("It needs a phase, and no other active plan for these keys."))
    return redirect("migration:plan", plan_id=found.pk)


@for_staff("onboarding.change_plan")
@require_POST
def remove_phase(request: SignedInRequest, phase_id: int) -> HttpResponse:
    """Take a phase out."""
    found = get_object_or_404(Phase.objects.select_related("plan"), pk=phase_id)
    try:
        plans.remove_phase(phase=found, user=request.user)
    except OnboardingError:
        messages.error(request, _("This phase has started."))
    return redirect("migration:plan", plan_id=found.plan_id)


@for_staff("onboarding.change_campaign")
@require_http_methods(["GET", "POST"])
def new_campaign(request: SignedInRequest, plan_id: int) -> HttpResponse:
    """Enter a campaign; nothing is sent before it is started."""
    found = get_object_or_404(Plan, pk=plan_id)
    form = CampaignForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                made = Campaign.objects.create(plan=found, **form.cleaned_data)
        except IntegrityError:
            form.add_error("name", _("There is a campaign of this name already."))
        else:
            return redirect("migration:campaign", campaign_id=made.pk)
    return _form_page(request, form=form, title=_("A new campaign"))


@for_staff("onboarding.view_campaign", change="onboarding.change_campaign")
@require_http_methods(["GET", "POST"])
def campaign(request: SignedInRequest, campaign_id: int) -> HttpResponse:
    """One campaign: whom it means or how far they have come; a brownout can be planned."""
    found = get_object_or_404(Campaign.objects.select_related("plan"), pk=campaign_id)
    form = BrownoutForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        facts = form.cleaned_data
        Brownout.objects.create(campaign=found, due_at=facts["starts_at"], **facts)
        return redirect("migration:campaign", campaign_id=found.pk)
    is_draft = found.state == Campaign.State.DRAFT
    context = {
        "campaign": found,
        "form": form,
        "funnel": None if is_draft else selectors.funnel_of(found),
        "stores": selectors.cohort(found) if is_draft else [],
        "left": [] if is_draft else selectors.still_to_move(found)[:MOST_LEFT],
        "brownouts": found.brownouts.order_by("starts_at"),
    }
    status = 422 if form.errors else 200
    return render(request, "onboarding/migration/campaign.html", context, status=status)


@for_staff("onboarding.change_campaign")
@require_POST
def turn_campaign(request: SignedInRequest, campaign_id: int, turn: str) -> HttpResponse:
    """Start, pause, resume or stop a campaign."""
    found = get_object_or_404(Campaign.objects.select_related("plan"), pk=campaign_id)
    try:
        _TURNS[turn](campaign=found, user=request.user)
    except (KeyError, OnboardingError):
        messages.error(request, _("The campaign has moved on meanwhile; look again."))
    return redirect("migration:campaign", campaign_id=found.pk)


@for_staff("onboarding.view_waitingmerchant", change="onboarding.change_waitingmerchant")
@require_http_methods(["GET", "POST"])
def lines(request: SignedInRequest) -> HttpResponse:
    """The waiting lines, and inviting the next."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        provider, count = request.POST.get("provider", ""), form.cleaned_data["count"]
        try:
            invited = waiting.invite_next(provider=provider, count=count)
        except ProviderClosedError:
            messages.error(request, _("Open the provider first: nobody could connect yet."))
        else:
            messages.success(request, _("%(count)s invited.") % {"count": invited})
        return redirect("migration:lines")
    rows = WaitingMerchant.objects.filter(state=WaitingMerchant.State.WAITING)
    invited_rows = WaitingMerchant.objects.filter(state=WaitingMerchant.State.INVITED)
    context: dict[str, Any] = {
        "form": form,
        "lines": [
            (name, each, rows.filter(provider=name)[:200]) for name, each in PROVIDERS.items()
        ],
        "invited": invited_rows.order_by("-invited_at")[:200],
    }
    return render(request, "onboarding/migration/lines.html", context)


def _form_page(request: SignedInRequest, *, form: Form, title: str) -> HttpResponse:
    status = 422 if form.errors else 200
    context = {"form": form, "title": title}
    return render(request, "onboarding/migration/form.html", context, status=status)
