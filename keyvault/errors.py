"""Everything that the vault can refuse, as one tree.

VaultError
├── KeyringError            the keyring is missing, unreadable, open to others or malformed
├── UnknownKekError         a wrapped DEK names a KEK that the provider does not hold
├── KekInUseError           a KEK cannot be destroyed while anything stands on it
├── KekUnavailableError     the provider does not answer (retryable)
├── KeyExhaustedError       a key has been used for as many nonces as are safe
├── TamperedSecretError     a sealed record does not open where it stands
│   └── UnsupportedFormatError  its version or algorithm byte is not known to this release
├── ShreddedKeychainError   the keychain's DEK was destroyed
├── DuplicateCredentialError  the same API key is live already
├── UnknownRecordError      no such keychain, credential, draft or lease for this actor
├── StateError              the record is not in a state that allows this
├── RolledBackError         the database lacks a checkpoint that was kept outside
├── PoolEmptyError          no key of the store has a free permit (retryable)
├── NoCredentialError       the store has no credential that may be lent
├── UnknownTokenError       the token is unknown, expired or revoked, or its backend is switched off
├── MissingScopeError       the token does not allow this
├── AddressRefusedError     the backend may not call from this address
├── BadSignatureError       the request is not signed as its backend has said that it would be
├── IdempotencyError        an Idempotency-Key came again with another request
├── TooManyRequestsError    the token has used up its requests of this minute (retryable)
├── LeaseClosedError        the lease was settled otherwise, expired or revoked
├── OverspentError          more was used than the lease permitted
├── RetiredError            the vendor refuses this kind of key by now
├── RefreshRefusedError     the vendor no longer knows a refresh token
└── RefreshFailedError      the vendor gave no new pair, which says nothing of the grant (retryable)
"""

from datetime import datetime


class VaultError(Exception):
    """Root of the vault's errors; `str()` is safe to show to an operator."""

    code = "vault-error"
    retryable = False


class KeyringError(VaultError):
    """The keyring cannot be used; nothing is opened until an operator mends it."""

    code = "keyring"


class UnknownKekError(VaultError):
    """A wrapped DEK names a KEK that the provider does not hold."""

    code = "unknown-kek"


class KekInUseError(VaultError):
    """The KEK still wraps something, or is the active one."""

    code = "kek-in-use"


class KekUnavailableError(VaultError):
    """The KEK provider does not answer."""

    code = "kek-unavailable"
    retryable = True


class KeyExhaustedError(VaultError):
    """A key has been used for 2^32 nonces: replace it before anything else is sealed under it."""

    code = "key-exhausted"


class TamperedSecretError(VaultError):
    """A sealed record does not open where it stands: alert, do not retry."""

    code = "tampered-secret"


class UnsupportedFormatError(TamperedSecretError):
    """An unknown version or algorithm byte: a newer release may have written the record."""

    code = "unsupported-format"


class ShreddedKeychainError(VaultError):
    """The keychain's DEK was destroyed; its secrets are gone for good."""

    code = "shredded"


class DuplicateCredentialError(VaultError):
    """The same API key is live already.

    Attributes:
        in_same_keychain: whether the other one is the same store's; another's is nobody's business.
    """

    code = "duplicate-credential"

    def __init__(self, *, in_same_keychain: bool) -> None:
        super().__init__("this API key is stored already")
        self.in_same_keychain = in_same_keychain


class UnknownRecordError(VaultError):
    """No such record for this actor."""

    code = "not-found"


class StateError(VaultError):
    """The record is not in a state that allows this; read it again."""

    code = "wrong-state"


class RolledBackError(VaultError):
    """The database lacks a checkpoint that was kept outside: it was rolled back or altered."""

    code = "rolled-back"


class PoolEmptyError(VaultError):
    """No key of the store has a free permit.

    Attributes:
        retry_at: database time at which one permit is free.
        retry_after_seconds: the same as a span from now.
    """

    code = "pool-empty"
    retryable = True

    def __init__(self, *, retry_at: datetime, retry_after_seconds: float) -> None:
        super().__init__("every key of this store has spent its windows")
        self.retry_at = retry_at
        self.retry_after_seconds = retry_after_seconds


class NoCredentialError(VaultError):
    """The store has no credential that may be lent."""

    code = "no-credential"


class LeaseClosedError(VaultError):
    """The lease is over and was not settled in this way."""

    code = "lease-closed"


class UnknownTokenError(VaultError):
    """The token is unknown, expired or revoked, or its backend is switched off."""

    code = "unknown-token"


class MissingScopeError(VaultError):
    """The token does not allow this.

    Attributes:
        scope: the scope that it lacks.
    """

    code = "missing-scope"

    def __init__(self, *, scope: str) -> None:
        super().__init__(f"the token lacks the scope {scope}")
        self.scope = scope


class AddressRefusedError(VaultError):
    """The backend may not call from this address."""

    code = "address-refused"


class BadSignatureError(VaultError):
    """The request is not signed as its backend has said that it would be; nothing was done."""

    code = "bad-signature"


class IdempotencyError(VaultError):
    """An Idempotency-Key came again with another request; nothing was done."""

    code = "idempotency-key-reused"


class TooManyRequestsError(VaultError):
    """The token has used up its requests of this minute.

    Attributes:
        retry_after_seconds: until the next minute.
    """

    code = "too-many-requests"
    retryable = True

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__("the token has used up its requests of this minute")
        self.retry_after_seconds = retry_after_seconds


class OverspentError(VaultError):
    """A settlement names more requests than the lease had permits; all of them are counted."""

    code = "overspent"

    def __init__(self, *, used: int, permits: int) -> None:
        super().__init__(
            f"{used} used, {permits} permitted; all {used} are counted and the lease is over: "
            "do not settle it again, take another lease before you send more"
        )


class RefreshRefusedError(VaultError):
    """The vendor no longer knows a refresh token; raised by a renewer."""

    code = "refresh-refused"


class RefreshFailedError(VaultError):
    """The vendor gave no new pair, which says nothing of the grant; raised by a renewer.

    Attributes:
        problem: why, as a token for records.
        may_have_rotated: whether the vendor may have done its part and only the answer was lost.
        retry_after_seconds: when the vendor asked to come back, if it did.
    """

    code = "refresh-failed"
    retryable = True

    def __init__(
        self, *, problem: str, may_have_rotated: bool, retry_after_seconds: float = 0.0
    ) -> None:
        super().__init__(f"the vendor gave no new pair: {problem}")
        self.problem = problem
        self.may_have_rotated = may_have_rotated
        self.retry_after_seconds = retry_after_seconds


class RetiredError(VaultError):
    """The vendor refuses this kind of key by now; the store must connect anew."""

    code = "credential-retired"
