"""Acts on many rows at once: first they are shown, then somebody says yes, then each is done."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from keyvault.models import Credential
from onboarding.staff.key_states import STATE_TAGS

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Preview:
    """What somebody is about to do, and to what.

    Attributes:
        title: the question.
        label: of the button that says yes.
        columns: the heads of the table of rows.
        rows: the cells of each, the first of which names it.
        left_out: how many more were chosen than are done at once.
        most: how many those are.
        warning: what it means for merchants; empty: nothing.
    """

    title: "StrOrPromise"
    label: "StrOrPromise"
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    left_out: int = 0
    most: int = 0
    warning: "StrOrPromise" = ""


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the rows were shown, and somebody said yes."""
    return "confirmed" in request.POST


def show_rows(
    model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, preview: Preview
) -> HttpResponse:
    """Show the rows and ask."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": preview.title,
        "preview": preview,
        "action": request.POST["action"],
        "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "list_url": request.path,
    }
    return TemplateResponse(request, "onboarding/staff/bulk.html", context)


def key_columns() -> tuple[str, ...]:
    """The heads of a table of keys."""
    return _("Key"), _("Store"), _("State"), _("Last checked")


def key_row(credential: Credential) -> tuple[object, ...]:
    """One key in such a table."""
    store = getattr(credential.keychain, "store", "–")  # noqa: RUF001  # a dash, for readers
    _kind, state = STATE_TAGS[Credential.State(credential.state)]
    return credential, store, state, credential.checked_at or ""


def credentials_of(queryset: QuerySet[Any]) -> QuerySet[Credential]:
    """The keys that were chosen, or those of the stores that were; without what is sealed."""
    keys = Credential.objects.filter(state__in=Credential.LIVE_STATES)
    if queryset.model is Credential:
        keys = keys.filter(pk__in=queryset.values("pk"))
    else:
        keys = keys.filter(keychain__in=queryset.values("pk"))
    found = keys.select_related("keychain__store").defer("sealed")
    return found.order_by("keychain", "created_at", "pk")
