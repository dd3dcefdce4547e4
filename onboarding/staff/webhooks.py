"""Webhooks in the hands of staff: send again, switch on; and the mail when one went off."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from keyvault.audit import Actor
from keyvault.errors import UnknownRecordError
from keyvault.models import WebhookDelivery, WebhookEndpoint
from keyvault.webhooks import enable, replay, replay_failed
from onboarding.models import User
from onboarding.notices.letters import Letter, absolute_url, send_letter
from onboarding.notices.preferences import Topic, staff_readers, unsubscribe_url
from onboarding.people.requests import person_of
from onboarding.people.selectors import actor_for
from onboarding.staff.bulk import Preview, is_confirmed, show_rows

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PERMISSION = "keyvault.view_webhookendpoint"


@admin.action(description=gettext_lazy("Send again"), permissions=["replay"])
def send_again(
    model_admin: "admin.ModelAdmin[Any]",
    request: HttpRequest,
    queryset: QuerySet[WebhookDelivery],
) -> HttpResponse | None:
    """Send the chosen events once more, once that is confirmed."""

    def send(delivery: WebhookDelivery, actor: Actor) -> int:
        try:
            replay(delivery_id=delivery.pk, actor=actor)
        except UnknownRecordError:
            return 0
        return 1

    title = gettext_lazy("Send these events again?")
    rows = queryset.select_related("endpoint")
    return _confirmed(model_admin, request, rows=rows, title=title, work=send)


@admin.action(description=gettext_lazy("Send all that failed again"), permissions=["replay"])
def send_failed_again(
    model_admin: "admin.ModelAdmin[Any]",
    request: HttpRequest,
    queryset: QuerySet[WebhookEndpoint],
) -> HttpResponse | None:
    """Send the failed events of the chosen addresses at once, once that is confirmed."""

    def send(endpoint: WebhookEndpoint, actor: Actor) -> int:
        return replay_failed(endpoint_id=endpoint.pk, actor=actor)

    title = gettext_lazy("Send all that failed at these addresses again?")
    return _confirmed(model_admin, request, rows=queryset, title=title, work=send)


@admin.action(description=gettext_lazy("Switch on again"), permissions=["replay"])
def switch_on(
    model_admin: "admin.ModelAdmin[Any]",
    request: HttpRequest,
    queryset: QuerySet[WebhookEndpoint],
) -> None:
    """Tell the chosen addresses again, what has waited for them included."""
    actor = actor_for(person_of(request))
    count = 0
    for endpoint in queryset.exclude(disabled_at=None):
        # A colleague was faster, or it was removed.
        with suppress(UnknownRecordError):
            enable(endpoint_id=endpoint.pk, actor=actor)
            count += 1
    text = ngettext("%d address is on again.", "%d addresses are on again.", count) % count
    model_admin.message_user(request, text, messages.SUCCESS if count else messages.WARNING)


def _confirmed(
    model_admin: "admin.ModelAdmin[Any]",
    request: HttpRequest,
    *,
    rows: QuerySet[Any],
    title: "StrOrPromise",
    work: Callable[[Any, Actor], int],
) -> HttpResponse | None:
    """Show what was chosen; once that is confirmed, do it and say how many events are sent."""
    if not is_confirmed(request):
        preview = Preview(
            title=title,
            label=_("Send again"),
            columns=(_("What"), _("Address")),
            rows=tuple((row, getattr(row, "endpoint", row).url) for row in rows),
            warning=_(
                "Each event keeps its number, so the receiver can tell that it has had it before."
            ),
        )
        return show_rows(model_admin, request, preview)
    actor = actor_for(person_of(request))
    count = sum(work(row, actor) for row in rows)
    if count:
        text = ngettext("%d event is sent again now.", "%d events are sent again now.", count)
        model_admin.message_user(request, text % count, messages.SUCCESS)
    else:
        text = _("Nothing is sent: nothing failed, or the address is switched off.")
        model_admin.message_user(request, text, messages.WARNING)
    return None


def tell_switched_off(*, endpoint_id: UUID, is_gone: bool) -> None:
    """Writes to staff that an address was switched off, and why; in the caller's transaction.

    Args:
        endpoint_id: the address.
        is_gone: whether it answered that it wants nothing any more, else it did not for three days.
    """
    endpoint = WebhookEndpoint.objects.select_related("backend").get(pk=endpoint_id)
    for reader in staff_readers(Topic.ALERTS):
        if reader.has_perm(PERMISSION):
            letter = _letter(endpoint, reader=reader, is_gone=is_gone)
            send_letter(letter, to=reader.email, language=reader.language)


def _letter(endpoint: WebhookEndpoint, *, reader: User, is_gone: bool) -> Letter:
    with translation.override(reader.language):
        reason = _("%(url)s has not answered for three days, so it was switched off.")
        if is_gone:
            reason = _("%(url)s answers that it is gone for good (410), so it was switched off.")
        facts = {"backend": endpoint.backend.name, "url": endpoint.url}
        page = reverse("admin:keyvault_webhookendpoint_change", args=[endpoint.pk])
        return Letter(
            subject=_("%(backend)s is no longer told of changes") % facts,
            paragraphs=(
                reason % facts,
                _(
                    "Its events wait for 30 days. When the address works again, switch it on and "
                    "they are sent."
                ),
            ),
            action_label=_("Look at the address"),
            action_url=absolute_url(page),
            unsubscribe_url=unsubscribe_url(user=reader, topic=Topic.ALERTS),
        )
