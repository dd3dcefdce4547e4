"""Reading stores: state, kinds of credential, windows and headroom."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, QueryDict
from ninja import Query, Router, Schema
from ninja.errors import ValidationError
from pydantic import Field

from keyvault import pool
from keyvault.api.schemas import InvalidOut, ProblemOut, StoreOut, StoresOut
from keyvault.api.tokens import Token
from keyvault.errors import UnknownRecordError
from keyvault.leases import Scope, stores_of
from keyvault.models import Credential, Keychain

router = Router(tags=["stores"], auth=Token(Scope.STORES_READ))


PROBLEMS: dict[int, Any] = {
    **dict.fromkeys((400, 401, 403, 404, 405, 429, 503), ProblemOut),
    422: InvalidOut,
}


class PageQuery(Schema):
    """Which part of the list."""

    limit: int = Field(50, ge=1, le=100)
    after: UUID | None = None


@router.get("", response={200: StoresOut, **PROBLEMS})
def list_stores(request: HttpRequest, page: Query[PageQuery]) -> Any:  # noqa: ANN401  # ninja's
    """The stores that this backend may lease from."""
    _require_known(request.GET)
    stores = stores_of(caller=request.auth).order_by("pk")  # type: ignore[attr-defined]  # ninja's
    if page.after is not None:
        stores = stores.filter(pk__gt=page.after)
    found = list(stores[: page.limit + 1])
    shown = found[: page.limit]
    following = shown[-1].pk if len(found) > page.limit else None
    return {"stores": _described(shown), "next": following}


@router.get("/{uuid:store_id}", response={200: StoreOut, **PROBLEMS})
def read_store(request: HttpRequest, store_id: UUID) -> Any:  # noqa: ANN401  # ninja's
    """One store."""
    store = stores_of(caller=request.auth).filter(pk=store_id).first()  # type: ignore[attr-defined]  # ninja's
    if store is None:
        message = f"no store {store_id} for this backend"
        raise UnknownRecordError(message)
    return _described([store])[0]


def _require_known(query: QueryDict) -> None:
    """Refuses other names, and a name twice: `?page=2` would be the first page for ever.

    Raises:
        ValidationError: it names them.
    """
    faults = [
        {"loc": ["query", name], "msg": "Only limit and after, each once", "type": "query"}
        for name, values in query.lists()
        if name not in PageQuery.model_fields or len(values) > 1
    ]
    if faults:
        raise ValidationError(faults)


def _described(stores: Sequence[Keychain]) -> list[dict[str, Any]]:
    """The stores as the API shows them. Two queries for any number of them."""
    live = defaultdict(list)
    rows = Credential.objects.filter(keychain__in=stores, state__in=Credential.LIVE_STATES)
    for each in rows.only("pk", "keychain_id", "kind", "state"):
        live[each.keychain_id].append(each)
    active = [each.pk for rows in live.values() for each in rows if each.state == "active"]
    budgets = pool.budgets(credential_ids=active)
    return [_store(store=store, live=live[store.pk], budgets=budgets) for store in stores]


def _store(
    *, store: Keychain, live: list[Credential], budgets: dict[UUID, list[pool.WindowBudget]]
) -> dict[str, Any]:
    counts = Counter((each.kind, each.state) for each in live)
    limits: Counter[int] = Counter()
    remaining: Counter[int] = Counter()
    for each in live:
        for window in budgets.get(each.pk, ()):
            limits[window.seconds] += window.limit
            remaining[window.seconds] += window.remaining
    return {
        "id": store.pk,
        "name": store.label,
        "state": _state(live),
        "credentials": [
            {"type": kind} | {state: counts[kind, state] for state in Credential.LIVE_STATES}
            for kind in sorted({each.kind for each in live})
        ],
        "windows": [
            {"seconds": seconds, "limit": limits[seconds], "remaining": remaining[seconds]}
            for seconds in sorted(limits)
        ],
    }


def _state(live: list[Credential]) -> str:
    states = {each.state for each in live}
    if Credential.State.ACTIVE not in states:
        return "no-credential"
    return "ok" if states == {Credential.State.ACTIVE} else "degraded"
