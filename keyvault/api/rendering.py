"""Leases as JSON, written by hand: this is the hot path."""

from typing import Any

from keyvault.api.problems import timestamp
from keyvault.leases import IssuedLease, RenewedLease, SettledLease
from keyvault.leases.sealed import place, plain, seal_to
from keyvault.pool import WindowBudget


def issued(lease: IssuedLease) -> dict[str, Any]:
    """A lease with its credential; the secret is sealed when the backend has a key of its own."""
    credential = lease.credential
    return {
        "lease": {
            "id": str(lease.id),
            "permits": lease.permits,
            "use_by": timestamp(lease.use_by),
            "expires_at": timestamp(lease.expires_at),
        },
        "credential": {
            "id": str(credential.id),
            "type": credential.type,
            "base_url": credential.base_url,
            "language": credential.language,
            **_secret(lease),
        },
        "budget": budget(lease.budget),
    }


def renewed(lease: RenewedLease) -> dict[str, Any]:
    """A lease that is held longer."""
    return {
        "lease": {
            "id": str(lease.id),
            "permits": lease.permits,
            "use_by": timestamp(lease.use_by),
            "expires_at": timestamp(lease.expires_at),
        }
    }


def settled(lease: SettledLease) -> dict[str, Any]:
    """A lease that is over."""
    return {
        "lease": {
            "id": str(lease.id),
            "permits": lease.permits,
            "used": lease.used,
            "returned": lease.permits - lease.used,
        },
        "credential": {"id": str(lease.credential_id), "state": lease.credential_state},
        "budget": budget(lease.budget),
    }


def budget(windows: list[WindowBudget]) -> list[dict[str, int]]:
    """What is left of a key's windows."""
    return [
        {"seconds": each.seconds, "limit": each.limit, "remaining": each.remaining}
        for each in windows
    ]


def _secret(lease: IssuedLease) -> dict[str, str]:
    credential = lease.credential
    if lease.public_key is None:
        return plain(credential.secret)
    where = place(lease_id=lease.id, credential_id=credential.id, backend_id=lease.backend_id)
    return {
        "sealed": seal_to(public_key=lease.public_key, secret=credential.secret, place=where),
        "backend_id": str(lease.backend_id),
    }
