"""The actions "Pause" and "Resume" on a selection of keys or stores."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from keyvault.audit import Actor
from keyvault.errors import StateError
from keyvault.models import Credential
from onboarding.people.fresh import ask_again
from onboarding.people.requests import person_of
from onboarding.people.selectors import actor_for
from onboarding.staff.bulk import (
    Preview,
    credentials_of,
    is_confirmed,
    key_columns,
    key_row,
    show_rows,
)
from onboarding.stores.services import pause_key, resume_key

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

State = Credential.State
MOST_AT_ONCE = 200


@admin.action(description=gettext_lazy("Pause"), permissions=["pause"])
def pause_keys(
    model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Stop lending keys: apps may stand still, so it is asked once more who it is."""
    if question := ask_again(request):
        return question
    return _moved(
        model_admin,
        request,
        keys=credentials_of(queryset).filter(state__in=(State.ACTIVE, State.SUSPENDED)),
        step=lambda key, actor: pause_key(credential=key, actor=actor),
        title=gettext_lazy("Pause these keys?"),
        label=gettext_lazy("Pause them"),
        warning=gettext_lazy(
            "They are not lent until somebody resumes them. An app whose keys are all paused "
            "stands still."
        ),
    )


@admin.action(description=gettext_lazy("Resume"), permissions=["pause"])
def resume_keys(
    model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Lend paused keys again."""
    return _moved(
        model_admin,
        request,
        keys=credentials_of(queryset).filter(state=State.PAUSED),
        step=lambda key, actor: resume_key(credential=key, actor=actor),
        title=gettext_lazy("Resume these keys?"),
        label=gettext_lazy("Resume them"),
        warning=gettext_lazy(
            "Their merchants may have paused them on purpose. Check them afterwards."
        ),
    )


def _moved(
    model_admin: "admin.ModelAdmin[Any]",
    request: HttpRequest,
    *,
    keys: QuerySet[Credential],
    step: Callable[[Credential, Actor], object],
    title: "StrOrPromise",
    label: "StrOrPromise",
    warning: "StrOrPromise",
) -> HttpResponse | None:
    chosen = list(keys)
    if not chosen:
        text = _("There is no key in the selection for which this can be done.")
        model_admin.message_user(request, text, messages.WARNING)
        return None
    if not is_confirmed(request):
        preview = Preview(
            title=title,
            label=label,
            columns=key_columns(),
            rows=tuple(key_row(each) for each in chosen[:MOST_AT_ONCE]),
            left_out=max(len(chosen) - MOST_AT_ONCE, 0),
            most=MOST_AT_ONCE,
            warning=warning,
        )
        return show_rows(model_admin, request, preview)
    _take_steps(model_admin, request, keys=chosen[:MOST_AT_ONCE], step=step)
    return None


def _take_steps(
    model_admin: "admin.ModelAdmin[Any]",
    request: HttpRequest,
    *,
    keys: list[Credential],
    step: Callable[[Credential, Actor], object],
) -> None:
    actor, done = actor_for(person_of(request)), 0
    for key in keys:
        try:
            step(key, actor)
        except StateError:
            text = _("%s was changed by somebody else meanwhile.") % key
            model_admin.message_user(request, text, messages.WARNING)
        else:
            done += 1
    text = ngettext("Done for %d key.", "Done for %d keys.", done) % done
    model_admin.message_user(request, text, messages.SUCCESS)
