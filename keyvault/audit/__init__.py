"""The tamper-evident record of everything that happens to a secret."""

from keyvault.audit.actions import Action
from keyvault.audit.actors import SYSTEM, Actor
from keyvault.audit.denials import record_denial
from keyvault.audit.entries import entries_for, entries_without_loans, record

__all__ = [
    "SYSTEM",
    "Action",
    "Actor",
    "entries_for",
    "entries_without_loans",
    "record",
    "record_denial",
]
