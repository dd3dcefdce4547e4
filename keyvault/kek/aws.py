"""The `aws-kms` KEK provider: AWS KMS wraps DEKs; the KEK never leaves it.

The active KEK is the KMS key behind an alias. A DEK is bound to its keychain by the encryption
context, {"latchkey": "v1", "keychain": <32 hex digits>}, which KMS takes as associated data and
notes in its own log. A KEK id is `aws-kms:<ARN of the key>`; a wrapped DEK is KMS's CiphertextBlob.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from keyvault.envelope import DEK_BYTES
from keyvault.errors import (
    KekInUseError,
    KekUnavailableError,
    TamperedSecretError,
    UnknownKekError,
    VaultError,
)
from keyvault.kek.provider import Kek, KekState, WrappedKey

TAG = "latchkey-kek"
WAITING_DAYS = 7  # the least that KMS allows before a key is gone
# What comes of reading an answer that is none, a proxy's page for example.
_NO_ANSWER = (AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """Which key to use; credentials come from where boto3 finds them.

    Attributes:
        alias: "alias/…" that points to the active key.
        region: of the key.
        endpoint: another address of KMS; None: the region's own.
    """

    alias: str
    region: str
    endpoint: str | None = None


class AwsProvider:
    """Wraps DEKs by AWS KMS; see `KekProvider`."""

    name = "aws-kms"
    is_remote = True

    def __init__(self, settings: AwsSettings) -> None:
        self._alias = settings.alias
        config = Config(  # type: ignore[no-untyped-call]  # it has no types
            connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2}
        )
        self._kms = boto3.client(  # type: ignore[no-untyped-call]  # it has no types
            "kms",
            region_name=settings.region,
            endpoint_url=settings.endpoint,
            config=config,
        )

    def active_id(self) -> str:
        """The key behind the alias; one call."""
        with _told(self._alias):
            return _id(self._kms.describe_key(KeyId=self._alias)["KeyMetadata"]["Arn"])

    def wrap(self, *, dek: bytes, keychain: str) -> WrappedKey:
        """Wraps a DEK under the key behind the alias; one call."""
        with _told(self._alias):
            answer = self._kms.encrypt(
                KeyId=self._alias, Plaintext=dek, EncryptionContext=_context(keychain)
            )
            return WrappedKey(_id(answer["KeyId"]), answer["CiphertextBlob"])

    def unwrap(self, *, key: WrappedKey, keychain: str) -> bytes:
        """Gives the DEK back; one call. KMS refuses when the DEK is of another key."""
        with _told(key.kek_id):
            answer = self._kms.decrypt(
                KeyId=_arn(key.kek_id),
                CiphertextBlob=key.wrapped,
                EncryptionContext=_context(keychain),
            )
            dek: bytes = answer["Plaintext"]
        if len(dek) != DEK_BYTES:
            message = "KMS unwrapped something that is no DEK"
            raise TamperedSecretError(message)
        return dek

    def rewrap(self, keys: Sequence[tuple[str, WrappedKey]]) -> list[WrappedKey | VaultError]:
        """Moves DEKs under the key behind the alias inside of KMS; one call each."""
        moved: list[WrappedKey | VaultError] = []
        for keychain, key in keys:
            try:
                moved.append(self._rewrap_one(key, keychain=keychain))
            except KekUnavailableError:
                raise
            except VaultError as error:
                moved.append(error)
        return moved

    def keks(self) -> list[Kek]:
        """Every key that `rotate` made, and the one behind the alias; a few calls per key."""
        active = self.active_id()
        with _told(self._alias):
            arns = [
                key["KeyArn"]
                for page in self._kms.get_paginator("list_keys").paginate()
                for key in page["Keys"]
            ]
            ours = [arn for arn in arns if _id(arn) == active or self._is_ours(arn)]
            found = [self._kms.describe_key(KeyId=arn)["KeyMetadata"] for arn in ours]
            keks = [
                Kek(id=_id(row["Arn"]), state=_state(row, active), created_at=row["CreationDate"])
                for row in found
            ]
        return sorted(keks, key=lambda kek: (str(kek.created_at), kek.state is KekState.ACTIVE))

    def rotate(self) -> Kek:
        """Makes a new KMS key and points the alias to it."""
        before = _arn(self.active_id())
        tags = [{"TagKey": TAG, "TagValue": self._alias}]
        with _told(self._alias):
            self._kms.tag_resource(KeyId=before, Tags=tags)
            made = self._kms.create_key(Description="Latchkey KEK", Tags=tags)["KeyMetadata"]
            kek = Kek(id=_id(made["Arn"]), state=KekState.ACTIVE, created_at=made["CreationDate"])
            self._kms.update_alias(AliasName=self._alias, TargetKeyId=made["KeyId"])
        return kek

    def destroy(self, *, kek_id: str) -> None:
        """Has KMS destroy a key after its waiting time; until then KMS can call it back."""
        if kek_id == self.active_id():
            message = f"KEK {kek_id} is the active one; rotate first"
            raise KekInUseError(message)
        with _told(kek_id):
            self._kms.schedule_key_deletion(
                KeyId=_arn(kek_id).rpartition("/")[2], PendingWindowInDays=WAITING_DAYS
            )

    def _rewrap_one(self, key: WrappedKey, *, keychain: str) -> WrappedKey:
        with _told(key.kek_id):
            answer = self._kms.re_encrypt(
                CiphertextBlob=key.wrapped,
                SourceKeyId=_arn(key.kek_id),
                SourceEncryptionContext=_context(keychain),
                DestinationKeyId=self._alias,
                DestinationEncryptionContext=_context(keychain),
            )
            return WrappedKey(_id(answer["KeyId"]), answer["CiphertextBlob"])

    def _is_ours(self, arn: str) -> bool:
        tags = self._kms.list_resource_tags(KeyId=arn)["Tags"]
        return {"TagKey": TAG, "TagValue": self._alias} in tags


@contextmanager
def _told(key: str) -> Iterator[None]:
    """Turns KMS's failures into ours, with the key that was asked for; never what was sent."""
    try:
        yield
    except ClientError as error:
        raise _meaning(error.response["Error"]["Code"], key=key) from None
    except BotoCoreError as error:
        message = (
            f"AWS KMS does not answer ({type(error).__name__}): see the region, the address and "
            "our credentials, then try again"
        )
        raise KekUnavailableError(message) from None
    except _NO_ANSWER:
        message = "AWS KMS answers like another server: see whether the address is right"
        raise KekUnavailableError(message) from None


def _meaning(code: str, *, key: str) -> VaultError:
    if code in {"InvalidCiphertextException", "IncorrectKeyException", "ValidationException"}:
        return TamperedSecretError("a wrapped DEK does not open for its keychain")
    if code in {"NotFoundException", "KMSInvalidStateException", "DisabledException"}:
        message = f"AWS KMS does not hold the KEK {key}, or it is switched off or being deleted"
        return UnknownKekError(f"{message} ({code}). Cancel its deletion or enable it there")
    if code.startswith("AccessDenied"):
        message = f"AWS KMS denies us access to {key}: see the key's policy and our role"
        return KekUnavailableError(message)
    return KekUnavailableError(f"AWS KMS refuses the request ({code})")


def _state(row: dict[str, Any], active: str) -> KekState:
    if row["KeyState"] != "Enabled":
        return KekState.DESTROYED
    return KekState.ACTIVE if _id(row["Arn"]) == active else KekState.DECRYPT_ONLY


def _context(keychain: str) -> dict[str, str]:
    return {"latchkey": "v1", "keychain": keychain}


def _id(arn: str) -> str:
    return f"{AwsProvider.name}:{arn}"


def _arn(kek_id: str) -> str:
    arn = kek_id.removeprefix(f"{AwsProvider.name}:")
    if not arn.startswith("arn:"):
        message = f"KEK {kek_id} is not a key of AWS KMS"
        raise UnknownKekError(message)
    return arn
