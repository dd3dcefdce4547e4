"""Fills the database of this environment with stores and keys; prints JSON for the load."""

import argparse
import json
import os
import secrets
import sys

import django


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=200, help="or how often the turns of --keys")
    parser.add_argument("--keys", default="3", help='"3", or in turn "1,3,10"')
    parser.add_argument(
        "--limits", default="20/1,300/300,3000/3600,12000/86400", help="windows of each key"
    )
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    windows = (each.partition("/") for each in arguments.limits.split(","))
    limits = [(int(seconds), int(limit)) for limit, _, seconds in windows]
    keys = [int(each) for each in arguments.keys.split(",")] * arguments.stores
    sys.stdout.write(json.dumps(stock(keys=keys, limits=limits)))


def stock(*, keys: list[int], limits: list[tuple[int, int]]) -> dict[str, object]:
    """Stores with so many keys each, and a backend that may lease from all of them."""
    from django.core.management import call_command  # noqa: PLC0415  # Django must be set up first
    from django.db import transaction  # noqa: PLC0415
    from pydantic import SecretStr  # noqa: PLC0415

    from keyvault import pool, vault  # noqa: PLC0415
    from keyvault.audit import SYSTEM  # noqa: PLC0415
    from keyvault.leases import Scope, create_backend  # noqa: PLC0415
    from keyvault.models import Keychain  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    made, pairs = [], []
    with transaction.atomic():
        for number, of_store in enumerate(keys):
            keychain = vault.create_keychain(
                kind=Keychain.Kind.STORE, label=f"Store {number}", actor=SYSTEM
            )
            mine = [(secrets.token_hex(16), secrets.token_hex(16)) for _ in range(of_store)]
            pairs.append(mine)
            for pair in mine:
                credential = vault.store_credential(
                    keychain_id=keychain.pk,
                    draft_id=None,
                    secret=vault.ApiKeySecret(SecretStr(pair[0]), SecretStr(pair[1])),
                    name="load",
                    endpoint="ecom-eu1",
                    language="nl",
                    limits=limits,
                    actor=SYSTEM,
                )
                pool.seed(credential_id=credential.pk, request_times=[])
            made.append(str(keychain.pk))
        token = create_backend(
            name=f"load-{secrets.token_hex(4)}",
            scopes=list(Scope),
            stores=None,
            days=1,
            actor=SYSTEM,
        ).token.get_secret_value()
    return {"token": token, "stores": made, "pairs": pairs}


if __name__ == "__main__":
    main()
