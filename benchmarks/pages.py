"""Server time and queries of the merchant's pages at 10,000 stores: python -m benchmarks.pages.

Fills a database of its own (SQLite, so the database's work is this process's) and asks each page
through the whole middleware. It counts the time that the process computes and takes the least of
some rounds: what else the machine does must not count. Then it weighs the first page as a browser
gets it. The last line is JSON: {"queries_max", "server_ms_max",
"first_page_kb"}. `--queries /stores/…/` prints what the pages whose name it begins ask.
"""

import argparse
import gzip
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROUNDS = 15
_FILES = re.compile(rb'(?:href|src)="(/static/[^"]+)"')
_FETCHED_BY_STYLES = re.compile(rb"url\(\"?([^)\"]+)\"?\)")
SALE = "sale_on={day}&visitors=5000&orders=200&app_percent=40"


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=10_000)
    parser.add_argument("--queries", default="", help="print the queries of these pages")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        _set_up(Path(folder))
        from benchmarks.town import build  # noqa: PLC0415  # Django must be set up first

        began = time.perf_counter()
        store = build(stores=arguments.stores)
        _settle()
        print(f"{arguments.stores} stores in {time.perf_counter() - began:.0f} s")
        figures = {name: _measure(*page) for name, *page in _pages(store)}
        for name, (queries, milliseconds) in figures.items():
            print(f"{name:<48} {len(queries):3} queries {milliseconds:7.1f} ms")
            if arguments.queries and name.startswith(arguments.queries):
                print("\n".join(f"    {each}" for each in queries))
        result = {
            "queries_max": max(len(queries) for queries, _ in figures.values()),
            "server_ms_max": round(max(ms for _, ms in figures.values()), 1),
            "first_page_kb": round(_first_page_bytes() / 1024, 1),
        }
        print(json.dumps(result))


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


def _settle() -> None:
    """Statistics for the planner, as a database that has lived for a while has them."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _pages(store: Any) -> Iterator[tuple[str, Any, str]]:  # noqa: ANN401  # models come after set-up
    """The name, the browser and the address of every merchant page."""
    from datetime import timedelta  # noqa: PLC0415

    from django.utils import timezone  # noqa: PLC0415

    from benchmarks.town import AGENCY, OWNER  # noqa: PLC0415
    from keyvault.models import Credential  # noqa: PLC0415

    owner, agency = _browser(OWNER), _browser(AGENCY)
    base, people = f"/stores/{store.pk}/", f"/merchants/{store.merchant_id}/people/"
    key = Credential.objects.filter(keychain_id=store.pk, kind="basic", state="active")[0]
    token = Credential.objects.get(keychain_id=store.pk, kind="bearer")
    colleague = store.merchant.members.filter(role="member")[0]
    day = (timezone.localdate() + timedelta(days=20)).isoformat()
    yield "/stores/ of an agency", agency, "/stores/"
    yield "/stores/?page=100 of an agency", agency, "/stores/?page=100"
    for name, path in (
        ("", ""),
        ("usage/", "usage/"),
        ("activity/", "activity/"),
        ("sale/", "sale/"),
        ("sale/?figures", f"sale/?{SALE.format(day=day)}"),
        ("sale/cases/…/", f"sale/cases/{store.cases.get().pk}/"),
        *((f"walkthrough/{step}/", f"walkthrough/{step}/") for step in (1, 2, 3, 4)),
        ("walkthrough/permissions/", "walkthrough/permissions/"),
        ("walkthrough/someone-else/", "walkthrough/someone-else/"),
        ("walkthrough/no-api-access/", "walkthrough/no-api-access/"),
        ("keys/new/", "keys/new/"),
        ("keys/new/?replaces", f"keys/new/?replaces={key.pk}"),
        ("keys/new/…/", f"keys/new/{store.submissions.get().pk}/"),
        ("keys/…/remove/", f"keys/{key.pk}/remove/"),
        ("connect/retail-x/", "connect/retail-x/"),
        ("connections/…/disconnect/", f"connections/{token.pk}/disconnect/"),
    ):
        yield f"/stores/…/{name}", owner, f"{base}{path}"
    yield "/merchants/…/people/", owner, people
    yield "/merchants/…/people/…/remove/", owner, f"{people}{colleague.pk}/remove/"
    for path in ("", "sessions/", "password/change/", "email/", "2fa/", "2fa/webauthn/", "logout/"):
        yield f"/accounts/{path}", owner, f"/accounts/{path}"
    yield "/accounts/login/", _browser(), "/accounts/login/"
    yield "/help/", _browser(), "/help/"


def _browser(email: str = "") -> Any:  # noqa: ANN401  # likewise
    from django.test import Client  # noqa: PLC0415

    from onboarding.models import User  # noqa: PLC0415

    client = Client()
    if email:
        client.force_login(User.objects.get(email=email))
    return client


def _measure(client: Any, page: str) -> tuple[list[str], float]:  # noqa: ANN401  # likewise
    """What one look at a page asks, and the least of its milliseconds."""
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    client.get(page)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(page)
    if answer.status_code != 200:  # HTTP's own
        message = f"{page} answered {answer.status_code}"
        raise RuntimeError(message)
    return [query["sql"] for query in queries], min(_times(client, page))


def _times(client: Any, page: str) -> Iterator[float]:  # noqa: ANN401  # likewise
    for _ in range(ROUNDS):
        began = time.process_time()
        client.get(page)
        yield (time.process_time() - began) * 1000


def _first_page_bytes() -> int:
    """The sign-in page with everything that it loads, as it goes over the wire."""
    from django.conf import settings  # noqa: PLC0415

    page = _browser().get("/accounts/login/").content
    root = Path(settings.STATIC_ROOT)
    loaded = {root / name.decode().removeprefix("/static/") for name in _FILES.findall(page)}
    loaded |= {
        style.parent / name.decode()
        for style in loaded
        if style.suffix == ".css"
        for name in _FETCHED_BY_STYLES.findall(style.read_bytes())
        if not name.startswith((b"data:", b"#"))
    }
    return len(page) + sum(map(_sent, loaded))


def _sent(path: Path) -> int:
    packed = path.with_name(f"{path.name}.gz")
    return packed.stat().st_size if packed.exists() else len(gzip.compress(path.read_bytes()))


if __name__ == "__main__":
    main()
