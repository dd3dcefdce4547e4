"""A merchant's key and secret with the place where they are valid."""

import base64
import re
from dataclasses import dataclass

import httpx2
from pydantic import SecretStr

from lightspeed.shape import MAX_CHARACTERS

_LANGUAGE = re.compile(r"[a-z]{2}")
_BASE_URL = re.compile(r"https?://[A-Za-z0-9.\-]+(?::[0-9]{1,5})?/")
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class EComCredential:
    """Everything that a request needs to be sent in a merchant's name.

    Attributes:
        base_url: root of the cluster's API with a closing slash; see `clusters.Cluster`.
        language: two lower-case letters; must be active in the shop.
        key: at most `shape.MAX_CHARACTERS`, as is the secret.
        secret: goes to the host of `base_url` only.

    Raises:
        ValueError: a part is out of these bounds; the message names the part, not its value.
    """

    base_url: str
    language: str
    key: SecretStr
    secret: SecretStr

    def __post_init__(self) -> None:
        sound = {
            "base_url": _is_root(self.base_url),
            "language": _LANGUAGE.fullmatch(self.language),
            "key": 0 < len(self.key) <= MAX_CHARACTERS,
            "secret": 0 < len(self.secret) <= MAX_CHARACTERS,
        }
        for part, is_sound in sound.items():
            if not is_sound:
                message = f"The {part} of an eCom credential is not usable."
                raise ValueError(message)

    def swapped(self) -> "EComCredential":
        """Return the same credential with key and secret exchanged."""
        return EComCredential(
            base_url=self.base_url, language=self.language, key=self.secret, secret=self.key
        )

    def authorization(self) -> str:
        """Return the value of the Authorization header. A secret: keep it out of variables."""
        pair = f"{self.key.get_secret_value()}:{self.secret.get_secret_value()}"
        return f"Basic {base64.b64encode(pair.encode(errors='replace')).decode()}"


def _is_root(base_url: str) -> bool:
    if not _BASE_URL.fullmatch(base_url):
        return False
    try:
        port = httpx2.URL(base_url).port
    except httpx2.InvalidURL:
        return False
    return port is None or 0 < port <= _LAST_PORT
