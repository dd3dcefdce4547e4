"""Clients, accounts and legacy keys that the stand-in knows."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_SECRET = "simulated-client-secret-0000000000"  # noqa: S105  # opens nothing but this stand-in
"""Secret of the clients `latchkey-r` and `latchkey-x`, which every stand-in knows."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PREFIX = re.compile(r"[a-z0-9-]{1,63}")


@dataclass(frozen=True, slots=True)
class Client:
    """A registered application.

    Attributes:
        client_id: Its public name.
        secret_hash: Hex of the SHA-256 of its secret.
        redirect_uri: The one address that codes go to; empty: any address of this machine.
    """

    client_id: str
    secret_hash: str
    redirect_uri: str = ""

    def has_secret(self, presented: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.secret_hash, _hash(presented))

    def takes(self, redirect_uri: str) -> bool:
        """Say whether codes may go there."""
        if self.redirect_uri:
            return redirect_uri == self.redirect_uri
        return (urlsplit(redirect_uri).hostname or "") in _LOOPBACK


@dataclass(frozen=True, slots=True)
class Account:
    """A merchant's account; in X-Series its id is the domain prefix."""

    id: str
    name: str


def make_client(*, client_id: str, secret: str, redirect_uri: str = "") -> Client:
    """Register an application; its secret is kept as a hash."""
    return Client(client_id, _hash(secret), redirect_uri)


def default_clients() -> dict[tuple[str, str], Client]:
    """Give the client of each series that every stand-in knows."""
    return {
        (series, f"latchkey-{series}"): make_client(
            client_id=f"latchkey-{series}", secret=DEFAULT_SECRET
        )
        for series in ("r", "x")
    }


def default_accounts() -> dict[str, list[Account]]:
    """Give the accounts among which a merchant chooses."""
    return {
        "r": [Account("100001", "Corner Shop"), Account("100002", "Second Shop")],
        "x": [Account("corner-shop", "Corner Shop"), Account("second-shop", "Second Shop")],
    }


def is_domain_prefix(text: str) -> bool:
    """Say whether X-Series could have such a domain prefix."""
    return _PREFIX.fullmatch(text) is not None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
