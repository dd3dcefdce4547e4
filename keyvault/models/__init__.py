"""The vault's tables, one file a subject."""

from keyvault.models.alert import Alert
from keyvault.models.audit import (
    AuditCheckpoint,
    AuditEntry,
    AuditPending,
    AuditSealer,
    DenialCount,
)
from keyvault.models.backend import Backend, BackendToken, SpentNonce, TokenUse
from keyvault.models.check import CredentialCheck
from keyvault.models.credential import Credential, Draft
from keyvault.models.duty import DutyRun
from keyvault.models.grant import Grant, ProviderBreaker
from keyvault.models.hold import Hold
from keyvault.models.keychain import KekUse, Keychain, WrappedDek
from keyvault.models.lease import Lease, PoolKey, RepeatableRequest
from keyvault.models.retirement import Retirement
from keyvault.models.webhook import WebhookDelivery, WebhookEndpoint

__all__ = [
    "Alert",
    "AuditCheckpoint",
    "AuditEntry",
    "AuditPending",
    "AuditSealer",
    "Backend",
    "BackendToken",
    "Credential",
    "CredentialCheck",
    "DenialCount",
    "Draft",
    "DutyRun",
    "Grant",
    "Hold",
    "KekUse",
    "Keychain",
    "Lease",
    "PoolKey",
    "ProviderBreaker",
    "RepeatableRequest",
    "Retirement",
    "SpentNonce",
    "TokenUse",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WrappedDek",
]
