"""Leases: time-limited loans of credentials, each with a number of permits."""

from keyvault.leases.access import Caller, caller_of, stores_of
from keyvault.leases.backends import (
    NewToken,
    Scope,
    create_backend,
    create_token,
    digest_of,
)
from keyvault.leases.denials import record_denied
from keyvault.leases.holding import renew_lease, revoke_lease
from keyvault.leases.issue import issue_lease
from keyvault.leases.reach import switch_backend
from keyvault.leases.repeats import issue_once
from keyvault.leases.settle import settle_lease
from keyvault.leases.together import LEASING
from keyvault.leases.tokens import note_use, release_token, revoke_token, waiting_tokens
from keyvault.leases.values import (
    IssuedLease,
    LeaseAsk,
    LentCredential,
    RenewedLease,
    SettledLease,
    Settlement,
)

__all__ = [
    "LEASING",
    "Caller",
    "IssuedLease",
    "LeaseAsk",
    "LentCredential",
    "NewToken",
    "RenewedLease",
    "Scope",
    "SettledLease",
    "Settlement",
    "caller_of",
    "create_backend",
    "create_token",
    "digest_of",
    "issue_lease",
    "issue_once",
    "note_use",
    "record_denied",
    "release_token",
    "renew_lease",
    "revoke_lease",
    "revoke_token",
    "settle_lease",
    "stores_of",
    "switch_backend",
    "waiting_tokens",
]
