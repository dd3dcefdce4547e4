"""The vendor's signed call of the partner app: taken once, kept sealed, given up in time.

    take_install      checks signature and time, uses the call up, seals the secret
    install_stores.py the merchant says which store it is for: checked live, then stored
    take_uninstall    the shop took the app out: what it had given is destroyed

The call comes without anything that we had asked for, so nothing binds it to a person but their own
word: a merchant sees the shop's number and confirms, and a store that is another shop's refuses it.
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from pydantic import SecretStr

from keyvault import vault
from keyvault.audit import SYSTEM
from keyvault.models import Credential
from lightspeed.oauth.errors import CallbackError, CallTooOldError
from lightspeed.oauth.install import APP_NAME, Ending, Install, read_ending, read_install
from onboarding.errors import InstallRefusedError, ProviderClosedError
from onboarding.models import AppInstall, ProviderClient
from onboarding.oauth.install_outcomes import InstallOutcome
from onboarding.oauth.letters import tell_uninstalled
from onboarding.oauth.providers import client_of

INSTALL_LIFETIME = timedelta(hours=24)
SECRET_FIELD = "app-install-secret"  # noqa: S105  # the name of a column
State = AppInstall.State


@dataclass(frozen=True, slots=True)
class InstallPlace:
    """How an installation is told apart: the shop, wherever its key came from."""

    cluster: str
    shop_id: int

    @property
    def fingerprint(self) -> str:
        """Keyed; of the shop, since all shops share the operator's one app key."""
        return vault.account_fingerprint(
            provider=APP_NAME, account=f"{self.cluster}/{self.shop_id}"
        )


def take_install(parameters: Mapping[str, str]) -> AppInstall:
    """Takes a call of the success address, once; asks nothing of the vendor.

    Args:
        parameters: the query, as it came.

    Returns:
        The installation: sealed, without a store yet.

    Raises:
        InstallRefusedError: staff closed it, the call is not the vendor's or too old, or it was
            used before; nothing was stored.
        keyvault.errors.VaultError: it cannot be sealed; the call can be shown again.
    """
    if not ProviderClient.objects.filter(provider=APP_NAME, is_open=True).exists():
        raise InstallRefusedError(InstallOutcome.CLOSED)
    app = client_of(APP_NAME)
    now = timezone.now()
    try:
        found = read_install(
            parameters=parameters,
            app_key=SecretStr(app.client_id),
            app_secret=app.secret,
            now=now.timestamp(),
        )
    except CallbackError as error:
        raise InstallRefusedError(_refusal(error)) from None
    return _keep(found, digest=digest_of_call(parameters), now=now)


def digest_of_call(parameters: Mapping[str, str]) -> str:
    """The form in which a call is remembered."""
    return hashlib.sha256(parameters.get("signature", "").lower().encode()).hexdigest()


def _keep(found: Install, *, digest: str, now: datetime) -> AppInstall:
    row = AppInstall(
        id=uuid.uuid4(),
        call_digest=digest,
        shop_id=found.shop_id,
        language=found.language,
        cluster=found.cluster,
        called_at=datetime.fromtimestamp(found.called_at, tz=UTC),
        expires_at=now + INSTALL_LIFETIME,
    )
    try:
        with transaction.atomic():
            row.sealed_secret = vault.seal_value(
                keychain_id=vault.system_keychain().pk,
                record_id=row.pk,
                field=SECRET_FIELD,
                value=found.secret,
            )
            row.save(force_insert=True)
    except IntegrityError:
        raise InstallRefusedError(InstallOutcome.USED) from None
    return row


def open_secret(install: AppInstall) -> SecretStr:
    """The secret of an installation that waits. Two queries."""
    return vault.open_value(
        keychain_id=vault.system_keychain().pk,
        record_id=install.pk,
        field=SECRET_FIELD,
        sealed=install.sealed_secret,
    )


def give_up_install(
    install: AppInstall, *, outcome: InstallOutcome = InstallOutcome.CANCELLED
) -> bool:
    """Deletes the secret of an installation that waits; says whether there was one."""
    waiting = AppInstall.objects.filter(pk=install.pk, state=State.ARRIVED)
    return bool(waiting.update(state=State.FAILED, outcome=outcome.value, sealed_secret=b""))


def delete_expired_installs(now: datetime) -> int:
    """Gives up the installations that have had their time; for a duty."""
    over = AppInstall.objects.filter(state=State.ARRIVED, expires_at__lte=now)[:100]
    return sum(give_up_install(each, outcome=InstallOutcome.OVER) for each in over)


def take_uninstall(parameters: Mapping[str, str]) -> int:
    """Destroys what a shop's installations gave, as far as they came before this call.

    The people of the store are told by mail: somebody may have taken the app out by mistake.
    A call that is shown again finds nothing; one from before a new installation leaves that alone.
    Each credential goes in a transaction of its own.

    Returns:
        How many credentials were destroyed.

    Raises:
        InstallRefusedError: the call is not the vendor's, or too old; nothing changed.
    """
    ending = _ending(parameters)
    before = AppInstall.objects.filter(
        shop_id=ending.shop_id, called_at__lte=datetime.fromtimestamp(ending.called_at, tz=UTC)
    ).select_related("credential")
    for waiting in before.filter(state=State.ARRIVED):
        give_up_install(waiting, outcome=InstallOutcome.UNINSTALLED)
    stored = [each.credential for each in before.filter(state=State.STORED)]
    return sum(_destroy(credential) for credential in stored if credential is not None)


@transaction.atomic
def _destroy(credential: Credential) -> bool:
    """Who destroys the key writes the letters; of two calls at once, one does."""
    live = Credential.objects.select_for_update(no_key=True).exclude(state=Credential.State.REVOKED)
    if not live.filter(pk=credential.pk).exists():
        return False
    vault.set_state(
        credential_id=credential.pk,
        keychain_id=credential.keychain_id,
        to=Credential.State.REVOKED,
        actor=SYSTEM,
        reason="uninstalled",
    )
    tell_uninstalled(credential)
    return True


def take_cancel(parameters: Mapping[str, str]) -> None:
    """Checks a call of the cancel address; there is nothing to undo.

    Raises:
        InstallRefusedError: the call is not the vendor's, or too old.
    """
    _ending(parameters)


def _ending(parameters: Mapping[str, str]) -> Ending:
    try:
        app = client_of(APP_NAME)
    except ProviderClosedError:
        raise InstallRefusedError(InstallOutcome.CLOSED) from None
    try:
        return read_ending(
            parameters=parameters, app_secret=app.secret, now=timezone.now().timestamp()
        )
    except CallbackError as error:
        raise InstallRefusedError(_refusal(error)) from None


def _refusal(error: CallbackError) -> InstallOutcome:
    is_old = isinstance(error, CallTooOldError)
    return InstallOutcome.TOO_OLD if is_old else InstallOutcome.FORGED
