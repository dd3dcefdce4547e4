"""From the button on the store page to a stored grant.

    start_consent    makes state and verifier, and the vendor's address
    callback.py      claims the state, exchanges the code, identifies the account, compares scopes
    store_consent    the merchant has checked: the grant takes the place of what was there before
    ending.py        the merchant has not, or half an hour is over

The pair is made durable before its first use, which is asking for the account: until then the
R-Series would still take the old refresh token, afterwards not.
"""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from keyvault import renewal
from keyvault.audit import Action, record
from keyvault.events import Event, emit
from keyvault.models import Credential
from keyvault.renewal import AccountRef
from lightspeed.oauth.consent import ask_consent
from onboarding.errors import ConsentOverError, ProviderClosedError
from onboarding.models import Consent, Store, User
from onboarding.oauth.pairs import open_pair, seal_verifier
from onboarding.oauth.progress import digest_of, note_progress
from onboarding.oauth.providers import client_of, open_providers, provider_named
from onboarding.oauth.selectors import replaced_by
from onboarding.people.selectors import actor_for

CONSENT_LIFETIME = timedelta(minutes=30)
State = Consent.State


def start_consent(
    *, store: Store, user: User, provider_name: str, session: str, redirect_uri: str
) -> str:
    """Begins a way to the vendor.

    Args:
        store: what is to be connected; the caller has checked that the person may.
        user: the person; only they can finish it.
        provider_name: a name in `PROVIDERS`.
        session: a secret of the person's session; only that session can finish it.
        redirect_uri: where the vendor sends the person, as registered.

    Returns:
        The vendor's address.

    Raises:
        ProviderClosedError: staff have closed it or not entered a registration.
        keyvault.errors.VaultError: nothing was begun.
    """
    provider = provider_named(provider_name)
    if all(each.name != provider.name for each in open_providers()):
        raise ProviderClosedError
    asked = ask_consent(
        provider=provider,
        client_id=client_of(provider.name).client_id,
        redirect_uri=redirect_uri,
    )
    consent = Consent(
        store=store,
        user=user,
        provider=provider.name,
        state_digest=digest_of(state=asked.state.get_secret_value(), session=session),
        redirect_uri=redirect_uri,
        expires_at=timezone.now() + CONSENT_LIFETIME,
    )
    with transaction.atomic():
        consent.sealed_verifier = seal_verifier(consent=consent, verifier=asked.verifier)
        consent.save(force_insert=True)
    return asked.url


def note_platform(*, store: Store, platform: str) -> None:
    """Keeps what the merchant's web shop runs on; what is no such platform is left out."""
    if platform in Store.Platform.values and platform != store.platform:
        Store.objects.filter(pk=store.pk).update(platform=platform)
        store.platform = platform


def note_opened(*, store: Store) -> None:
    """Notes for the campaigns that somebody looked at the way to the vendor."""
    note_progress(store=store, column="opened_at")


def store_consent(*, consent: Consent) -> Credential:
    """Stores the grant that a merchant has checked; what it replaces is retired in place.

    One transaction: a form that is sent twice stores one grant.

    Raises:
        ConsentOverError: it is stored already, given up or too old.
        keyvault.errors.DuplicateCredentialError: somebody else was faster with this account.
    """
    now = timezone.now()
    provider = provider_named(consent.provider)
    actor = actor_for(consent.user)
    with transaction.atomic():
        mine = Consent.objects.filter(pk=consent.pk, state=State.WAITING, expires_at__gt=now)
        if not mine.update(state=State.STORED, sealed_pair=b""):
            raise ConsentOverError
        replaces = replaced_by(store=consent.store, provider=provider)
        credential = renewal.store_grant(
            keychain_id=consent.store_id,
            account=AccountRef(
                provider=consent.provider, account=consent.account, shop=consent.shop
            ),
            account_name=consent.account_name,
            pair=open_pair(consent=consent, now=now),
            name=consent.account_name or consent.account,
            limits=provider.limits,
            actor=actor,
            replaces=[each.pk for each in replaces],
        )
        record(
            action=Action.VERIFICATION_PASSED,
            actor=actor,
            keychain_id=consent.store_id,
            subject=f"credential:{credential.pk}",
            facts={"provider": consent.provider},
        )
        note_progress(store=consent.store, column="verified_at")
        if any(each.kind == Credential.Kind.BASIC for each in replaces):
            data = {"credential": str(credential.pk), "provider": consent.provider}
            emit(event=Event.STORE_MIGRATED, keychain_id=consent.store_id, data=data)
    return credential


def disconnect(*, store: Store, credential_id: UUID, user: User) -> None:
    """Ends a connection at the vendor and shreds it here; see `keyvault.renewal.end_grant`."""
    renewal.end_grant(credential_id=credential_id, keychain_id=store.pk, actor=actor_for(user))
