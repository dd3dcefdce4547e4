"""The life of KEKs: rotating them, wrapping DEKs anew, and telling what stands on which."""

from keyvault.rotation.keks import destroy_kek, rotate_kek
from keyvault.rotation.rewrapping import Failure, Rewrapped, rewrap
from keyvault.rotation.status import Status, read_status

__all__ = ["Failure", "Rewrapped", "Status", "destroy_kek", "read_status", "rewrap", "rotate_kek"]
