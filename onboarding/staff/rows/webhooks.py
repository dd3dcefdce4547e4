"""Where backends want to be told, and what became of each event."""

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from keyvault.models import WebhookDelivery, WebhookEndpoint
from onboarding.staff.rows.read_only import ReadOnlyAdmin, Row, Section, first_tag, link
from onboarding.staff.webhooks import send_again, send_failed_again, switch_on

# Its address may be on: then the backend itself is the reason why nothing is sent.
BACKEND_CLOSED = format_lazy("{}: {}", _("Backend"), _("Closed"))
FAILED = Q(deliveries__delivered_at=None, deliveries__last_status__isnull=False)


class ReplayAdmin(ReadOnlyAdmin[Row]):
    """A table whose rows can be sent again."""

    section = Section.BACKENDS

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Say who may send again; the name is what the actions ask for."""
        return request.user.has_perm("keyvault.change_webhookendpoint")


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReplayAdmin[WebhookEndpoint]):
    """Addresses of backends; never the signing key."""

    note = _("Addresses that backends want to be told at, and whether they answer.")
    list_display = ("url", "of_backend", "state", "waiting", "failed", "created_at")
    list_filter = (("disabled_at", admin.EmptyFieldListFilter),)
    search_fields = ("url", "backend__name")
    search_help_text = _("Address or backend.")
    related = ("backend",)
    hidden = ("sealed_key", "sealed_old_key")
    ordering = ("-created_at", "pk")
    actions = (send_failed_again, switch_on)
    fields = ("url", "of_backend", "state", "failing_since", "disabled_at", "created_at", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        """Count what is on its way."""
        return (
            super()
            .get_queryset(request)
            .annotate(
                waiting_events=Count("deliveries", filter=Q(deliveries__delivered_at=None)),
                failed_events=Count("deliveries", filter=FAILED),
            )
        )

    @admin.display(description=_("backend"), ordering="backend__name")
    def of_backend(self, endpoint: WebhookEndpoint) -> SafeString | str:
        """Whose address."""
        return link(endpoint.backend)

    @admin.display(description=_("state"))
    def state(self, endpoint: WebhookEndpoint) -> SafeString:
        """Whether it is told."""
        return first_tag(
            (endpoint.removed_at, "neutral", _("Removed")),
            (endpoint.disabled_at, "danger", _("Switched off")),
            (not endpoint.backend.is_active, "neutral", BACKEND_CLOSED),
            (endpoint.failing_since, "warning", _("Failing")),
            (True, "ok", _("On")),
        )

    @admin.display(description=_("waiting"))
    def waiting(self, endpoint: WebhookEndpoint) -> int:
        """Events that it has not taken yet."""
        return int(getattr(endpoint, "waiting_events", 0))

    @admin.display(description=_("failed"))
    def failed(self, endpoint: WebhookEndpoint) -> int:
        """Those of them that were tried in vain."""
        return int(getattr(endpoint, "failed_events", 0))


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReplayAdmin[WebhookDelivery]):
    """Events, the latest first."""

    note = _("Events on their way to backends: tries, the last answer, the next try.")
    list_display = ("created_at", "type", "address", "state", "attempts", "answer", "next_try")
    list_filter = ("type", ("delivered_at", admin.EmptyFieldListFilter))
    search_fields = ("endpoint__url", "endpoint__backend__name")
    search_help_text = _("Address or backend.")
    related = ("endpoint__backend",)
    hidden = ("endpoint__sealed_key", "endpoint__sealed_old_key")
    ordering = ("-created_at", "pk")
    actions = (send_again,)
    fields = (
        "type",
        "address",
        "state",
        "attempts",
        "answer",
        "next_try",
        "body",
        "created_at",
        "delivered_at",
        "id",
    )

    @admin.display(description=_("address"), ordering="endpoint__url")
    def address(self, delivery: WebhookDelivery) -> SafeString | str:
        """Where it goes."""
        return link(delivery.endpoint)

    @admin.display(description=_("state"))
    def state(self, delivery: WebhookDelivery) -> SafeString:
        """How far it has come."""
        return first_tag(
            (delivery.delivered_at, "ok", _("Delivered")),
            (delivery.endpoint.disabled_at, "danger", _("Address switched off")),
            (not delivery.endpoint.backend.is_active, "neutral", BACKEND_CLOSED),
            (delivery.last_status is not None, "warning", _("Failed, tried again")),
            (True, "info", _("Waiting")),
        )

    @admin.display(description=_("last answer"), ordering="last_status")
    def answer(self, delivery: WebhookDelivery) -> str:
        """What the receiver said last."""
        if delivery.last_status == 0:
            return str(_("none"))
        return "" if delivery.last_status is None else str(delivery.last_status)

    @admin.display(description=_("next try"), ordering="due_at")
    def next_try(self, delivery: WebhookDelivery) -> object:
        """When it is tried again."""
        endpoint = delivery.endpoint
        is_held = endpoint.disabled_at or not endpoint.backend.is_active
        return None if is_held else delivery.due_at
