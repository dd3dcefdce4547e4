"""The audit record, to look at and to search."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from keyvault.audit import Action
from keyvault.models import Alert, AuditCheckpoint, AuditEntry
from onboarding.models import Store
from onboarding.staff.alerts import mark_as_handled
from onboarding.staff.rows.read_only import ReadOnlyAdmin, Section, link, tag


def _day(term: str) -> date | None:
    try:
        return parse_date(term)
    except ValueError:
        return None


def _uuid(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None


class ActionFilter(admin.SimpleListFilter):
    """By what happened; the choices come from the enum, not from a scan of the table."""

    title = _("action")
    parameter_name = "action"

    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        """Offer all actions."""
        return [(action.value, action.value) for action in Action]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those of the chosen action."""
        return queryset.filter(action=self.value()) if self.value() else queryset


class DayFilter(admin.DateFieldListFilter):
    """By when it happened."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = str(_("day"))


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """Everything that happened to a secret."""

    section = Section.RECORD
    note = _("Everything that happened to a secret, and who did it.")
    list_display = ("at", "action", "actor", "store", "subject", "facts", "request_id")
    list_filter = (ActionFilter, ("at", DayFilter))
    search_fields = ("actor", "subject")
    search_help_text = _(
        "Actor (person:12), subject (credential:…), store id, request id, or a day (2026-11-22)."
    )
    ordering = ("-id",)
    sortable_by = ()
    fields = ("id", "at", "action", "actor", "store", "subject", "facts", "request_id")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """Match whole values: the table grows for ever, and they are what people copy."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if day := _day(term):
            return queryset.filter(at__date=day), False
        wanted = Q(actor=term) | Q(subject=term) | Q(request_id=term)
        if keychain_id := _uuid(term):
            wanted |= Q(keychain_id=keychain_id)
        return queryset.filter(wanted), False

    @admin.display(description=_("store"))
    def store(self, entry: AuditEntry) -> SafeString | str:
        """Whose record it belongs to."""
        if entry.keychain_id is None:
            return ""
        return link(Store(pk=entry.keychain_id), label=str(entry.keychain_id)[:8])


@admin.register(AuditCheckpoint)
class AuditCheckpointAdmin(ReadOnlyAdmin[AuditCheckpoint]):
    """Signed roots over the entries."""

    section = Section.RECORD
    note = _("Signed roots that make a change to the record show.")
    list_display = ("id", "at", "count", "first_entry", "last_entry", "root_hex")
    list_filter = (("at", DayFilter),)
    hidden = ("leaves",)
    ordering = ("-id",)
    fields = ("id", "at", "count", "ranges", "root_hex", "previous_hex", "key_id", "signature_hex")

    @admin.display(description=_("root"))
    def root_hex(self, checkpoint: AuditCheckpoint) -> str:
        """The Merkle root."""
        return bytes(checkpoint.root).hex()

    @admin.display(description=_("checkpoint before"))
    def previous_hex(self, checkpoint: AuditCheckpoint) -> str:
        """The hash of the checkpoint before."""
        return bytes(checkpoint.previous).hex()

    @admin.display(description=_("signature"))
    def signature_hex(self, checkpoint: AuditCheckpoint) -> str:
        """The signature."""
        return bytes(checkpoint.signature).hex()


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin[Alert]):
    """What should not have happened."""

    section = Section.RECORD
    note = _("Tripwires that fired: something happened that should not.")
    list_display = ("at", "what", "subject", "facts", "state")
    list_filter = ("kind", ("handled_at", admin.EmptyFieldListFilter), ("at", DayFilter))
    search_fields = ("subject__exact",)
    search_help_text = _("Subject (credential:…, backend:…).")
    ordering = ("-at", "pk")
    actions = (mark_as_handled,)
    fields = (
        *("at", "what", "subject", "facts", "state"),
        *("handled_at", "handled_by", "handled_note", "id"),
    )

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Say who may mark alerts as handled; the name is what the action asks for."""
        return request.user.has_perm("keyvault.change_alert")

    @admin.display(description=_("what"), ordering="kind")
    def what(self, alert: Alert) -> SafeString:
        """Which tripwire."""
        return tag(kind="danger", label=alert.get_kind_display())

    @admin.display(description=_("state"), ordering="handled_at")
    def state(self, alert: Alert) -> SafeString:
        """Whether anybody has looked into it."""
        if alert.handled_at is None:
            return tag(kind="warning", label=_("Open"))
        return tag(kind="ok", label=_("Handled"))
