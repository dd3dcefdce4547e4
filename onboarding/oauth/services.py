"""From the button on the store page to a stored grant.

    start_consent    makes state and verifier, and the vendor's address
    take_callback    claims the state, exchanges the code, identifies the account, compares scopes
    store_consent    the merchant has checked: the grant takes the place of what was there before
    give_up          the merchant has not, or half an hour is over

The pair is made durable before its first use, which is asking for the account: until then the
R-Series would still take the old refresh token, afterwards not.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from keyvault import renewal, vault
from keyvault.audit import Action, record
from keyvault.errors import RefreshFailedError, RefreshRefusedError
from keyvault.events import Event, emit
from keyvault.models import Credential, Grant
from keyvault.renewal import AccountRef
from lightspeed.errors import VendorError
from lightspeed.oauth.account import RetailAccount, bearer, read_account
from lightspeed.oauth.consent import ConsentAnswer, ask_consent, read_callback
from lightspeed.oauth.errors import (
    CallbackError,
    ClientRefusedError,
    ConsentDeniedError,
    GrantRefusedError,
    ScopeRefusedError,
)
from lightspeed.oauth.provider import Provider
from lightspeed.oauth.tokens import TokenPair, exchange_code
from onboarding.errors import ConsentOverError, ProviderClosedError
from onboarding.models import Consent, Recipient, Store, User
from onboarding.oauth.outcomes import Outcome
from onboarding.oauth.pairs import open_pair, open_verifier, seal_pair, seal_verifier
from onboarding.oauth.providers import client_of, open_providers, provider_named, transport
from onboarding.oauth.renewer import RENEWER
from onboarding.oauth.selectors import expected_account, replaced_by
from onboarding.people.selectors import actor_for

CONSENT_LIFETIME = timedelta(minutes=30)
State = Consent.State

_OUTCOMES: tuple[tuple[type[VendorError], Outcome], ...] = (
    (ConsentDeniedError, Outcome.DENIED),
    (ClientRefusedError, Outcome.OPERATOR),
    (ScopeRefusedError, Outcome.OPERATOR),
    (GrantRefusedError, Outcome.CODE_EXPIRED),
    (CallbackError, Outcome.UNUSABLE),
)


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


def note_opened(*, store: Store) -> None:
    """Notes for the campaigns that somebody looked at the way to the vendor."""
    _note_progress(store=store, column="opened_at")


def digest_of(*, state: str, session: str) -> str:
    """The form in which a state is kept: worth nothing in another session."""
    return hashlib.sha256(f"{state}|{session}".encode()).hexdigest()


def take_callback(
    *, provider_name: str, parameters: Mapping[str, str], user: User, session: str
) -> Consent:
    """Takes what the browser brought back, once. Open no transaction around it.

    Args:
        provider_name: whose address was called.
        parameters: the query, as it came.
        user: who is signed in.
        session: the secret of their session.

    Returns:
        The consent: waiting for the merchant, or failed with its outcome and nothing stored.

    Raises:
        ConsentOverError: the state is unknown, used, another session's or another person's.
    """
    consent = _claimed(
        provider_name=provider_name,
        digest=digest_of(state=parameters.get("state", ""), session=session),
        user=user,
    )
    provider = provider_named(consent.provider)
    now = timezone.now()
    if consent.expires_at <= now:
        return _fail(consent, Outcome.TOO_LATE)
    try:
        answer = read_callback(provider=provider, parameters=parameters)
        pair = _exchanged(consent=consent, provider=provider, answer=answer)
        _keep(consent=consent, pair=pair, answer=answer, now=now)
        account = read_account(
            provider=provider,
            authorization=bearer(pair.access_token),
            shop=answer.shop,
            transport=transport(),
        )
    except VendorError as error:
        return _fail(consent, _outcome_of(error))
    return _judge(consent=consent, provider=provider, account=account)


def _claimed(*, provider_name: str, digest: str, user: User) -> Consent:
    mine = Consent.objects.filter(
        state_digest=digest, provider=provider_name, user=user, state=State.ASKED
    )
    consent = mine.select_related("store").first()
    if consent is None or not mine.update(state=State.ANSWERED):
        raise ConsentOverError
    consent.state = State.ANSWERED
    return consent


def _exchanged(*, consent: Consent, provider: Provider, answer: ConsentAnswer) -> TokenPair:
    return exchange_code(
        provider=provider,
        client=client_of(provider.name),
        code=answer.code,
        verifier=open_verifier(consent=consent),
        redirect_uri=consent.redirect_uri,
        shop=answer.shop,
        transport=transport(),
    )


def _keep(*, consent: Consent, pair: TokenPair, answer: ConsentAnswer, now: datetime) -> None:
    with transaction.atomic():
        consent.sealed_pair = seal_pair(
            consent=consent, access_token=pair.access_token, refresh_token=pair.refresh_token
        )
        consent.access_expires_at = now + timedelta(seconds=pair.expires_in_seconds)
        consent.scopes = " ".join(pair.scopes)
        consent.shop = answer.shop
        consent.save()
    _note_progress(store=consent.store, column="authorised_at")


def _judge(*, consent: Consent, provider: Provider, account: RetailAccount) -> Consent:
    """Compares account and scopes with what the store needs."""
    consent.account, consent.account_name = account.id, account.name
    if consent.shop and account.id != consent.shop:
        return _fail(consent, Outcome.UNUSABLE)
    expected = expected_account(store=consent.store, provider=provider)
    if expected and account.id != expected:
        return _fail(consent, Outcome.WRONG_ACCOUNT)
    replaces = replaced_by(store=consent.store, provider=provider)
    fingerprint = vault.account_fingerprint(provider=provider.name, account=account.id)
    taken = vault.find_duplicate(keychain_id=consent.store_id, fingerprint=fingerprint)
    if taken == "elsewhere":
        return _fail(consent, Outcome.IN_USE)
    granted = tuple(consent.scopes.split())
    if granted and provider.missing_scopes(granted):
        return _fail(consent, Outcome.MISSING_SCOPES)
    consent.state, consent.outcome = State.WAITING, Outcome.PASSED
    consent.replaces = [str(each.pk) for each in replaces]
    consent.save()
    return consent


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
        _note_progress(store=consent.store, column="verified_at")
        if any(each.kind == Credential.Kind.BASIC for each in replaces):
            data = {"credential": str(credential.pk), "provider": consent.provider}
            emit(event=Event.STORE_MIGRATED, keychain_id=consent.store_id, data=data)
    return credential


def give_up(*, consent: Consent, outcome: Outcome = Outcome.CANCELLED) -> Consent:
    """Shreds the pair of a consent that waits; ends it at the vendor where that harms nothing.

    Where the account is connected already the vendor is left alone: ending the new grant may end
    the one in use.
    """
    if consent.state not in (State.WAITING, State.ASKED, State.ANSWERED):
        return consent
    return _fail(consent, outcome)


def delete_expired_consents(now: datetime) -> int:
    """Gives up the consents that have had their time; for a duty.

    Returns:
        How many there were.
    """
    over = Consent.objects.filter(
        state__in=(State.ASKED, State.ANSWERED, State.WAITING), expires_at__lte=now
    ).select_related("store", "user")[:100]
    return len([give_up(consent=each, outcome=Outcome.TOO_LATE) for each in over])


def disconnect(*, store: Store, credential_id: UUID, user: User) -> None:
    """Ends a connection at the vendor and shreds it here; see `keyvault.renewal.end_grant`."""
    renewal.end_grant(credential_id=credential_id, keychain_id=store.pk, actor=actor_for(user))


def _outcome_of(error: VendorError) -> Outcome:
    for kind, outcome in _OUTCOMES:
        if isinstance(error, kind):
            return outcome
    return Outcome.UNAVAILABLE


def _fail(consent: Consent, outcome: Outcome) -> Consent:
    sealed = consent.sealed_pair
    if sealed and not _is_connected(consent):
        _revoke(consent)
    consent.state, consent.outcome, consent.sealed_pair = State.FAILED, outcome, b""
    consent.save()
    record(
        action=Action.VERIFICATION_FAILED,
        actor=actor_for(consent.user),
        keychain_id=consent.store_id,
        subject=f"consent:{consent.pk}",
        facts={"provider": consent.provider, "outcome": outcome.value},
    )
    return consent


def _is_connected(consent: Consent) -> bool:
    return Grant.objects.filter(
        provider=consent.provider,
        account=consent.account,
        credential__state__in=Credential.LIVE_STATES,
    ).exists()


def _revoke(consent: Consent) -> None:
    pair = open_pair(consent=consent, now=timezone.now())
    account = AccountRef(provider=consent.provider, account=consent.account, shop=consent.shop)
    try:
        RENEWER.revoke(account=account, refresh_token=pair.refresh_token, seconds=5)
    except (RefreshFailedError, RefreshRefusedError):
        # It is shredded here in any case, and dies unused at the vendor.
        return


def _note_progress(*, store: Store, column: str) -> None:
    """Moves the store on in the funnels of the campaigns that it is part of."""
    mine = Recipient.objects.filter(store=store, **{f"{column}__isnull": True})
    mine.update(**{column: timezone.now()})
