"""The vault's tables, one file a subject."""

from keyvault.models.audit import AuditCheckpoint, AuditEntry
from keyvault.models.backend import Backend, BackendToken
from keyvault.models.credential import Credential, Draft
from keyvault.models.keychain import Keychain, WrappedDek
from keyvault.models.lease import Grant, Lease

__all__ = [
    "AuditCheckpoint",
    "AuditEntry",
    "Backend",
    "BackendToken",
    "Credential",
    "Draft",
    "Grant",
    "Keychain",
    "Lease",
    "WrappedDek",
]
