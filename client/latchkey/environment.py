"""The way to Latchkey that the environment names."""

import base64
import os
from contextlib import suppress

from latchkey.connection import Connection
from latchkey.hidden import Secret

# Of an X25519 or Ed25519 private key.
KEY_BYTES = 32


def connect(*, url: str | None = None, token: str | Secret[str] | None = None) -> Connection:
    """The way to Latchkey that the environment names.

    Raises:
        ValueError: LATCHKEY_URL or LATCHKEY_TOKEN is missing, or a key is no base64.
    """
    url = url or os.environ.get("LATCHKEY_URL")
    token = Secret(token or os.environ.get("LATCHKEY_TOKEN") or "")
    if not url or not token.reveal():
        message = "set LATCHKEY_URL and LATCHKEY_TOKEN"
        raise ValueError(message)
    return Connection(
        url=url,
        token=token,
        private_key=_key("LATCHKEY_PRIVATE_KEY"),
        signing_key=_key("LATCHKEY_SIGNING_KEY"),
    )


def _key(name: str) -> Secret[bytes] | None:
    if not os.environ.get(name):
        return None
    with suppress(ValueError):
        key = Secret(base64.b64decode("".join(os.environ[name].split()), validate=True))
        if len(key.reveal()) == KEY_BYTES:
            return key
    message = f"{name} is the base64 of {KEY_BYTES} raw bytes"
    raise ValueError(message)
