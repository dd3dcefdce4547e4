"""Demo data for a try-out: accounts, stores, and keys that the running simulator knows.

Everything is made through the same services as the pages, so a demo store is a real one.
"""

import json
import secrets
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from pydantic import SecretStr

from keyvault.audit import Actor
from keyvault.leases.backends import Scope, create_backend, create_token, digest_of
from keyvault.models import Backend, BackendToken, Credential
from keyvault.vault import fingerprint
from lightspeed.pasted import Pasted
from onboarding.errors import OnboardingError
from onboarding.management.providers import register_at_simulator
from onboarding.models import Merchant, Store, Submission, User
from onboarding.people.second_step import enrol_codes, has_second_step
from onboarding.people.services import create_merchant, create_person
from onboarding.stores.services import create_store
from onboarding.submission.services import check_submission, store_submission, submit_pair

ACTOR = Actor(kind="command", id="demo")
MERCHANT_EMAIL = "merchant@demo.example.test"
STAFF_EMAIL = "staff@demo.example.test"
BULK_EMAIL = "stores@demo.example.test"
BACKEND_NAME = "demo backend"
WEAK_PERMISSION = ("orders", "write")
CONTROL_SECONDS = 10
TOKEN_DAYS = 365
# Shop ids of demo shops, random in this range so that two runs hardly ever meet.
SHOP_IDS = range(10**6, 10**12)


class DemoError(OnboardingError):
    """The demo cannot be made; the message names the next step."""

    code = "demo"


@dataclass(frozen=True, slots=True)
class Pair:
    """A key and secret that the simulator knows."""

    key: SecretStr
    secret: SecretStr

    def shown(self) -> dict[str, str]:
        """The plain pair, for the file that the person at the keyboard reads."""
        return {"key": self.key.get_secret_value(), "secret": self.secret.get_secret_value()}


def new_pair(*, shop_id: int, lacking: tuple[str, str] | None = None) -> Pair:
    """Make a pair at the simulator.

    Args:
        shop_id: the shop that the key belongs to.
        lacking: a permission, group and action, that the key does not have.

    Raises:
        DemoError: the simulator does not answer.
    """
    pair = Pair(key=SecretStr(secrets.token_hex(16)), secret=SecretStr(secrets.token_hex(16)))
    facts: dict[str, Any] = {**pair.shown(), "shop_id": shop_id, "language": ["en", "nl"]}
    if lacking is not None:
        group, action = lacking
        facts["permissions"] = {group: {"read": True, "write": True, action: False}}
    _tell_simulator("keys", facts)
    return pair


def _tell_simulator(what: str, facts: Mapping[str, Any]) -> None:
    address = f"{settings.KEYVAULT_ENDPOINTS['ecom-eu1']}_sim/{what}"
    request = urllib.request.Request(  # noqa: S310  # the simulator's own http address
        address, json.dumps(facts).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=CONTROL_SECONDS):  # noqa: S310
            return
    except (urllib.error.URLError, OSError):
        message = f"The simulator does not answer at {address}. Start it with: make run"
        raise DemoError(message) from None


def add_key(*, store: Store, user: User, pair: Pair, name: str) -> Credential:
    """Bring a pair into the vault on the merchant's own way: paste, check, store.

    Raises:
        DemoError: the check did not pass.
    """
    submission = submit_pair(
        submission_id=uuid.uuid4(),
        store=store,
        user=user,
        actor=ACTOR,
        pasted=Pasted(key=pair.key, secret=pair.secret, remarks=()),
        name=name,
    )
    check_submission(submission=submission, actor=ACTOR)
    submission.refresh_from_db()
    if submission.state != Submission.State.PASSED:
        message = f"The demo's key was not accepted by the simulator ({submission.state})."
        raise DemoError(message)
    return store_submission(submission=submission, actor=ACTOR)


def add_stores(*, stores: int, keys: int) -> Iterator[Store]:
    """Add stores of the demo's second merchant, each with verified keys.

    Args:
        stores: how many.
        keys: how many each.

    Yields:
        Each store once it is whole.

    Raises:
        DemoError: the simulator does not answer.
    """
    user = User.objects.filter(email=BULK_EMAIL).first() or create_person(email=BULK_EMAIL)
    merchant = Merchant.objects.filter(members__user=user).first() or create_merchant(
        name="Many stores", owner=user, actor=ACTOR
    )
    for number in range(merchant.stores.count() + 1, merchant.stores.count() + stores + 1):
        store = _demo_store(merchant=merchant, name=f"Demo store {number}")
        shop_id = _new_shop_id()
        for key in range(1, keys + 1):
            add_key(
                store=store,
                user=user,
                pair=new_pair(shop_id=shop_id),
                name=f"{store.app_name} {key} of {keys}",
            )
        yield store


def first_run(*, earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Make the accounts, the store and the backend of a try-out, or find those of the last start.

    Args:
        earlier: what this function returned at the last start; what is missing in it is made anew,
            with a new password or token where the old one cannot be known.

    Returns:
        The facts for `demo.json`, plain passwords and secrets included.

    Raises:
        DemoError: the simulator does not answer.
    """
    merchant_facts = _account(email=MERCHANT_EMAIL, earlier=earlier.get("merchant"))
    staff_facts = _account(email=STAFF_EMAIL, earlier=earlier.get("staff"), is_staff=True)
    staff = User.objects.get(email=STAFF_EMAIL)
    register_at_simulator(user=staff, tell=_tell_simulator)
    user = User.objects.get(email=MERCHANT_EMAIL)
    merchant = Merchant.objects.filter(members__user=user).first() or create_merchant(
        name="Bloem & Blad", owner=user, actor=ACTOR
    )
    store = merchant.stores.first() or _demo_store(merchant=merchant, name="Bloem & Blad")
    shop_id = store.shop_id or _new_shop_id()
    if not store.keychain.credentials.filter(state__in=Credential.LIVE_STATES).exists():
        pair = new_pair(shop_id=shop_id)
        add_key(store=store, user=user, pair=pair, name=f"{store.app_name} 1 of 1")
    weak = {"missing": ".".join(WEAK_PERMISSION)}
    return {
        "url": f"http://127.0.0.1:{settings.ENVIRONMENT.port}",
        "staff": staff_facts,
        "merchant": {**merchant_facts, "store_id": str(store.pk)},
        "good_key": _unstored(earlier.get("good_key")) or new_pair(shop_id=shop_id).shown(),
        "weak_key": _unstored(earlier.get("weak_key"))
        or {**new_pair(shop_id=shop_id, lacking=WEAK_PERMISSION).shown(), **weak},
        "backend_token": _backend_token(earlier=earlier.get("backend_token")),
    }


def _demo_store(*, merchant: Merchant, name: str) -> Store:
    return create_store(
        merchant=merchant,
        name=name,
        app_name=f"{merchant.name} app",
        cluster=Store.Cluster.EU1,
        language="en",
        actor=ACTOR,
    )


def _new_shop_id() -> int:
    return SHOP_IDS.start + secrets.randbelow(len(SHOP_IDS))


def _unstored(earlier: Any) -> dict[str, str] | None:  # noqa: ANN401  # read from a file
    """The pair of the last start, unless somebody has stored it since."""
    if not isinstance(earlier, dict) or "key" not in earlier:
        return None
    mark = fingerprint(SecretStr(earlier["key"]))
    return None if Credential.objects.filter(fingerprint=mark).exists() else earlier


@transaction.atomic
def _account(*, email: str, earlier: Any, is_staff: bool = False) -> dict[str, str]:  # noqa: ANN401
    password = earlier.get("password", "") if isinstance(earlier, dict) else ""
    user = User.objects.filter(email=email).first()
    if user is None:
        password = password or secrets.token_urlsafe(12)
        create_person(
            email=email, password=SecretStr(password), is_staff=is_staff, is_superuser=is_staff
        )
    elif not user.check_password(password):
        password = secrets.token_urlsafe(12)
        user.set_password(password)
        user.save(update_fields=["password"])
    facts = {"email": email, "password": password}
    if is_staff:
        facts["totp_secret"] = _codes_of(User.objects.get(email=email), earlier=earlier)
    return facts


def _codes_of(user: User, *, earlier: Any) -> str:  # noqa: ANN401  # read from a file
    """The secret of the account's one-time codes: the panel asks staff for a second step."""
    known = earlier.get("totp_secret", "") if isinstance(earlier, dict) else ""
    if known and has_second_step(user):
        return str(known)
    Authenticator.objects.filter(user=user).delete()
    return enrol_codes(user=user).get_secret_value()


def _backend_token(*, earlier: Any) -> str:  # noqa: ANN401  # read from a file
    is_known = BackendToken.objects.filter(digest=digest_of(str(earlier)), revoked_at=None)
    if is_known.exists():
        return str(earlier)
    backend = Backend.objects.filter(name=BACKEND_NAME).first()
    if backend is None:
        made = create_backend(
            name=BACKEND_NAME, scopes=list(Scope), stores=None, days=TOKEN_DAYS, actor=ACTOR
        )
    else:
        made = create_token(backend_id=backend.pk, scopes=list(Scope), days=TOKEN_DAYS, actor=ACTOR)
    return made.token.get_secret_value()
