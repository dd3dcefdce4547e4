"""Sealing single values for tables outside of the vault, such as one-time-code secrets."""

from uuid import UUID

from pydantic import SecretStr

from keyvault import envelope
from keyvault.errors import ShreddedKeychainError
from keyvault.models import WrappedDek
from keyvault.vault.ciphers import cipher_of, sealing_cipher_of, shredded


def seal_value(
    *, keychain_id: UUID, record_id: UUID, field: str, value: SecretStr, version: int = 1
) -> bytes:
    """Seals one value for a column of the caller's own table.

    Counts the seal in the caller's transaction; the caller records the change.

    Args:
        keychain_id: whose DEK seals it.
        record_id: the row that will hold it.
        field: the column, without "|".
        value: what to seal.
        version: raise it whenever the value is replaced, and keep it in the row.

    Returns:
        The sealed value for a binary column.

    Raises:
        ShreddedKeychainError, KeyExhaustedError, KekUnavailableError, UnknownKekError: nothing was
            sealed.
    """
    place = envelope.place(
        keychain=keychain_id.hex, record=record_id.hex, field=field, version=version
    )
    cipher = sealing_cipher_of(keychain_id=keychain_id)
    plaintext = value.get_secret_value().encode()
    return envelope.seal(cipher=cipher, plaintext=plaintext, place=place)


def open_value(
    *,
    keychain_id: UUID,
    record_id: UUID,
    field: str,
    sealed: bytes | memoryview,
    version: int = 1,
) -> SecretStr:
    """Opens a value that `seal_value` sealed, given the same place. One query.

    The caller records the use.

    Raises:
        TamperedSecretError: altered, or another row's or column's: alert, do not retry.
        ShreddedKeychainError, KekUnavailableError, UnknownKekError: its key is not at hand.
    """
    dek = WrappedDek.objects.filter(keychain_id=keychain_id).first()
    if dek is None:
        raise ShreddedKeychainError(shredded(keychain_id))
    cipher = cipher_of(keychain=keychain_id.hex, kek_id=dek.kek_id, wrapped=dek.wrapped)
    place = envelope.place(
        keychain=keychain_id.hex, record=record_id.hex, field=field, version=version
    )
    return SecretStr(envelope.open_sealed(cipher=cipher, sealed=sealed, place=place).decode())
