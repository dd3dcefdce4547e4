"""Keychains in bulk, as if they had been made one by one."""

import uuid

from keyvault import envelope
from keyvault.kek.provider import WrappedKey
from keyvault.models import Keychain, WrappedDek
from keyvault.vault.custody import active_provider

BATCH = 5000


def make_keychains(count: int) -> list[tuple[Keychain, WrappedKey]]:
    """So many keychains with a DEK each under the active KEK."""
    provider = active_provider()
    chains = [Keychain(id=uuid.uuid4(), kind="store") for _ in range(count)]
    keys = [provider.wrap(dek=envelope.new_dek(), keychain=chain.id.hex) for chain in chains]
    made = list(zip(chains, keys, strict=True))
    Keychain.objects.bulk_create(chains, batch_size=BATCH)
    WrappedDek.objects.bulk_create(
        (WrappedDek(keychain=chain, kek_id=key.kek_id, wrapped=key.wrapped) for chain, key in made),
        batch_size=BATCH,
    )
    return made
