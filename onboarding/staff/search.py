"""One search over everything that staff are asked about on the telephone."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from keyvault.models import Credential
from keyvault.vault import short_fingerprint
from onboarding.models import Merchant, Store, StoreNote, User
from onboarding.staff.pages import show, staff_page
from onboarding.staff.rows.read_only import MOST_CHARACTERS

Row = TypeVar("Row", bound=Model)

SHOWN = 10
NOTE_CHARACTERS = 100
# Eight hex digits with a dash or without: how fingerprints are shown.
FINGERPRINT_DIGITS = 8
HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Hit:
    """One row that fits."""

    label: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class Hits:
    """The rows of one kind that fit; one more than is shown means that there are more."""

    title: str
    rows: tuple[Hit, ...]
    has_more: bool


def find_everything(term: str) -> list[Hits]:
    """What fits a search by shop, company, email address, last four characters or fingerprint.

    Five queries, each for a few rows.

    Args:
        term: as somebody typed it; an empty one finds nothing.

    Returns:
        The kinds of which something fits.
    """
    term = term.strip()
    if not 0 < len(term) <= MOST_CHARACTERS or "\x00" in term:
        return []
    kinds = (_stores(term), _keys(term), _people(term), _merchants(term), _notes(term))
    return [hits for hits in kinds if hits.rows]


@staff_page("onboarding.view_store")
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Show what fits."""
    term = request.GET.get("q", "")
    context = {"term": term, "found": find_everything(term)}
    return show(request, template="search.html", title=_("Search"), context=context)


def _stores(term: str) -> Hits:
    wanted = Q(name__icontains=term) | Q(back_office__icontains=term)
    if term.isdecimal() and len(term) < 19:  # noqa: PLR2004  # what a 64-bit column can hold
        wanted |= Q(shop_id=int(term))
    with suppress(ValueError):
        wanted |= Q(pk=UUID(term))
    rows = Store.objects.filter(wanted).select_related("merchant").order_by("name", "pk")
    return _hits(_("Stores"), rows[: SHOWN + 1], lambda row: (row.name, row.merchant.name))


def _keys(term: str) -> Hits:
    digits = term.replace("-", "").lower()
    wanted = Q(last_four=term) | Q(name__icontains=term)
    if len(digits) == FINGERPRINT_DIGITS and set(digits) <= HEX:
        wanted |= Q(fingerprint__startswith=digits)
    rows = Credential.objects.filter(wanted).defer("sealed").select_related("keychain__store")
    return _hits(
        _("Keys"),
        rows.order_by("-created_at", "pk")[: SHOWN + 1],
        lambda row: (
            str(row),
            f"{_shop_of(row)}, {short_fingerprint(row.fingerprint)}, {row.get_state_display()}",
        ),
    )


def _shop_of(credential: Credential) -> str:
    """Whose key it is; a decoy's keychain is no shop's, but is called like one."""
    store: Store | None = getattr(credential.keychain, "store", None)
    return store.name if store else str(credential.keychain)


def _people(term: str) -> Hits:
    rows = User.objects.filter(email__icontains=term).order_by("email")
    return _hits(
        _("People"),
        rows[: SHOWN + 1],
        lambda row: (row.email, _("Staff") if row.is_staff else _("Merchant")),
    )


def _merchants(term: str) -> Hits:
    rows = Merchant.objects.filter(name__icontains=term).order_by("name", "pk")
    return _hits(_("Merchants"), rows[: SHOWN + 1], lambda row: (row.name, ""))


def _notes(term: str) -> Hits:
    rows = StoreNote.objects.filter(text__icontains=term).select_related("store")
    return _hits(
        _("Notes"),
        rows.order_by("-at", "-pk")[: SHOWN + 1],
        lambda row: (str(row), Truncator(row.text).chars(NOTE_CHARACTERS)),
    )


def _hits(title: str, rows: Iterable[Row], words: Callable[[Row], tuple[str, str]]) -> Hits:
    found = [Hit(*words(row), url=_url(row)) for row in rows]
    return Hits(title=title, rows=tuple(found[:SHOWN]), has_more=len(found) > SHOWN)


def _url(row: Model) -> str:
    meta = row._meta  # noqa: SLF001  # Django's documented model API
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
