"""The providers as this installation reaches them, and the operator's registrations there."""

import uuid
from functools import lru_cache

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, QuerySet, Subquery
from pydantic import SecretStr

from keyvault import vault
from keyvault.audit import Action, record
from lightspeed.oauth.install import APP_NAME
from lightspeed.oauth.provider import Provider
from lightspeed.oauth.registry import PROVIDERS
from lightspeed.oauth.tokens import OAuthClient
from lightspeed.outbound.addresses import allowed_addresses
from lightspeed.outbound.transport import OutboundTransport
from onboarding.errors import ProviderClosedError, UnknownRecordError
from onboarding.models import ProviderClient, Store, User
from onboarding.people.selectors import actor_for

SECRET_FIELD = "client-secret"  # noqa: S105  # the name of a column


def provider_named(name: str) -> Provider:
    """A provider, at the simulator where the settings say so.

    Raises:
        UnknownRecordError: there is none of that name.
    """
    try:
        provider = PROVIDERS[name]
    except KeyError:
        raise UnknownRecordError from None
    origin = settings.LIGHTSPEED_OAUTH_ORIGIN
    return provider.moved_to(origin) if origin else provider


def open_providers() -> list[Provider]:
    """The providers that merchants may connect to now. One query."""
    opened = set(ProviderClient.objects.filter(is_open=True).values_list("provider", flat=True))
    return [provider_named(name) for name in PROVIDERS if name in opened]


def with_open_providers(stores: QuerySet[Store]) -> QuerySet[Store]:
    """Stores that bring along which providers are open, for `open_providers_beside`.

    And `app_start_url`, where the partner app is installed; None or empty while it cannot be.
    """
    rows = ProviderClient.objects.filter(is_open=True)
    return stores.annotate(
        app_start_url=Subquery(rows.filter(provider=APP_NAME).values("start_url")[:1]),
        **{_column(name): Exists(rows.filter(provider=name)) for name in PROVIDERS},
    )


def open_providers_beside(store: Store) -> list[Provider]:
    """The same as `open_providers`, out of a store of `with_open_providers`. No query."""
    return [provider_named(name) for name in PROVIDERS if getattr(store, _column(name))]


def _column(name: str) -> str:
    return f"is_open_{name.replace('-', '_')}"


def app_start_url() -> str:
    """Where merchants begin to install the partner app; empty while they cannot. One query."""
    rows = ProviderClient.objects.filter(provider=APP_NAME, is_open=True)
    return rows.values_list("start_url", flat=True).first() or ""


def client_of(name: str) -> OAuthClient:
    """The operator's registration at a provider. Two queries.

    Raises:
        ProviderClosedError: staff have not entered one.
        keyvault.errors.VaultError: its secret cannot be opened.
    """
    row = ProviderClient.objects.filter(provider=name).first()
    if row is None:
        raise ProviderClosedError
    secret = vault.open_value(
        keychain_id=vault.system_keychain().pk,
        record_id=row.record_id,
        field=SECRET_FIELD,
        sealed=row.sealed_secret,
        version=row.version,
    )
    return OAuthClient(client_id=row.client_id, secret=secret)


@transaction.atomic
def register_client(
    *,
    provider: str,
    client_id: str,
    secret: SecretStr | None,
    is_open: bool,
    user: User,
    start_url: str = "",
) -> ProviderClient:
    """Keeps what the vendor gave the operator; a blank secret leaves the present one.

    Args:
        provider: a name in `PROVIDERS`, or that of the partner app.
        client_id: as the vendor gave it.
        secret: as the vendor gave it; None: unchanged.
        is_open: whether merchants may connect.
        user: the member of staff; recorded.
        start_url: where merchants begin, if that is not here: the partner app's page.

    Returns:
        The registration.

    Raises:
        UnknownRecordError: no such provider, or no secret yet and none given.
        keyvault.errors.VaultError: the secret cannot be sealed; nothing was changed.
    """
    if provider != APP_NAME:
        provider_named(provider)
    keychain = vault.system_keychain()
    row = ProviderClient.objects.select_for_update().filter(provider=provider).first()
    if row is None and secret is None:
        raise UnknownRecordError
    row = row or ProviderClient(provider=provider, record_id=uuid.uuid4(), version=0)
    if secret is not None:
        row.version += 1
        row.sealed_secret = vault.seal_value(
            keychain_id=keychain.pk,
            record_id=row.record_id,
            field=SECRET_FIELD,
            value=secret,
            version=row.version,
        )
    row.client_id, row.is_open, row.entered_by = client_id, is_open, user
    row.start_url = start_url
    row.save()
    record(
        action=Action.CLIENT_REGISTERED,
        actor=actor_for(user),
        keychain_id=keychain.pk,
        subject=f"provider:{provider}",
        facts={"is_open": is_open, "new_secret": secret is not None},
    )
    return row


def transport() -> OutboundTransport:
    """The way out that all threads share."""
    return _transport(tuple(settings.LIGHTSPEED_ALLOWED_ADDRESSES))


@lru_cache(maxsize=4)
def _transport(places: tuple[str, ...]) -> OutboundTransport:
    return OutboundTransport(allowed_addresses=allowed_addresses(places))
