"""Codes, tokens and the families that they belong to, under either rotation rule.

A family is what one consent began. Each refresh adds a generation, a pair of an access and a
refresh token. Under `first-use` the generation before goes on living until the new access token is
first used; under `at-once` its refresh token dies with the refresh. Tokens are kept as hashes.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.retail.clients import Account
from simulator.retail.rules import Reuse, Rotation, Rules
from simulator.windows import Clock

Mint = Callable[["Family", float], str]
"""Makes an access token for a family that lives until a time."""


class GrantError(Exception):
    """A token call that is refused, with the vendor's words."""

    def __init__(self, *, description: str, error: str = "invalid_grant", hint: str = "") -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorisation code stands for."""

    series: str
    client_id: str
    redirect_uri: str
    account: Account
    scopes: tuple[str, ...]
    challenge: str
    expires_at: float


@dataclass(slots=True)
class Family:
    """One consent and everything that came of it."""

    series: str
    client_id: str
    account: Account
    scopes: tuple[str, ...]
    is_alive: bool = True


@dataclass(slots=True)
class Generation:
    """One pair of tokens."""

    family: Family
    parent: "Generation | None"
    access_expires_at: float
    refresh_expires_at: float
    is_refresh_alive: bool = True
    is_access_alive: bool = True


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair as it is handed out."""

    access_token: str
    refresh_token: str
    family: Family
    expires_at: float


_BAD_CODE = "The authorization code is invalid."
_BAD_TOKEN = "The refresh token is invalid."  # noqa: S105  # the vendor's words
_REVOKED = "Token has been revoked"


def digest(token: str) -> str:
    """Give the form in which a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(slots=True)
class GrantBook:
    """Every code and token that is known."""

    clock: Clock
    codes: dict[str, Code] = field(default_factory=dict)
    families: list[Family] = field(default_factory=list)
    refresh: dict[str, Generation] = field(default_factory=dict)
    access: dict[str, Generation] = field(default_factory=dict)
    changes: int = 0

    def add_code(self, code: Code) -> str:
        """Hand out a code."""
        text = secrets.token_urlsafe(24)
        self.codes[digest(text)] = code
        return text

    def take_code(self, *, text: str, client_id: str, redirect_uri: str) -> Code:
        """Use a code up, whatever comes of it.

        Raises:
            GrantError: It is unknown, used, expired or another client's.
        """
        code = self.codes.pop(digest(text), None)
        if code is None:
            raise GrantError(description=_BAD_CODE, hint="Authorization code unknown")
        if code.expires_at <= self.clock():
            raise GrantError(description=_BAD_CODE, hint="Authorization code expired")
        if code.client_id != client_id or code.redirect_uri != redirect_uri:
            raise GrantError(description=_BAD_CODE, hint="Wrong client or redirect")
        return code

    def begin(self, *, code: Code, rules: Rules, mint: Mint) -> Pair:
        """Begin a family."""
        family = Family(
            series=code.series, client_id=code.client_id, account=code.account, scopes=code.scopes
        )
        self.families.append(family)
        return self._issue(family=family, parent=None, rules=rules, mint=mint)

    def renew(self, *, token: str, client_id: str, rules: Rules, mint: Mint) -> Pair:
        """Answer a refresh token with a new pair.

        Raises:
            GrantError: It is unknown, dead or another client's.
        """
        generation = self.refresh.get(digest(token))
        if generation is None or generation.family.client_id != client_id:
            raise GrantError(description=_BAD_TOKEN, hint="Cannot decrypt the refresh token")
        if not generation.family.is_alive or not generation.is_refresh_alive:
            if rules.reuse is Reuse.REVOKE_FAMILY:
                generation.family.is_alive = False
                self.changes += 1
            raise GrantError(description=_BAD_TOKEN, hint=_REVOKED)
        if generation.refresh_expires_at <= self.clock():
            raise GrantError(description=_BAD_TOKEN, hint="Token has expired")
        if rules.rotation is Rotation.AT_ONCE:
            generation.is_refresh_alive = False
        family = generation.family
        return self._issue(family=family, parent=generation, rules=rules, mint=mint)

    def use(self, *, token: str, rules: Rules) -> Generation | None:
        """Take an access token for an API call; its first use ends the generation before it."""
        generation = self.access.get(digest(token))
        if (
            generation is None
            or not generation.family.is_alive
            or not generation.is_access_alive
            or generation.access_expires_at <= self.clock()
        ):
            return None
        if generation.parent is not None and rules.rotation is Rotation.FIRST_USE:
            self._end_before(generation)
        return generation

    def revoke(self, token: str) -> None:
        """End the family of a token of either kind; an unknown one is fine (RFC 7009)."""
        for found in (self.refresh.get(digest(token)), self.access.get(digest(token))):
            if found is not None:
                found.family.is_alive = False
                self.changes += 1

    def forget_expired(self) -> None:
        """Drop the pairs of which neither token can be told from an unknown one any more."""
        now = self.clock()
        over = [
            each
            for each in self.refresh.values()
            if each.refresh_expires_at <= now and each.access_expires_at <= now
        ]
        gone = {id(each) for each in over}
        self.refresh = {key: each for key, each in self.refresh.items() if id(each) not in gone}
        self.access = {key: each for key, each in self.access.items() if id(each) not in gone}

    def _issue(
        self, *, family: Family, parent: Generation | None, rules: Rules, mint: Mint
    ) -> Pair:
        now = self.clock()
        expires_at = now + rules.access_seconds
        generation = Generation(
            family=family,
            parent=parent,
            access_expires_at=expires_at,
            refresh_expires_at=now + rules.refresh_seconds,
        )
        access_token, refresh_token = mint(family, expires_at), secrets.token_urlsafe(32)
        self.access[digest(access_token)] = generation
        self.refresh[digest(refresh_token)] = generation
        self.changes += 1
        return Pair(access_token, refresh_token, family, expires_at)

    def _end_before(self, used: Generation) -> None:
        """End the parent of a generation, and what else the parent had brought forth."""
        parent, used.parent = used.parent, None
        self.changes += 1
        for generation in self.refresh.values():
            if generation is parent or (parent is not None and generation.parent is parent):
                generation.is_refresh_alive = False
                generation.is_access_alive = generation is parent
