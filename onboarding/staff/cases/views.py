"""The list of investigations by age, and one of them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from keyvault.models import Credential
from onboarding.capacity import selectors, services
from onboarding.capacity.factors import has_own_factors
from onboarding.capacity.forms import new_form_id
from onboarding.capacity.letters import language_of
from onboarding.capacity.planner import Estimate, factors_from_json
from onboarding.capacity.usage import current_day
from onboarding.errors import CaseClosedError
from onboarding.models import Case
from onboarding.people.requests import person_of
from onboarding.people.selectors import actor_for
from onboarding.staff.cases.forms import AnswerForm, CloseForm, WriteForm
from onboarding.staff.cases.replies import filled_reply, suggested_reply
from onboarding.staff.pages import show, staff_page

CASES_ON_A_PAGE = 50
PILES: dict[str, Callable[[], QuerySet[Case]]] = {
    "waiting": selectors.cases_waiting_for_staff,
    "running": selectors.running_cases,
    "over": selectors.cases_to_close,
    "closed": selectors.closed_cases,
}


@staff_page("onboarding.view_case")
@require_safe
def cases(request: HttpRequest) -> HttpResponse:
    """A pile of cases, who waits longest first."""
    pile = request.GET.get("pile", "waiting")
    chosen = pile if pile in PILES else "waiting"
    is_working = Q(
        store__keychain__credentials__state=Credential.State.ACTIVE,
        store__keychain__credentials__kind=Credential.Kind.BASIC,
    )
    rows = PILES[chosen]().annotate(
        working_keys=Count("store__keychain__credentials", filter=is_working)
    )
    titles = {
        "waiting": _("Waiting for us"),
        "running": _("All that run"),
        "over": _("Sale over: how did it go?"),
        "closed": _("Closed"),
    }
    context = {
        "page": Paginator(rows, CASES_ON_A_PAGE).get_page(request.GET.get("page")),
        "chosen": chosen,
        "piles": [(name, titles[name], PILES[name]().count()) for name in PILES],
        "now": timezone.now(),
    }
    return show(request, template="cases/list.html", title=_("Investigations"), context=context)


@staff_page("onboarding.view_case")
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """One case: the figures beside what was measured, the answer, messages, the end."""
    found = get_object_or_404(
        Case.objects.select_related("store__merchant", "opened_by"), pk=case_id
    )
    planned = selectors.estimate_of(found)
    held = selectors.keys_held(store=found.store)
    form_set = _forms(request, case=found, planned=planned, working_keys=held.working)
    if request.method == "POST":
        if not request.user.has_perm("onboarding.change_case"):
            raise PermissionDenied
        if _done(request, case=found, form_set=form_set):
            return redirect("staff-case", case_id=found.pk)
    sent = next((form for form in form_set.values() if form.is_bound), None)
    context = {
        "case": found,
        "forms": {} if found.state == Case.State.CLOSED else form_set,
        "form": sent,
        "planned": planned,
        "held": held,
        "factors": factors_from_json(found.factors),
        "has_own_factors": has_own_factors(found.store),
        "comparisons": selectors.comparisons(store=found.store, planned=planned),
        "thread": found.messages.select_related("author").order_by("at", "pk"),
        "is_late": selectors.is_late(found),
        "is_over": found.sale_on < current_day(),
    }
    response = show(request, template="cases/case.html", title=str(found.store), context=context)
    response.status_code = 422 if sent is not None else 200
    return response


def _forms(
    request: HttpRequest, *, case: Case, planned: Estimate, working_keys: int
) -> dict[str, forms.Form]:
    """The three forms of the page; the one that was sent is bound."""
    reply = suggested_reply(
        case=case, planned=planned, working_keys=working_keys, language=language_of(case)
    )
    begin: dict[str, dict[str, Any]] = {
        "answer": {
            **new_form_id(),
            "keys": case.recommended_keys or planned.keys,
            "text": reply,
        },
        "write": {**new_form_id()},
        "close": {},
    }
    kinds: dict[str, type[forms.Form]] = {
        "answer": AnswerForm,
        "write": WriteForm,
        "close": CloseForm,
    }
    sent = request.POST.get("do") if request.method == "POST" else None
    return {
        name: kind(request.POST if name == sent else None, prefix=name, initial=begin[name])
        for name, kind in kinds.items()
    }


def _done(request: HttpRequest, *, case: Case, form_set: dict[str, forms.Form]) -> bool:
    """Do what was sent, nothing for nonsense; False when it has mistakes."""
    sent = request.POST.get("do", "")
    form = form_set.get(sent)
    if form is None:
        return True
    if not form.is_valid():
        return False
    try:
        said = {"answer": _answer, "write": _write, "close": _close}[sent](request, case, form)
    except CaseClosedError:
        messages.warning(request, _("This investigation is closed already."))
    else:
        messages.success(request, said)
    return True


def _answer(request: HttpRequest, case: Case, form: forms.Form) -> str:
    keys = form.cleaned_data["keys"]
    services.answer_case(
        case=case,
        staff=person_of(request),
        recommended_keys=keys,
        text=filled_reply(text=form.cleaned_data["text"], keys=keys),
        form_id=form.cleaned_data["form_id"],
    )
    return _("Your answer is sent.")


def _write(request: HttpRequest, case: Case, form: forms.Form) -> str:
    services.write_to_merchant(case=case, staff=person_of(request), **form.cleaned_data)
    return _("Your message is sent.")


def _close(request: HttpRequest, case: Case, form: forms.Form) -> str:
    services.close_case(case=case, actor=actor_for(person_of(request)), **form.cleaned_data)
    return _("The investigation is closed.")
