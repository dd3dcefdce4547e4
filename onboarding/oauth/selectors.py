"""What pages read of a store's connections."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from keyvault.models import Credential, Grant
from lightspeed.oauth.provider import Provider
from lightspeed.oauth.registry import PROVIDERS
from onboarding.errors import UnknownRecordError
from onboarding.models import Consent, Store, User
from onboarding.oauth.scopes import scope_label

LEGACY_SUFFIX = "-key"


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """One permission of the result table.

    Attributes:
        label: what a merchant reads.
        name: as the vendor spells it.
        cell: allowed, missing or unchecked.
    """

    label: str
    name: str
    cell: str


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of the store page.

    Attributes:
        grant: the row; no token is in it.
        title: the vendor.
        standing: ok, act (it works and something is to be done) or broken.
        act_by: until when it works without anybody doing anything.
        missing: required permissions that are not granted.
    """

    grant: Grant
    title: str
    standing: str
    act_by: datetime | None
    missing: list[str]


def connections_of(*, store: Store, now: datetime) -> list[Connection]:
    """The connections of a store that are not over. One query."""
    grants = (
        Grant.objects.select_related("credential")
        .filter(credential__keychain_id=store.pk, credential__state__in=Credential.LIVE_STATES)
        .exclude(state=Grant.State.ENDED)
        .order_by("credential__created_at")
    )
    return [_connection(grant=grant, now=now) for grant in grants]


def connections_among(credentials: Iterable[Credential], *, now: datetime) -> list[Connection]:
    """The same out of live credentials that were read with their grants. No query."""
    grants = [getattr(credential, "grant", None) for credential in credentials]
    return [
        _connection(grant=grant, now=now)
        for grant in grants
        if grant is not None and grant.state != Grant.State.ENDED
    ]


def unconnected(providers: list[Provider], connections: list[Connection]) -> list[Provider]:
    """The providers among these to which the store is not connected yet."""
    taken = {each.grant.provider for each in connections}
    return [each for each in providers if each.name not in taken]


def replaced_by(*, store: Store, provider: Provider) -> list[Credential]:
    """The live credentials of a store whose place a connection to this provider takes."""
    live = Credential.objects.filter(
        keychain_id=store.pk, state__in=Credential.LIVE_STATES
    ).order_by("created_at")
    names = {provider.name, f"{provider.name}{LEGACY_SUFFIX}"}
    return [each for each in live if each.endpoint.partition("/")[0] in names]


def expected_account(*, store: Store, provider: Provider) -> str:
    """The account that a connection must lead to; empty when it is the store's first.

    A disconnected grant does not bind: who disconnects may choose anew.
    """
    grants = Grant.objects.filter(
        credential__keychain_id=store.pk,
        provider=provider.name,
        credential__state__in=Credential.LIVE_STATES,
    )
    known = grants.values_list("account", flat=True).first()
    if known is not None:
        return known
    has_key = any(
        each.kind == Credential.Kind.BASIC for each in replaced_by(store=store, provider=provider)
    )
    return str(store.shop_id) if has_key and store.shop_id else ""


def consent_for(*, user: User, store: Store, consent_id: UUID) -> Consent:
    """One consent of the person for the store.

    Raises:
        UnknownRecordError: no such consent, or another's.
    """
    try:
        return Consent.objects.select_related("store").get(pk=consent_id, store=store, user=user)
    except Consent.DoesNotExist:
        raise UnknownRecordError from None


def scope_rows(*, provider: Provider, granted: str) -> list[ScopeRow]:
    """The required permissions beside what was granted."""
    names = granted.split()
    return [
        ScopeRow(
            label=scope_label(scope),
            name=scope.name,
            cell=_cell(name=scope.name, granted=names),
        )
        for scope in provider.scopes
    ]


def _cell(*, name: str, granted: list[str]) -> str:
    if not granted:
        return "unchecked"
    return "allowed" if name in granted else "missing"


def _connection(*, grant: Grant, now: datetime) -> Connection:
    credential = grant.credential
    provider = PROVIDERS[grant.provider]
    until = credential.valid_until
    is_lent = credential.state == Credential.State.ACTIVE and until is not None and until > now
    missing = [scope_label(scope) for scope in provider.missing_scopes(grant.scope_names)]
    if not grant.scope_names:
        missing = []
    if grant.state == Grant.State.LOST:
        standing = "act" if is_lent else "broken"
    elif credential.state != Credential.State.ACTIVE:
        standing = "broken"
    else:
        standing = "act" if missing else "ok"
    return Connection(
        grant=grant,
        title=provider.title,
        standing=standing,
        act_by=until if grant.state == Grant.State.LOST and is_lent else None,
        missing=missing,
    )
