"""The base of all rows: looked at, never typed into; changes go through services."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

Row = TypeVar("Row", bound=models.Model)

# Of what people search for.
MOST_CHARACTERS = 300
# What Django's filters put into addresses.
OFFERED_LOOKUPS = ("__exact", "__gte", "__lt", "__isnull", "__isempty")
# Counting a table of millions for the sake of a page number is not worth a second.
COUNTED_ROWS = 10_000


if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]

    class RowAdmin(admin.ModelAdmin[Row], Generic[Row]):
        """Django's class, which takes a type only in its stubs."""
else:
    AnyPaginator = Paginator

    class RowAdmin(admin.ModelAdmin, Generic[Row]):
        """Django's class, which takes a type only in its stubs."""


class CappedPaginator(AnyPaginator):
    """Counts no further than people turn pages."""

    @cached_property
    def count(self) -> int:
        """The number of rows, at most `COUNTED_ROWS`."""
        rows = self.object_list
        if isinstance(rows, models.QuerySet):
            return rows.order_by()[:COUNTED_ROWS].count()
        return len(rows)


class Section(models.TextChoices):
    """The headings of the index, in their order."""

    PEOPLE = "people", _("Merchants and people")
    KEYS = "keys", _("Keys")
    BACKENDS = "backends", _("Backends")
    RECORD = "record", _("Record")


class ReadOnlyAdmin(RowAdmin[Row]):
    """A table that staff may look at.

    Attributes:
        section: under which heading of the index it stands.
        note: what the table holds, in a line.
        related: rows of other tables that the columns and the page show, fetched in the same query.
        hidden: columns that are not even fetched: sealed bytes, digests, what is long.
    """

    section = Section.RECORD
    note = _("Rows.")
    related: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    view_on_site = False
    list_display_links: Any = None
    empty_value_display = "–"  # noqa: RUF001  # a dash, for readers

    @property
    def list_url(self) -> str:
        """The address of the list."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Row]:
        """Fetch what is shown, and leave what is hidden where it is."""
        rows = super().get_queryset(request)
        return (rows.select_related(*self.related) if self.related else rows).defer(*self.hidden)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Row], search_term: str
    ) -> tuple[models.QuerySet[Row], bool]:
        """Find nothing by what is longer than any name: a database refuses to look for that."""
        if len(search_term) > MOST_CHARACTERS:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def get_list_display_links(
        self, request: HttpRequest, list_display: Sequence[Any]
    ) -> list[Any]:
        """Let the first column lead to the row."""
        return [list_display[0]]

    def get_readonly_fields(self, request: HttpRequest, obj: Row | None = None) -> tuple[str, ...]:
        """All of them."""
        return tuple(str(name) for name in self.fields or ())

    def lookup_allowed(  # type: ignore[override]  # without a request it is deprecated
        self, lookup: str, value: str, request: HttpRequest
    ) -> bool:
        """Filter by what the list offers, and by nothing else.

        Django allows every column of the table: whoever may look at a list could read a password's
        hash or a token's digest letter by letter, by asking which rows begin with it.
        """
        if "\x00" in value:
            return False  # PostgreSQL would refuse to look for it
        names = [_filtered(offered) for offered in self.get_list_filter(request)]
        return lookup in names or lookup in {
            f"{name}{ending}" for name in names for ending in OFFERED_LOOKUPS
        }

    def has_check_permission(self, request: HttpRequest) -> bool:
        """Say who may check keys again; the name is what the action asks for."""
        return request.user.has_perm("onboarding.add_verification")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """Say who may pause and resume keys; the name is what the actions ask for."""
        return request.user.has_perm("keyvault.change_credential")

    def has_add_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Nobody types into rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Nobody deletes rows here."""
        return False


def _filtered(offered: object) -> str:
    """The parameter of a filter in the address: a column's name, or one that it has itself."""
    found = offered[0] if isinstance(offered, tuple) else offered
    return str(getattr(found, "parameter_name", found))


def when(at: datetime | None) -> str:
    """A computed time as the pages show times."""
    return date_format(timezone.localtime(at), "DATETIME_FORMAT") if at else ""


def tag(*, kind: str, label: object) -> SafeString:
    """A state as the pages show it: kind is ok, warning, danger, info or neutral."""
    return format_html('<span class="tag tag-{}">{}</span>', kind, label)


def first_tag(*cases: tuple[object, str, object]) -> SafeString:
    """The first state that holds: (whether it does, its kind, its words); the last one always."""
    kind, label = next((kind, label) for holds, kind, label in cases if holds)
    return tag(kind=kind, label=label)


def link(row: models.Model | None, *, label: object = "") -> SafeString | str:
    """A link to another row's page; nothing for no row."""
    if row is None:
        return ""
    meta = row._meta  # noqa: SLF001  # Django's documented model API
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, label or row)
