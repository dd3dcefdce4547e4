"""A vendor that rotates refresh tokens: no HTTP, every accident on demand."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from pydantic import SecretStr

from keyvault.errors import RefreshFailedError, RefreshRefusedError
from keyvault.models import Credential, Grant, Keychain
from keyvault.renewal import AccountRef, TokenPair, store_grant
from keyvault.renewal.claims import Claim, claim_grant, claimable_grant
from tests.keyvault import factories

LIMITS = ((90, 90),)


class KilledError(BaseException):
    """The process ends here."""


# What the vendor answers without doing anything, and what becomes of an answer.
BEFORE = {
    "down": RefreshFailedError(problem="unavailable", may_have_rotated=False),
    "busy": RefreshFailedError(
        problem="throttled", may_have_rotated=False, retry_after_seconds=600
    ),
}
AFTER = {
    "refused": RefreshRefusedError(),
    "lost": RefreshFailedError(problem="timeout", may_have_rotated=True),
    "killed": KilledError(),
}


@dataclass
class FakeVendor:
    """Knows one account's live refresh tokens.

    Attributes:
        single_use: ends a token with its first use.
        life_seconds: of an access token.
        accidents: what goes wrong with the next calls, in order.
        during: called while a call is under way.
    """

    single_use: bool = False
    life_seconds: float = 1800.0
    accidents: list[str] = field(default_factory=list)
    during: list[Callable[[], Any]] = field(default_factory=list)
    calls: int = 0
    live: set[str] = field(default_factory=set)
    revoked: list[str] = field(default_factory=list)
    scopes: tuple[str, ...] = ("sales:read",)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_single_use(self, provider: str) -> bool:
        return self.single_use

    def pair(self) -> TokenPair:
        token = f"refresh-{secrets.token_hex(8)}"
        self.live.add(token)
        return TokenPair(
            access_token=SecretStr(f"access-{secrets.token_hex(8)}"),
            refresh_token=SecretStr(token),
            expires_in_seconds=self.life_seconds,
            scopes=self.scopes,
        )

    def renew(self, *, account: AccountRef, refresh_token: SecretStr, seconds: float) -> TokenPair:
        with self.lock:
            self.calls += 1
        accident = self.accidents.pop(0) if self.accidents else ""
        if accident in BEFORE:
            raise BEFORE[accident]
        token = refresh_token.get_secret_value()
        if token not in self.live:
            raise RefreshRefusedError
        if self.single_use:
            self.live.discard(token)
        pair = self.pair()
        if self.during:
            self.during.pop(0)()
        if accident in AFTER:
            raise AFTER[accident]
        return pair

    def revoke(self, *, account: AccountRef, refresh_token: SecretStr, seconds: float) -> None:
        if self.accidents and self.accidents.pop(0) == "down":
            raise RefreshFailedError(problem="unavailable", may_have_rotated=False)
        if refresh_token.get_secret_value() not in self.live:
            raise RefreshRefusedError
        self.revoked.append(refresh_token.get_secret_value())

    def reset(self) -> None:
        self.__init__()  # type: ignore[misc]  # a fresh one in the same place


VENDOR = FakeVendor()


def connected(
    *, of: Keychain | None = None, account: str = "100001", replaces: tuple[Any, ...] = ()
) -> Credential:
    """A store's connection."""
    return store_grant(
        keychain_id=(of or factories.keychain()).pk,
        account=AccountRef(provider="retail-r", account=account),
        account_name="Corner Shop",
        pair=VENDOR.pair(),
        name="Corner Shop",
        limits=LIMITS,
        actor=factories.OWNER,
        replaces=replaces,
    )


def age(credential: Credential, *, to: str) -> Grant:
    """Move a grant's times: `due`, `stale` (not to be lent) or `expired`."""
    now = timezone.now()
    past = now - timedelta(seconds=1)
    grants = Grant.objects.filter(pk=credential.pk)
    grants.update(due_at=past)
    if to in ("stale", "expired"):
        Credential.objects.filter(pk=credential.pk).update(valid_until=past)
    if to == "expired":
        grants.update(access_expires_at=past)
    return grants.get()


def claimed(credential: Credential, *, now: datetime | None = None) -> Claim | None:
    """A claim on a credential's grant; None when it is not to be had."""
    now = now or timezone.now()
    grant = claimable_grant(credential_id=credential.pk, now=now)
    return claim_grant(grant=grant, now=now) if grant else None
