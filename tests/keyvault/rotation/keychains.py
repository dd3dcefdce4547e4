"""Makes keychains in bulk, or checks that each one unwraps: python -m …keychains make N | check."""

import json
import os
import sys
import uuid

import django
from django.apps import apps

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()

from keyvault import envelope  # only now is Django set up
from keyvault.errors import VaultError
from keyvault.kek.provider import WrappedKey
from keyvault.models import Keychain, WrappedDek
from keyvault.vault.custody import active_provider, provider_of

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


def check() -> dict[str, int]:
    """How many unwrap under the KEK that they name, and how many do not."""

    found = {"readable": 0, "unreadable": 0, "old": 0}
    active = active_provider().active_id()
    for dek in WrappedDek.objects.iterator(chunk_size=BATCH):
        try:
            key = WrappedKey(dek.kek_id, bytes(dek.wrapped))
            provider_of(dek.kek_id).unwrap(key=key, keychain=dek.keychain_id.hex)
            found["readable"] += 1
        except VaultError:
            found["unreadable"] += 1
        found["old"] += dek.kek_id != active
    return found


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(int(sys.argv[2]))
    else:
        sys.stdout.write(json.dumps(check()))
