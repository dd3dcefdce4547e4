"""What the renewal benchmark stands on: Django, a keyring, the operator's clients, grants.

Everything here runs after `prepare`, which sets Django up in whatever process it is called.
"""

import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from simulator.running import RunningSimulator

SHOP = "corner-shop"
# No request is sent with these tokens, so any windows will do.
LIMITS = ((90, 90),)


def prepare(url: str) -> None:
    """Sets Django up against the simulator; in each process once."""
    import django  # noqa: PLC0415 - after the environment
    from django.conf import settings  # noqa: PLC0415

    django.setup()
    settings.LIGHTSPEED_OAUTH_ORIGIN = url
    settings.LIGHTSPEED_ALLOWED_ADDRESSES = [url.removeprefix("http://")]
    settings.KEYVAULT_ENDPOINTS = {
        **settings.KEYVAULT_ENDPOINTS,
        "retail-r": f"{url}/",
        "retail-x": f"{url}/",
    }


def make_keyring() -> None:
    """A keyring, where there is none."""
    from django.conf import settings  # noqa: PLC0415 - Django is set up

    from keyvault.kek.local import create_keyring  # noqa: PLC0415

    path = Path(settings.KEYVAULT_KEYRING)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        create_keyring(path)


def register_clients() -> None:
    """The simulator's own clients as the operator's."""
    from pydantic import SecretStr  # noqa: PLC0415 - Django is set up

    from onboarding.models import User  # noqa: PLC0415
    from onboarding.oauth.providers import register_client  # noqa: PLC0415
    from simulator.retail.clients import DEFAULT_SECRET  # noqa: PLC0415

    user, _ = User.objects.get_or_create(email="benchmark@example.test")
    for series in ("r", "x"):
        register_client(
            provider=f"retail-{series}",
            client_id=f"latchkey-{series}",
            secret=SecretStr(DEFAULT_SECRET),
            is_open=True,
            user=user,
        )


def connect(simulator: "RunningSimulator", series: str) -> tuple[UUID, UUID]:
    """A store with a grant of a new family; gives keychain and credential."""
    from pydantic import SecretStr  # noqa: PLC0415 - Django is set up

    from keyvault import vault  # noqa: PLC0415
    from keyvault.audit import SYSTEM  # noqa: PLC0415
    from keyvault.models import Keychain  # noqa: PLC0415
    from keyvault.renewal import AccountRef, TokenPair, store_grant  # noqa: PLC0415

    given = simulator.retail(lambda control: control.consent({"series": series}))
    keychain = vault.create_keychain(kind=Keychain.Kind.STORE, label="Benchmark", actor=SYSTEM)
    credential = store_grant(
        keychain_id=keychain.pk,
        account=AccountRef(
            provider=f"retail-{series}",
            account=f"benchmark-{secrets.token_hex(8)}",
            shop=SHOP if series == "x" else "",
        ),
        account_name="Corner Shop",
        pair=TokenPair(
            access_token=SecretStr(str(given["access_token"])),
            refresh_token=SecretStr(str(given["refresh_token"])),
            expires_in_seconds=float(str(given["expires_in"])),
        ),
        name="Corner Shop",
        limits=LIMITS,
        actor=SYSTEM,
    )
    return keychain.pk, credential.pk


def bare_call(simulator: "RunningSimulator") -> Callable[[], object]:
    """Makes ready one token call on a family of its own, through the same client; call it."""
    from pydantic import SecretStr  # noqa: PLC0415 - Django is set up

    from keyvault.renewal import AccountRef  # noqa: PLC0415
    from onboarding.oauth.renewer import RENEWER  # noqa: PLC0415

    pair = simulator.retail(lambda control: control.consent({"series": "x"}))
    account = AccountRef(provider="retail-x", account=SHOP, shop=SHOP)
    token = SecretStr(str(pair["refresh_token"]))
    return lambda: RENEWER.renew(account=account, refresh_token=token, seconds=30)


def let_run_out(credential_id: UUID, *, is_dead: bool = True) -> None:
    """Makes the present access token too old to be lent; `is_dead`: the vendor's time is over, too.

    Between the two lies the time in which a token whose renewal came to nothing still opens the
    vendor's API.
    """
    from django.utils import timezone  # noqa: PLC0415 - Django is set up

    from keyvault.models import Credential, Grant  # noqa: PLC0415

    past = timezone.now() - timedelta(seconds=1)
    ends = past if is_dead else past + timedelta(minutes=5)
    Grant.objects.filter(pk=credential_id).update(access_expires_at=ends)
    Credential.objects.filter(pk=credential_id).update(valid_until=past)


def let_claim_run_out(credential_id: UUID) -> None:
    """Spares the wait for a dead process's claim."""
    from django.utils import timezone  # noqa: PLC0415 - Django is set up

    from keyvault.models import Grant  # noqa: PLC0415

    Grant.objects.filter(pk=credential_id).update(claimed_until=timezone.now())


def state_of(credential_id: UUID) -> str:
    """How the grant stands: active, unknown, lost, ended."""
    from keyvault.models import Grant  # noqa: PLC0415 - Django is set up

    return Grant.objects.get(pk=credential_id).state
