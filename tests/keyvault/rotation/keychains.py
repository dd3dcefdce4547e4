"""Makes keychains in bulk: python -m tests.keyvault.rotation.keychains N."""

import os
import sys
import uuid

import django
from django.apps import apps

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()

from keyvault import envelope  # only now is Django set up
from keyvault.models import Keychain, WrappedDek
from keyvault.vault.custody import active_provider

BATCH = 5000


def make(count: int) -> None:
    provider = active_provider()
    for start in range(0, count, BATCH):
        chains = [Keychain(id=uuid.uuid4(), kind="store") for _ in range(min(BATCH, count - start))]
        Keychain.objects.bulk_create(chains)
        keys = [provider.wrap(dek=envelope.new_dek(), keychain=chain.id.hex) for chain in chains]
        WrappedDek.objects.bulk_create(
            WrappedDek(keychain=chain, kek_id=key.kek_id, wrapped=key.wrapped)
            for chain, key in zip(chains, keys, strict=True)
        )


if __name__ == "__main__":
    make(int(sys.argv[1]))
