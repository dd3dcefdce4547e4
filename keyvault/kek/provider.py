"""What a KEK provider does: wrap DEKs under a key that never leaves it, or its file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from keyvault.errors import VaultError

# So much of a KEK's id goes into the subject of an audit entry.
_SUBJECT_CHARACTERS: Final = 76


class KekState(StrEnum):
    """The life of a KEK; it only ever moves downwards."""

    GENERATING = "generating"
    ACTIVE = "active"
    DECRYPT_ONLY = "decrypt-only"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True)
class Kek:
    """What is known of one KEK; never the key itself.

    Attributes:
        id: as it stands beside each DEK that it wraps, "<provider>:<name>".
        state: where it is in its life.
        created_at: when it was made, aware; None where the provider does not tell.
    """

    id: str
    state: KekState
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A DEK under a KEK.

    Attributes:
        kek_id: the KEK that unwraps it.
        wrapped: the provider's own bytes.
    """

    kek_id: str
    wrapped: bytes


class KekProvider(Protocol):
    """The one interface to `local`, `vault-transit` and `aws-kms`.

    Every method may raise `KekUnavailableError` (try again later) or `KeyringError` (an operator
    must act). None of them opens a database transaction. A remote one that is called in one holds
    it for as long as the network takes: a new keychain, the first seal of a process under a DEK.

    Attributes:
        name: the part of a KEK id before the colon.
        is_remote: whether a call leaves this machine, so that its answers are worth keeping.
    """

    name: str
    is_remote: bool

    def active_id(self) -> str:
        """The id of the KEK that wraps now."""

    def wrap(self, *, dek: bytes, keychain: str) -> WrappedKey:
        """Wraps a DEK under the active KEK, bound to the keychain (32 hex digits)."""

    def unwrap(self, *, key: WrappedKey, keychain: str) -> bytes:
        """Gives the DEK back.

        Raises:
            UnknownKekError: the provider does not hold that KEK.
            TamperedSecretError: altered, or another keychain's.
        """

    def rewrap(self, keys: Sequence[tuple[str, WrappedKey]]) -> list[WrappedKey | VaultError]:
        """Moves DEKs of this provider under its active KEK, without showing them where it can.

        Args:
            keys: pairs of keychain and wrapped DEK.

        Returns:
            In the same order the DEK under the active KEK, or why it could not be moved.
        """

    def keks(self) -> list[Kek]:
        """Every KEK that the provider knows, the oldest first."""

    def rotate(self) -> Kek:
        """Makes a new KEK and the active one; the one before still unwraps."""

    def destroy(self, *, kek_id: str) -> None:
        """Destroys a KEK for good; the caller has made sure that nothing stands on it.

        Raises:
            KekInUseError: it is the active one.
            UnknownKekError: there is none of that id.
        """


def subject_of(kek_id: str) -> str:
    """A KEK as the subject of an audit entry; of a long id, as an ARN is, the part that differs."""
    return f"kek:{kek_id if len(kek_id) <= _SUBJECT_CHARACTERS else kek_id.rpartition('/')[2]}"
