"""What the store page reads: its keys, and the answer to "does my app work?"."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from keyvault import pool, vault
from keyvault.models import Credential, Grant, Lease
from keyvault.models.lease import moment
from keyvault.pool import WindowBudget
from lightspeed.permissions import ALL_PERMISSIONS
from lightspeed.result import Outcome
from onboarding.errors import UnknownRecordError
from onboarding.migration.selectors import is_to_reconnect
from onboarding.models import GlassRequest, Replacement, Store, User, Verification
from onboarding.oauth.providers import with_open_providers
from onboarding.people.selectors import stores_for
from onboarding.submission.selectors import granted_count, missing_boxes
from onboarding.walkthrough.back_office import BackOfficeWords
from onboarding.walkthrough.selectors import open_walkthroughs

State = Credential.State


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key of the store page.

    Attributes:
        credential: the row; its secret is not in it.
        fingerprint: short and keyed, to tell keys apart on the phone.
        granted: how many of the twelve boxes the last check found ticked; None: not known.
        missing: the required boxes that it found unticked, as the Back Office writes them.
        budgets: what is left of each window, by growing span; empty when the pool has no figures.
        last_used_at: when a backend last borrowed it; None: never.
        checked_at: when it was last checked; None: never.
        last_outcome: what the last check came to.
        undo_until: until when the key whose place it took can be brought back; None: it cannot.
        opened_at: when our staff opened its secret in an emergency; None: never.
    """

    credential: Credential
    fingerprint: str
    granted: int | None
    missing: list[str]
    budgets: list[WindowBudget]
    last_used_at: datetime | None
    checked_at: datetime | None
    last_outcome: str
    undo_until: datetime | None = None
    opened_at: datetime | None = None

    @property
    def boxes(self) -> int:
        """How many boxes there are."""
        return len(ALL_PERMISSIONS)


def page_of_stores(*, user: User, number: str | None, size: int) -> Page[Store]:
    """One page of the person's stores: `active_keys`, `live_keys`, `is_ailing`. Four queries.

    Only the page's own stores are read and counted, so the list of an agency costs little more.

    Args:
        user: whose stores.
        number: which page, as an address says it; what is none is the first or the last one.
        size: how many stores stand on one.
    """
    page = Paginator(stores_for(user).values_list("pk", flat=True), size).get_page(number)
    keys = "keychain__credentials"
    shown = stores_for(user).filter(pk__in=list(page.object_list))
    counted = shown.annotate(
        active_keys=Count(keys, filter=Q(**{f"{keys}__state": State.ACTIVE}), distinct=True),
        live_keys=Count(
            keys, filter=Q(**{f"{keys}__state__in": Credential.LIVE_STATES}), distinct=True
        ),
        is_ailing=Exists(_ailing_credentials().filter(keychain=OuterRef("pk"))),
    )
    return Page(list(counted), page.number, cast("Paginator[Store]", page.paginator))


def _ailing_credentials() -> QuerySet[Credential]:
    """Those for which `answer` says that something is to be done."""
    latest = Verification.objects.filter(credential=OuterRef("pk")).order_by("-at", "-pk")
    opened = GlassRequest.objects.filter(credential=OuterRef("pk"), used_at__isnull=False)
    return Credential.objects.annotate(last_outcome=Subquery(latest.values("outcome")[:1])).filter(
        Q(state=State.SUSPENDED)
        | Q(state=State.ACTIVE, last_outcome=Outcome.MISSING_PERMISSIONS)
        | Q(Exists(opened), state=State.ACTIVE)
        | Q(state=State.ACTIVE, grant__state=Grant.State.LOST)
        | (Q(state=State.ACTIVE) & is_to_reconnect())
    )


def store_for_its_page(*, user: User, store_id: UUID) -> Store:
    """One of the person's stores, as its own page needs it. One query.

    It has the `step` of a walkthrough to go on with, and which providers are open.

    Raises:
        UnknownRecordError: no such store, or another merchant's.
    """
    walkthroughs = open_walkthroughs(store=OuterRef("pk"), user=user)
    stores = stores_for(user).annotate(step=Subquery(walkthroughs.values("step")[:1]))
    found = with_open_providers(stores).filter(pk=store_id).first()
    if found is None:
        raise UnknownRecordError
    return found


def live_key(*, store: Store, credential_id: UUID) -> Credential:
    """One live key of a store that the caller may see.

    Raises:
        UnknownRecordError: no such key, or it is removed.
    """
    try:
        return Credential.objects.get(
            pk=credential_id, keychain_id=store.pk, state__in=Credential.LIVE_STATES
        )
    except Credential.DoesNotExist:
        raise UnknownRecordError from None


def open_replacements(*, store: Store) -> QuerySet[Replacement]:
    """The replacements that can still be undone."""
    return Replacement.objects.filter(
        store=store, ended_at__isnull=True, retires_at__gt=timezone.now()
    )


def live_credentials(*, store: Store) -> list[Credential]:
    """The live keys and connections in the order they came, with what their lines show. One query.

    Each has its `grant`, if it has one, its last check, when a backend last borrowed it, until
    when the replacement that made it can be undone, and when our staff opened it.
    """
    latest = Verification.objects.filter(credential=OuterRef("pk")).order_by("-at", "-pk")
    used = Lease.objects.filter(key__credential=OuterRef("pk"), token__isnull=False).order_by(
        "-use_by_us"
    )
    undoable = open_replacements(store=store).filter(new=OuterRef("pk"))
    opened = GlassRequest.objects.filter(credential=OuterRef("pk"), used_at__isnull=False)
    return list(
        Credential.objects.filter(keychain_id=store.pk, state__in=Credential.LIVE_STATES)
        .select_related("grant")
        .defer("sealed", "grant__sealed_refresh")
        .annotate(
            last_at=Subquery(latest.values("at")[:1]),
            last_outcome=Subquery(latest.values("outcome")[:1]),
            last_permissions=Subquery(latest.values("permissions")[:1]),
            used_us=Subquery(used.values("granted_us")[:1]),
            undo_until=Subquery(undoable.values("retires_at")[:1]),
            opened_at=Subquery(opened.order_by("-used_at").values("used_at")[:1]),
        )
        .order_by("created_at", "pk")
    )


def key_lines(*, credentials: Iterable[Credential], words: BackOfficeWords) -> list[KeyLine]:
    """The keys among `live_credentials`. One query, however many there are."""
    keys = [each for each in credentials if each.kind == Credential.Kind.BASIC]
    budgets = pool.budgets(credential_ids=[each.pk for each in keys])
    return [_key_line(each, budgets=budgets.get(each.pk, []), words=words) for each in keys]


def _key_line(
    credential: Any,  # noqa: ANN401  # with the annotations of live_credentials
    *,
    budgets: list[WindowBudget],
    words: BackOfficeWords,
) -> KeyLine:
    last = Verification(
        outcome=credential.last_outcome or "", permissions=credential.last_permissions or {}
    )
    return KeyLine(
        credential=credential,
        fingerprint=vault.short_fingerprint(credential.fingerprint),
        granted=granted_count(last) if last.permissions else None,
        missing=missing_boxes(verification=last, words=words),
        budgets=budgets,
        last_used_at=moment(credential.used_us) if credential.used_us else credential.last_used_at,
        checked_at=credential.last_at or credential.checked_at,
        last_outcome=last.outcome,
        undo_until=credential.undo_until,
        opened_at=credential.opened_at,
    )


def limits_of(keys: list[KeyLine]) -> dict[int, int]:
    """What the active keys together may send in each window, by its seconds."""
    together: dict[int, int] = {}
    for line in keys:
        if line.credential.state == State.ACTIVE:
            for seconds, limit in line.credential.limits:
                together[seconds] = together.get(seconds, 0) + limit
    return together
