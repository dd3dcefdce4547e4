"""Backups that a shredding reaches, restoring them, and the shredding itself."""

from keyvault.backup.drill import DrillReport, drill
from keyvault.backup.restoring import Restored, check_secrets, restore
from keyvault.backup.shredding import Receipt, shred
from keyvault.backup.writing import Written, write_backup

__all__ = [
    "DrillReport",
    "Receipt",
    "Restored",
    "Written",
    "check_secrets",
    "drill",
    "restore",
    "shred",
    "write_backup",
]
