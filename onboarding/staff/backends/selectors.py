"""Backends as staff see them: their tokens, and the stores that they may borrow from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from keyvault.leases.tokens import WAITS_FOR, waiting_tokens
from keyvault.models import Backend, BackendToken
from onboarding.models import Store, User
from onboarding.people.selectors import actor_for
from onboarding.staff.team.selectors import hang_together

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SHOWN_STORES = 50
SHOWN_TOKENS = 50
PERSON = "person:"


@dataclass(frozen=True, slots=True)
class TokenLine:
    """A token in a list.

    Attributes:
        token: its row, without the digest.
        made_by: the address of who made it or asked for it; empty: a command.
        kind: of the tag of its state.
        state: its state in words.
        may_decide: whether the reader is a second person to it.
    """

    token: BackendToken
    made_by: str
    kind: str
    state: "StrOrPromise"
    may_decide: bool

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to revoke."""
        return self.kind == "neutral" or self.token.revoked_at is not None


@dataclass(frozen=True, slots=True)
class BackendView:
    """What the page of a backend shows beneath its row.

    Attributes:
        lines: its tokens, the newest first.
        has_more_lines: whether some were left out.
        stores: the first of the stores that it may borrow from; empty for all of them.
        has_more_stores: whether some were left out.
    """

    lines: Sequence[TokenLine]
    has_more_lines: bool
    stores: Sequence[Store]
    has_more_stores: bool


def token_state(token: BackendToken, *, now: datetime) -> tuple[str, "StrOrPromise"]:
    """The tag of a token's state: its kind and its words."""
    if token.revoked_at is not None:
        return "danger", _("Revoked")
    if token.waiting_days is not None:
        if now < token.created_at + WAITS_FOR:
            return "warning", _("Waits for a second person")
        return "neutral", _("Lapsed: nobody answered within a day")
    if token.expires_at <= now:
        return "neutral", _("Expired")
    return "ok", _("Valid")


def tokens() -> QuerySet[BackendToken]:
    """Every token with its backend, and without what is kept of its secret."""
    return BackendToken.objects.select_related("backend").defer("digest")


def tokens_to_decide(*, user: User, now: datetime) -> QuerySet[BackendToken]:
    """Those that wait for a second person, who may be this one; the oldest first."""
    rows = waiting_tokens(now=now).exclude(made_by=str(actor_for(user)))
    return rows.select_related("backend").defer("digest").order_by("created_at", "pk")


def asker_of(token: BackendToken) -> User | None:
    """Who asked for a token; None for a command."""
    return User.objects.filter(pk__in=_person_ids([token])).first()


def may_speak_for(token: BackendToken, *, user: User) -> bool:
    """Whether somebody is a second person to whoever asked for a token."""
    asker = asker_of(token)
    return asker is None or not (asker == user or hang_together(asker, user))


def backend_view(*, backend: Backend, reader: User, now: datetime) -> BackendView:
    """The tokens and the stores of one backend. Three queries."""
    rows = tokens().filter(backend=backend).order_by("-created_at", "-pk")[: SHOWN_TOKENS + 1]
    found = list(rows)
    addresses = _addresses(found)
    stores = list(
        Store.objects.filter(keychain__backends=backend).order_by("name", "pk")[: SHOWN_STORES + 1]
    )
    return BackendView(
        lines=[
            _line(token, addresses=addresses, reader=reader, now=now)
            for token in found[:SHOWN_TOKENS]
        ],
        has_more_lines=len(found) > SHOWN_TOKENS,
        stores=stores[:SHOWN_STORES],
        has_more_stores=len(stores) > SHOWN_STORES,
    )


def line_of(token: BackendToken, *, reader: User, now: datetime) -> TokenLine:
    """One token as a list shows it. One query."""
    return _line(token, addresses=_addresses([token]), reader=reader, now=now)


def _line(
    token: BackendToken, *, addresses: dict[str, str], reader: User, now: datetime
) -> TokenLine:
    kind, state = token_state(token, now=now)
    return TokenLine(
        token=token,
        made_by=addresses.get(token.made_by, ""),
        kind=kind,
        state=state,
        may_decide=kind == "warning" and token.made_by != str(actor_for(reader)),
    )


def _addresses(rows: Sequence[BackendToken]) -> dict[str, str]:
    people = User.objects.filter(pk__in=_person_ids(rows)).values_list("pk", "email")
    return {f"{PERSON}{pk}": email for pk, email in people}


def _person_ids(rows: Sequence[BackendToken]) -> set[str]:
    makers = {row.made_by for row in rows if row.made_by.startswith(PERSON)}
    return {maker.removeprefix(PERSON) for maker in makers}
