"""Opening a sealed credential that was read together with its wrapped DEK."""

from dataclasses import dataclass, field
from uuid import UUID

from keyvault import envelope
from keyvault.audit import Actor
from keyvault.errors import ShreddedKeychainError
from keyvault.models import Alert, Credential
from keyvault.vault import secrets
from keyvault.vault.ciphers import cipher_of, shredded
from keyvault.vault.secrets import Secret
from keyvault.vault.tripwires import fire


@dataclass(frozen=True, slots=True)
class SealedCredential:
    """A credential as it lies in the database, and the DEK that opens it.

    Attributes:
        id: the credential.
        keychain_id: whose DEK seals it.
        kind: a value of Credential.Kind.
        endpoint: see `keyvault.endpoints`.
        language: the vendor's language code.
        version: raised with each replacement; part of its place.
        is_honeytoken: whether nobody has a reason to open it.
        sealed: the record.
        kek_id: the KEK that wraps the DEK.
        wrapped: the DEK, read in the same statement.
    """

    id: UUID
    keychain_id: UUID
    kind: str
    endpoint: str
    language: str
    version: int
    is_honeytoken: bool
    sealed: bytes | memoryview = field(repr=False)
    kek_id: str
    wrapped: bytes | memoryview = field(repr=False)


def sealed_form(credential: Credential) -> SealedCredential:
    """The sealed credential of a row.

    No query for a row of `openable_credentials`, else one or two.

    Raises:
        ShreddedKeychainError: the keychain's DEK was destroyed.
    """
    dek = getattr(credential.keychain, "wrapped_dek", None)
    if dek is None:
        raise ShreddedKeychainError(shredded(credential.keychain_id))
    return SealedCredential(
        id=credential.id,
        keychain_id=credential.keychain_id,
        kind=credential.kind,
        endpoint=credential.endpoint,
        language=credential.language,
        version=credential.version,
        is_honeytoken=credential.is_honeytoken,
        sealed=credential.sealed,
        kek_id=dek.kek_id,
        wrapped=dek.wrapped,
    )


def open_sealed_credential(*, credential: SealedCredential, actor: Actor) -> Secret:
    """Opens a credential. The caller records why: a lease by `lease.granted`.

    No query. Read it in this same request: the wrapped DEK that came with it decides whether the
    keychain was shredded.

    Args:
        credential: as it was read.
        actor: who gets it.

    Returns:
        The plaintext; keep it no longer than the request.

    Raises:
        TamperedSecretError: altered or moved: alert, do not retry.
        KekUnavailableError, UnknownKekError: the KEK is not at hand.
    """
    keychain = credential.keychain_id.hex
    cipher = cipher_of(keychain=keychain, kek_id=credential.kek_id, wrapped=credential.wrapped)
    place = envelope.place(
        keychain=keychain,
        record=credential.id.hex,
        field="credential",
        version=credential.version,
    )
    plaintext = envelope.open_sealed(cipher=cipher, sealed=credential.sealed, place=place)
    if credential.is_honeytoken:
        fire(
            kind=Alert.Kind.HONEYTOKEN,
            subject=f"credential:{credential.id}",
            facts={"by": str(actor)},
        )
    return secrets.decode(plaintext)
