"""What can happen to a secret, in the past tense; the audit record knows no other action."""

from enum import StrEnum


class Action(StrEnum):
    """One kind of audit entry."""

    KEYCHAIN_CREATED = "keychain.created"
    KEYCHAIN_SHREDDED = "keychain.shredded"
    CREDENTIAL_SEALED = "credential.sealed"
    CREDENTIAL_OPENED = "credential.opened"
    CREDENTIAL_PAUSED = "credential.paused"
    CREDENTIAL_RESUMED = "credential.resumed"
    CREDENTIAL_SUSPENDED = "credential.suspended"
    CREDENTIAL_RECOVERED = "credential.recovered"
    CREDENTIAL_REPLACED = "credential.replaced"
    CREDENTIAL_REVOKED = "credential.revoked"
    CREDENTIAL_QUARANTINED = "credential.quarantined"
    CREDENTIAL_COOLED = "credential.cooled"
    DRAFT_SEALED = "draft.sealed"
    DRAFT_OPENED = "draft.opened"
    DRAFT_DELETED = "draft.deleted"
    VERIFICATION_PASSED = "verification.passed"
    VERIFICATION_FAILED = "verification.failed"
    SECRET_SEALED = "secret.sealed"  # noqa: S105  # the name of an event
    SECRET_OPENED = "secret.opened"  # noqa: S105  # the name of an event
    LEASE_GRANTED = "lease.granted"
    LEASE_SETTLED = "lease.settled"
    LEASE_DENIED = "lease.denied"
    BACKEND_CREATED = "backend.created"
    BACKEND_CHANGED = "backend.changed"
    TOKEN_CREATED = "token.created"  # noqa: S105  # the name of an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  # the name of an event
    KEYRING_CREATED = "keyring.created"
    KEK_ROTATED = "kek.rotated"
    KEK_DESTROYED = "kek.destroyed"
    DEK_REWRAPPED = "dek.rewrapped"
    ACCESS_DENIED = "access.denied"
    TRIPWIRE_FIRED = "tripwire.fired"
    RECORD_EXPORTED = "record.exported"
    BACKUP_WRITTEN = "backup.written"
    DUPLICATE_REFUSED = "duplicate.refused"
    SCREEN_REPORTED = "screen.reported"
    STORE_CREATED = "store.created"
    STORE_CHANGED = "store.changed"
    MERCHANT_CREATED = "merchant.created"
    MEMBER_INVITED = "member.invited"
    MEMBER_ADDED = "member.added"
    MEMBER_CHANGED = "member.changed"
    MEMBER_REMOVED = "member.removed"
