"""API keys the stand-in knows. Key and secret are kept as keyed hashes only.

    key_hash    = HMAC-SHA-256(salt, "key:" + key)
    secret_hash = HMAC-SHA-256(salt, "pair:" + key + ":" + secret)

All shops that install a partner app share its key. Such a key is told apart by its shop, and found
by the whole pair:

    key_hash    = "app-" + HMAC-SHA-256(salt, "app:" + key + ":" + cluster + ":" + shop id)

The salt is random for each book of keys.
"""

import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace

from simulator.rights import Permissions, all_rights, merge_rights

SALT_BYTES = 32

DEFAULT_SHOP_ID = 300_001
DEFAULT_LANGUAGES = ("en",)
_INSTALLED = "app-"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One API key of one shop on one cluster."""

    key_hash: str
    secret_hash: str
    last_four: str
    cluster: str
    shop_id: int
    languages: tuple[str, ...]
    is_enabled: bool
    permissions: Permissions

    def as_record(self) -> dict[str, object]:
        """Give the fields as JSON values, hashes included."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What one control request says about a key; None leaves a field as it is."""

    key: str
    secret: str | None = None
    cluster: str | None = None
    shop_id: int | None = None
    languages: tuple[str, ...] | None = None
    is_enabled: bool | None = None
    permissions: Permissions | None = None


class SecretNeededError(ValueError):
    """A key that is not known yet came without its secret."""


Recorder = Callable[[ApiKey], None]
"""Makes one key durable; called before the change takes effect."""


class KeyBook:
    """All keys, found by what an Authorization header holds."""

    def __init__(
        self, *, salt: bytes, known: Iterable[ApiKey] = (), record: Recorder | None = None
    ) -> None:
        self._salt = salt
        self._keys = {key.key_hash: key for key in known}
        self._record = record
        self._installed = {
            key.secret_hash: key
            for key in self._keys.values()
            if key.key_hash.startswith(_INSTALLED)
        }

    def find(self, *, key: str, secret: str) -> ApiKey | None:
        """Give the key when the pair is right; None for an unknown key and a wrong secret."""
        pair_hash = self._hash_pair(key=key, secret=secret)
        found = self._keys.get(self._hash_key(key))
        if found is None:
            return self._installed.get(pair_hash)
        return found if hmac.compare_digest(pair_hash, found.secret_hash) else None

    def install(
        self,
        *,
        app_key: str,
        secret: str,
        shop_id: int,
        cluster: str,
        language: str,
        permissions: Permissions,
    ) -> ApiKey:
        """Give a shop a secret of its own for an app's key; one that it had before is void.

        Raises:
            OSError: The record could not be written; nothing has changed.
        """
        installed = ApiKey(
            key_hash=self._hash_app(app_key=app_key, shop_id=shop_id, cluster=cluster),
            secret_hash=self._hash_pair(key=app_key, secret=secret),
            last_four=app_key[-4:],
            cluster=cluster,
            shop_id=shop_id,
            languages=(language,),
            is_enabled=True,
            permissions=permissions,
        )
        self._put_installed(installed)
        return installed

    def uninstall(self, *, app_key: str, shop_id: int, cluster: str) -> None:
        """Void what a shop was given for an app's key; nothing happens when there is none.

        Raises:
            OSError: The record could not be written; nothing has changed.
        """
        key_hash = self._hash_app(app_key=app_key, shop_id=shop_id, cluster=cluster)
        if key_hash in self._keys:
            self._put_installed(replace(self._keys[key_hash], is_enabled=False))

    def _put_installed(self, installed: ApiKey) -> None:
        if self._record is not None:
            self._record(installed)
        before = self._keys.get(installed.key_hash)
        if before is not None:
            self._installed.pop(before.secret_hash, None)
        self._keys[installed.key_hash] = installed
        self._installed[installed.secret_hash] = installed

    def put(self, *, change: KeyChange, default_cluster: str) -> tuple[ApiKey, bool]:
        """Create a key, or change the fields that are given.

        Returns:
            The key as it is now, and whether it is new.

        Raises:
            SecretNeededError: A new key came without a secret.
            OSError: The record could not be written; nothing has changed.
        """
        known = self._keys.get(self._hash_key(change.key))
        if known is None:
            current = self._create(change=change, default_cluster=default_cluster)
        else:
            current = self._change(known=known, change=change)
        if self._record is not None:
            self._record(current)
        self._keys[current.key_hash] = current
        return current, known is None

    def _create(self, *, change: KeyChange, default_cluster: str) -> ApiKey:
        if change.secret is None:
            message = "a new key needs its secret"
            raise SecretNeededError(message)
        blank = ApiKey(
            key_hash=self._hash_key(change.key),
            secret_hash="",
            last_four=change.key[-4:],
            cluster=default_cluster,
            shop_id=DEFAULT_SHOP_ID,
            languages=DEFAULT_LANGUAGES,
            is_enabled=True,
            permissions=all_rights(),
        )
        return self._change(known=blank, change=change)

    def _change(self, *, known: ApiKey, change: KeyChange) -> ApiKey:
        secret_hash = known.secret_hash
        if change.secret is not None:
            secret_hash = self._hash_pair(key=change.key, secret=change.secret)
        return replace(
            known,
            secret_hash=secret_hash,
            cluster=change.cluster or known.cluster,
            shop_id=change.shop_id or known.shop_id,
            languages=change.languages or known.languages,
            is_enabled=known.is_enabled if change.is_enabled is None else change.is_enabled,
            permissions=merge_rights(base=known.permissions, changes=change.permissions or {}),
        )

    def _hash_key(self, key: str) -> str:
        return hmac.digest(self._salt, f"key:{key}".encode(), "sha256").hex()

    def _hash_app(self, *, app_key: str, shop_id: int, cluster: str) -> str:
        text = f"app:{app_key}:{cluster}:{shop_id}"
        return _INSTALLED + hmac.digest(self._salt, text.encode(), "sha256").hex()

    def _hash_pair(self, *, key: str, secret: str) -> str:
        return hmac.digest(self._salt, f"pair:{key}:{secret}".encode(), "sha256").hex()


def new_salt() -> bytes:
    """Give a random salt for a new book."""
    return secrets.token_bytes(SALT_BYTES)
