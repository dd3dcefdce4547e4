"""Which store an installation is for, and making a credential of it."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from pydantic import SecretStr

from keyvault import pool, vault
from keyvault.audit import Action, record
from keyvault.errors import DuplicateCredentialError
from keyvault.models import Credential
from keyvault.vault import ApiKeySecret
from lightspeed.oauth.install import APP_NAME
from lightspeed.ratelimits import WindowReading
from lightspeed.result import CheckResult
from onboarding.errors import InstallRefusedError
from onboarding.models import AppInstall, Store, User, Verification
from onboarding.oauth.install_outcomes import REPEATABLE, InstallOutcome, outcome_of
from onboarding.oauth.installs import InstallPlace, give_up_install, open_secret
from onboarding.oauth.providers import client_of
from onboarding.people.selectors import actor_for, stores_for
from onboarding.submission import vendor
from onboarding.submission.services.proof import keep_proved
from onboarding.submission.services.records import verification_of
from onboarding.submission.services.replace import note_replacement

State = AppInstall.State
CREDENTIAL_NAME = "Lightspeed app"


@dataclass(frozen=True, slots=True)
class Candidates:
    """The stores of a person that an installation can be for.

    Attributes:
        stores: the one whose shop it is; else those of which no shop is known yet.
        is_recognised: whether it is that one.
        is_without_stores: the person has no store at all.
    """

    stores: list[Store]
    is_recognised: bool
    is_without_stores: bool


def candidates(*, user: User, install: AppInstall) -> Candidates:
    """Where an installation can go. One query."""
    mine = list(stores_for(user))
    same = [each for each in mine if _is_shop_of(each, install=install)]
    unknown = [each for each in mine if each.shop_id is None]
    return Candidates(stores=same or unknown, is_recognised=bool(same), is_without_stores=not mine)


def _is_shop_of(store: Store, *, install: AppInstall) -> bool:
    return store.shop_id == install.shop_id and install.cluster in ("", store.cluster)


def waiting_install(*, install_id: str) -> AppInstall:
    """An installation that waits for its store.

    Raises:
        InstallRefusedError: it is over.
    """
    waiting = AppInstall.objects.filter(state=State.ARRIVED, expires_at__gt=timezone.now())
    mine = waiting.filter(pk=install_id) if install_id else waiting.none()
    found = mine.select_related("verification").first()
    if found is None:
        raise InstallRefusedError(InstallOutcome.OVER)
    return found


def replaced_by_install(*, install: AppInstall, store: Store) -> Credential | None:
    """The live credential of an earlier installation in the same shop. One query."""
    return Credential.objects.filter(
        keychain_id=store.pk,
        fingerprint=_place(install=install, store=store).fingerprint,
        state__in=Credential.LIVE_STATES,
    ).first()


def finish_install(*, install: AppInstall, store: Store, user: User) -> InstallOutcome:
    """Checks an installation live and stores it; asks the vendor, so open no transaction around it.

    Args:
        install: waits; is brought up to date.
        store: one of the person's.
        user: who says that it is for this store; recorded.

    Returns:
        `STORED`; or why nothing was stored. `MISSING` and `UNAVAILABLE` leave the secret sealed for
        another try, everything else deletes it.

    Raises:
        InstallRefusedError: somebody else was faster, or its time is over.
        keyvault.errors.VaultError: it cannot be opened or sealed; it can be tried again.
    """
    if not (store.shop_id is None or _is_shop_of(store, install=install)):
        return _end(install, outcome=InstallOutcome.WRONG_SHOP)
    place = _place(install=install, store=store)
    taken = vault.find_duplicate(keychain_id=store.pk, fingerprint=place.fingerprint)
    if taken == "elsewhere":
        return _end(install, outcome=InstallOutcome.IN_USE)
    pair = ApiKeySecret(key=SecretStr(client_of(APP_NAME).client_id), secret=open_secret(install))
    result = vendor.check_pair(
        pair=pair,
        endpoint=vendor.endpoint_of(place.cluster),
        language=install.language,
        expected_shop_id=install.shop_id,
    )
    outcome = outcome_of(result.outcome)
    verification = _note_check(install=install, store=store, result=result, user=user)
    if outcome in REPEATABLE:
        return outcome
    if outcome is not InstallOutcome.STORED:
        return _end(install, outcome=outcome)
    try:
        _store(install=install, store=store, pair=pair, verification=verification, user=user)
    except DuplicateCredentialError:
        return _end(install, outcome=InstallOutcome.IN_USE)
    return outcome


def _place(*, install: AppInstall, store: Store) -> InstallPlace:
    return InstallPlace(cluster=install.cluster or store.cluster, shop_id=install.shop_id)


def _end(install: AppInstall, *, outcome: InstallOutcome) -> InstallOutcome:
    give_up_install(install, outcome=outcome)
    return outcome


def _note_check(
    *, install: AppInstall, store: Store, result: CheckResult, user: User
) -> Verification:
    verification = verification_of(
        store=store,
        cluster=install.cluster or store.cluster,
        language=install.language,
        outcome=str(result.outcome),
        result=result,
        request_times=result.request_times,
    )
    passed = outcome_of(result.outcome) is InstallOutcome.STORED
    with transaction.atomic():
        verification.save(force_insert=True)
        install.verification = verification
        install.request_times = [*install.request_times, *verification.request_times]
        install.save(update_fields=["verification", "request_times"])
        record(
            action=Action.VERIFICATION_PASSED if passed else Action.VERIFICATION_FAILED,
            actor=actor_for(user),
            keychain_id=store.pk,
            subject=f"install:{install.pk}",
            facts={"outcome": str(result.outcome), "requests": len(result.request_times)},
        )
    return verification


@transaction.atomic
def _store(
    *,
    install: AppInstall,
    store: Store,
    pair: ApiKeySecret,
    verification: Verification,
    user: User,
) -> None:
    """One transaction that claims the installation and locks the store."""
    actor = actor_for(user)
    mine = AppInstall.objects.filter(pk=install.pk, state=State.ARRIVED)
    changes = {"outcome": InstallOutcome.STORED.value, "store": store, "user": user}
    if not mine.update(state=State.STORED, sealed_secret=b"", **changes):
        raise InstallRefusedError(InstallOutcome.OVER)
    row = Store.objects.select_for_update(no_key=True).get(pk=store.pk)
    if row.shop_id not in (None, install.shop_id):
        raise InstallRefusedError(InstallOutcome.WRONG_SHOP)
    old = replaced_by_install(install=install, store=row)
    if old is not None:
        vault.set_state(
            credential_id=old.pk,
            keychain_id=row.pk,
            to=Credential.State.REPLACED,
            actor=actor,
            reason="reinstalled",
        )
    place = _place(install=install, store=row)
    credential = vault.store_credential(
        keychain_id=row.pk,
        draft_id=None,
        secret=pair,
        name=CREDENTIAL_NAME,
        endpoint=vendor.endpoint_of(place.cluster),
        language=install.language,
        limits=[(seconds, limit) for seconds, limit in verification.limits],
        actor=actor,
        fingerprint=place.fingerprint,
    )
    if old is not None:
        note_replacement(store=row, old=old, new=credential)
    _seed(credential=credential, install=install, verification=verification)
    AppInstall.objects.filter(pk=install.pk).update(credential=credential)
    Verification.objects.filter(pk=verification.pk).update(credential=credential)
    if row.shop_id is None:
        keep_proved(
            store=row,
            shop_id=install.shop_id,
            cluster=place.cluster,
            language=install.language,
            actor=actor,
        )


def _seed(*, credential: Credential, install: AppInstall, verification: Verification) -> None:
    pool.seed(
        credential_id=credential.pk,
        request_times=[datetime.fromisoformat(each) for each in install.request_times],
        readings=[
            WindowReading(seconds=seconds, limit=limit, remaining=remaining, reset_seconds=reset)
            for seconds, limit, remaining, reset in verification.readings
        ],
        read_at=verification.at,
    )
