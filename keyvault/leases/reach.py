"""Whether a backend may call, from where, for which stores, and what its leases are sealed to.

All of it is read with each request, so a change holds from the next one on, in every process.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv6Network, ip_network
from uuid import UUID

from django.db import transaction

from keyvault import audit
from keyvault.audit import Action, Actor
from keyvault.errors import UnknownRecordError
from keyvault.models import Backend, Keychain, WebhookEndpoint


def usable_networks(words: Sequence[str]) -> str:
    """Networks as they are kept: "192.0.2.0/24 2001:db8::/32".

    Raises:
        ValueError: one of them is none.
    """
    networks = [ip_network(each) for each in words]
    for each in networks:
        if isinstance(each, IPv6Network) and each.network_address.ipv4_mapped is not None:
            message = f"{each} fits nobody: write an IPv4 network as such"
            raise ValueError(message)
    return " ".join(map(str, networks))


def switch_backend(*, backend_id: UUID, is_active: bool, actor: Actor) -> None:
    """Switches a backend off or on again, with all its tokens and webhooks.

    While it is off its tokens are refused, and what it was to be told waits.

    Args:
        backend_id: which one.
        is_active: what it is to be.
        actor: who does it.

    Raises:
        UnknownRecordError: no such backend, or it is so already.
    """
    with transaction.atomic():
        others = Backend.objects.filter(pk=backend_id).exclude(is_active=is_active)
        if not others.update(is_active=is_active):
            message = f"no backend {backend_id} that is switched {'off' if is_active else 'on'}"
            raise UnknownRecordError(message)
        if is_active:
            # Nobody tried its addresses meanwhile, so their three days begin anew.
            WebhookEndpoint.objects.filter(backend=backend_id).update(failing_since=None)
        _note(backend_id, actor=actor, facts={"active": is_active})


def set_networks(*, backend_id: UUID, networks: Sequence[str], actor: Actor) -> None:
    """Says from where a backend may call.

    Args:
        backend_id: which one.
        networks: "192.0.2.0/24"; empty: anywhere.
        actor: who does it.

    Raises:
        ValueError: one of the networks is none.
        UnknownRecordError: no such backend.
    """
    kept = usable_networks(networks)
    with transaction.atomic():
        backend = _locked(backend_id)
        backend.networks = kept
        backend.save(update_fields=["networks"])
        _note(backend_id, actor=actor, facts={"networks": len(networks)})


def set_stores(*, backend_id: UUID, stores: Iterable[UUID] | None, actor: Actor) -> None:
    """Says which stores a backend may lease from; what it has leased it may still settle.

    Args:
        backend_id: which one.
        stores: their keychains; None: all, those made later included.
        actor: who does it.

    Raises:
        UnknownRecordError: no such backend or store; nothing was changed.
    """
    with transaction.atomic():
        backend = _locked(backend_id)
        assign_stores(backend, stores)
        facts = {"all_stores": backend.has_all_stores, "stores": backend.stores.count()}
        _note(backend_id, actor=actor, facts=facts)


def set_public_key(*, backend_id: UUID, key: bytes, actor: Actor) -> None:
    """Says what a backend's leases are sealed to from now on; there is no way back to plain ones.

    Args:
        backend_id: which one.
        key: see `keyvault.leases.sealed.usable_public_key`.
        actor: who does it.

    Raises:
        UnknownRecordError: no such backend.
    """
    with transaction.atomic():
        backend = _locked(backend_id)
        backend.public_key = key
        backend.save(update_fields=["public_key"])
        _note(backend_id, actor=actor, facts={"public_key": base64.b64encode(key).decode("ascii")})


def assign_stores(backend: Backend, stores: Iterable[UUID] | None) -> None:
    """Writes the stores of a backend, in the caller's transaction.

    Raises:
        UnknownRecordError: one of them does not exist.
    """
    wanted = set(stores or ())
    found = Keychain.objects.filter(pk__in=wanted, kind=Keychain.Kind.STORE)
    if missing := wanted - {chain.pk for chain in found}:
        message = f"no store {min(missing)}"
        raise UnknownRecordError(message)
    backend.has_all_stores = stores is None
    backend.save(update_fields=["has_all_stores"])
    backend.stores.set(found)


def _locked(backend_id: UUID) -> Backend:
    backend = Backend.objects.select_for_update(no_key=True).filter(pk=backend_id).first()
    if backend is None:
        message = f"no backend {backend_id}"
        raise UnknownRecordError(message)
    return backend


def _note(backend_id: UUID, *, actor: Actor, facts: Mapping[str, int | str]) -> None:
    audit.record(
        action=Action.BACKEND_CHANGED,
        actor=actor,
        subject=f"backend:{backend_id}",
        facts=facts,
    )
