"""Server time and queries of the merchant's pages at 10,000 stores: python -m benchmarks.pages.

Fills a database of its own, asks each page through the whole middleware and takes the median. The
last line is JSON: {"queries_max", "server_ms_max", "first_page_kb"}.
"""

import argparse
import gzip
import json
import os
import re
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROUNDS = 15
KEYS_OF_THE_MEASURED = 3
_FILES = re.compile(rb'(?:href|src)="(/static/[^"]+\.(?:css|js|svg))"')


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        _set_up(Path(folder))
        store = _fill(stores=arguments.stores)
        figures = _measure(store)
        for page, (queries, milliseconds) in figures.items():
            sys.stdout.write(f"{page:<60} {queries:3} queries {milliseconds:7.1f} ms\n")
        result = {
            "queries_max": max(queries for queries, _ in figures.values()),
            "server_ms_max": round(max(ms for _, ms in figures.values()), 1),
            "first_page_kb": round(_first_page_bytes() / 1024, 1),
        }
        sys.stdout.write(json.dumps(result) + "\n")


def _set_up(folder: Path) -> None:
    import django  # noqa: PLC0415  # the environment comes first
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    from keyvault.kek.local import create_keyring  # noqa: PLC0415

    create_keyring(folder / "keyring.json")
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    settings.ALLOWED_HOSTS = ["testserver"]


def _fill(*, stores: int) -> Any:  # noqa: ANN401  # models are known after set-up only
    """Stores with a key each; the last one belongs to the person who is measured."""
    from django.db import transaction  # noqa: PLC0415

    from onboarding.people.services import create_merchant, create_person  # noqa: PLC0415
    from onboarding.stores.services import create_store  # noqa: PLC0415

    with transaction.atomic():
        others = create_merchant(name="Others", actor=_actor())
        for number in range(stores - 1):
            made = create_store(
                merchant=others, name=f"Store {number}", app_name="App", actor=_actor()
            )
            _add_key(made)
        owner = create_person(email="owner@example.test")
        company = create_merchant(name="Measured", owner=owner, actor=_actor())
        measured = create_store(merchant=company, name="Measured", app_name="App", actor=_actor())
        for _ in range(KEYS_OF_THE_MEASURED):
            _add_key(measured)
    _add_past()
    return measured


def _add_past() -> None:
    from benchmarks.past import write  # noqa: PLC0415

    write(leases=100_000)


def _actor() -> Any:  # noqa: ANN401  # likewise
    from keyvault.audit import SYSTEM  # noqa: PLC0415

    return SYSTEM


def _add_key(store: Any) -> None:  # noqa: ANN401  # likewise
    from django.utils import timezone  # noqa: PLC0415
    from pydantic import SecretStr  # noqa: PLC0415

    from keyvault import pool, vault  # noqa: PLC0415
    from onboarding.models import Verification  # noqa: PLC0415

    groups = ("content", "products", "customers", "orders", "settings", "tracking")
    credential = vault.store_credential(
        keychain_id=store.pk,
        draft_id=None,
        secret=vault.ApiKeySecret(
            SecretStr(secrets.token_hex(16)), SecretStr(secrets.token_hex(16))
        ),
        name="App mobile",
        endpoint="ecom-eu1",
        language="en",
        limits=[(1, 20), (300, 300), (3600, 3000), (86400, 12000)],
        actor=_actor(),
    )
    pool.seed(credential_id=credential.pk, request_times=[])
    Verification.objects.create(
        store=store,
        credential=credential,
        at=timezone.now(),
        outcome="passed",
        permissions={group: {"read": True, "write": True} for group in groups},
    )


def _measure(store: Any) -> dict[str, tuple[int, float]]:  # noqa: ANN401  # likewise
    """Queries and median milliseconds of each page."""
    from django.db import connection  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from onboarding.models import User  # noqa: PLC0415

    client = Client()
    client.force_login(User.objects.get(email="owner@example.test"))
    base = f"/stores/{store.pk}/"
    steps = f"{base}walkthrough/"
    client.post(f"{steps}1/", {"owner": "yes", "plan": "yes", "keys_wanted": "1"})
    for step in (2, 3):
        client.post(f"{steps}{step}/")
    figures = {}
    for page in (
        base,
        f"{base}usage/",
        f"{base}activity/",
        f"{base}sale/",
        *(f"{steps}{step}/" for step in (1, 2, 3, 4)),
        f"{steps}permissions/",
        f"{base}keys/new/",
        "/accounts/",
    ):
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(page)
        if answer.status_code != 200:  # HTTP's own
            message = f"{page} answered {answer.status_code}"
            raise RuntimeError(message)
        name = page.replace(str(store.pk), "…")
        figures[name] = (len(queries), _median(client, page))
    return figures


def _median(client: Any, page: str) -> float:  # noqa: ANN401  # likewise
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        client.get(page)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def _first_page_bytes() -> int:
    """The sign-in page with everything that it loads, as it goes over the wire."""
    from django.conf import settings  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    page = Client().get("/accounts/login/").content
    root = Path(settings.STATIC_ROOT)
    loaded = {found.decode().removeprefix("/static/") for found in _FILES.findall(page)}
    return len(page) + sum(_sent(root / name) for name in loaded)


def _sent(path: Path) -> int:
    packed = path.with_name(f"{path.name}.gz")
    return packed.stat().st_size if packed.exists() else len(gzip.compress(path.read_bytes()))


if __name__ == "__main__":
    main()
