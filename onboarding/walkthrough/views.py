"""The pages of the walkthrough; steps 5 and 6 are pages of `onboarding.submission`."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from onboarding.models import Store, Walkthrough
from onboarding.walkthrough import selectors, services, steps
from onboarding.walkthrough.back_office import back_office_words
from onboarding.walkthrough.closing import while_keys_are_given
from onboarding.walkthrough.forms import BeforeYouStartForm
from onboarding.walkthrough.pages import page_context, words_language
from onboarding.walkthrough.visitors import Visitor, open_to_guests


@open_to_guests
@while_keys_are_given
@require_GET
def start(
    request: HttpRequest,  # noqa: ARG001  # Django passes it
    visitor: Visitor,
) -> HttpResponse:
    """Go to the step that is to be done next."""
    found = selectors.open_walkthrough(store=visitor.store, user=visitor.user)
    return _to_step(visitor.store, found.step if found else steps.BEFORE_YOU_START)


@open_to_guests
@require_POST
def start_again(
    request: HttpRequest,  # noqa: ARG001  # Django passes it
    visitor: Visitor,
) -> HttpResponse:
    """Forget the progress so far."""
    found = selectors.open_walkthrough(store=visitor.store, user=visitor.user)
    if found is not None:
        services.abandon_walkthrough(walkthrough=found)
    return _to_step(visitor.store, steps.BEFORE_YOU_START)


@open_to_guests
@while_keys_are_given
@require_http_methods(["GET", "POST"])
def step(request: HttpRequest, visitor: Visitor, step: int) -> HttpResponse:
    """One of the steps 1 to 4; a step that is not reached yet leads to the one that is."""
    if step == steps.BEFORE_YOU_START:
        return _before_you_start(request, visitor)
    found = selectors.open_walkthrough(store=visitor.store, user=visitor.user)
    if found is None:
        return _to_step(visitor.store, steps.BEFORE_YOU_START)
    if step not in steps.OWN_STEPS or step > found.step:
        return _to_step(visitor.store, found.step)
    if request.method == "POST":
        services.save_step(walkthrough=found, step=step, answers=_words_answer(request))
        return _to_step(visitor.store, step + 1)
    return render(
        request,
        f"onboarding/walkthrough/step_{step}.html",
        page_context(request, visitor=visitor, walkthrough=found, step=step),
    )


def _before_you_start(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    store = visitor.store
    found = selectors.open_walkthrough(store=store, user=visitor.user)
    initial: dict[str, Any] = {
        "words": words_language(request, found),
        "address": f"https://{store.back_office}/admin" if store.back_office else "",
        **(found.answers if found else {}),
        "keys_wanted": found.keys_wanted if found else 1,
    }
    form = BeforeYouStartForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid() and _back_office_fits(form, store):
        walkthrough = services.start_walkthrough(store=store, user=visitor.user)
        return _save_answers(form, store, walkthrough)
    context = page_context(
        request, visitor=visitor, walkthrough=found, step=steps.BEFORE_YOU_START, form=form
    )
    status = 422 if form.is_bound else 200
    return render(request, "onboarding/walkthrough/step_1.html", context, status=status)


def _back_office_fits(form: BeforeYouStartForm, store: Store) -> bool:
    if form.back_office is None:
        return True
    if services.note_back_office(store=store, back_office=form.back_office):
        return True
    form.add_error(
        "address",
        _("This address is of another shop: the keys of this app live on %(cluster)s.")
        % {"cluster": store.get_cluster_display()},
    )
    return False


def _save_answers(form: BeforeYouStartForm, store: Store, walkthrough: Walkthrough) -> HttpResponse:
    answers = {name: form.cleaned_data[name] for name in ("owner", "plan", "words")}
    stopped_by = next((name for name in ("owner", "plan") if answers[name] == "no"), None)
    services.save_step(
        walkthrough=walkthrough,
        step=steps.BEFORE_YOU_START if stopped_by is None else 0,
        answers=answers,
        keys_wanted=form.cleaned_data["keys_wanted"],
    )
    if stopped_by == "owner":
        return redirect("walkthrough:someone-else", store_id=store.pk)
    if stopped_by == "plan":
        return redirect("walkthrough:no-api-access", store_id=store.pk)
    return _to_step(store, steps.OPEN_DEVELOPERS)


@open_to_guests
@require_GET
def no_api_access(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """What to do when the shop's plan has no API access."""
    return render(request, "onboarding/walkthrough/no_api_access.html", {"store": visitor.store})


@open_to_guests
@require_GET
def permission_list(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """The table of boxes on a page of its own, for printing."""
    found = selectors.open_walkthrough(store=visitor.store, user=visitor.user)
    context = page_context(request, visitor=visitor, walkthrough=found, step=steps.TICK_BOXES)
    return render(request, "onboarding/walkthrough/permissions.html", context)


@open_to_guests
@require_POST
def report(request: HttpRequest, visitor: Visitor, step: int) -> HttpResponse:
    """Tell staff that the picture of a step is wrong."""
    if not 1 <= step <= steps.STEP_TOTAL:
        raise Http404
    found = selectors.open_walkthrough(store=visitor.store, user=visitor.user)
    services.report_screen(
        store=visitor.store,
        actor=visitor.actor,
        step=step,
        words=words_language(request, found),
    )
    messages.success(
        request,
        _("Thank you. We look at step %(step)s and mend the picture. The words still hold.")
        % {"step": step},
    )
    return _to_step(visitor.store, step)


def _words_answer(request: HttpRequest) -> dict[str, str]:
    chosen = request.POST.get("words")
    return {"words": back_office_words(chosen).language} if chosen else {}


def _to_step(store: Store, step: int) -> HttpResponse:
    if step == steps.PASTE:
        return redirect("submission:paste", store_id=store.pk)
    if step == steps.RESULT:
        return redirect("submission:latest", store_id=store.pk)
    return redirect("walkthrough:step", store_id=store.pk, step=step)
