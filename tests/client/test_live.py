"""The client against a running Latchkey, and a vendor that counts."""

import asyncio
import base64
import json
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from keyvault.models import AuditEntry, Keychain, Lease
from tests.keyvault import factories
from tests.keyvault.lending import key_of, token_of

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "client"))

import latchkey
from latchkey.cli import main

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


class Vendor:
    """Answers with how often it was asked."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/")
        self.keys: list[str] = []
        self.status = 200
        server.expect_request("/nl/products.json").respond_with_handler(self._answer)
        elsewhere = {"Location": server.url_for("/nl/products.json")}
        server.expect_request("/nl/old.json").respond_with_data(status=302, headers=elsewhere)

    def _answer(self, request: Request) -> Response:
        pair = base64.b64decode(request.headers["Authorization"].removeprefix("Basic "))
        self.keys.append(pair.decode().partition(":")[0])
        spent = len(self.keys)
        headers = {
            "X-RateLimit-Limit": "300/3000/12000",
            "X-RateLimit-Remaining": f"{300 - spent}/{3000 - spent}/{12000 - spent}",
            "X-RateLimit-Reset": "200/2000/20000",
        }
        return Response("{}", status=self.status, headers=headers)


@pytest.fixture
def vendor(httpserver: HTTPServer, settings: Settings) -> Vendor:
    vendor = Vendor(httpserver)
    settings.KEYVAULT_ENDPOINTS = {**settings.KEYVAULT_ENDPOINTS, "ecom-eu1": vendor.url}
    return vendor


@pytest.fixture
def store(vendor: Vendor, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Keychain:
    store = factories.keychain("Bakery")
    key_of(store)
    monkeypatch.setenv("LATCHKEY_URL", live_server.url)
    monkeypatch.setenv("LATCHKEY_TOKEN", token_of())
    return store


def _spent() -> int:
    return sum(Lease.objects.exclude(token=None).values_list("counted", flat=True))


def test_a_program_of_requests_moves_by_one_line(store: Keychain, vendor: Vendor) -> None:
    with latchkey.pool(str(store.pk)) as pool:
        session = requests.Session()
        session.auth = pool.auth
        answers = [session.get(f"{pool.base_url}nl/products.json").status_code for _ in range(6)]

    assert answers == [200] * 6
    assert len(vendor.keys) == 6
    assert _spent() == 6
    assert set(Lease.objects.values_list("outcome", flat=True)) == {"ok"}


def test_a_redirect_that_is_followed_is_a_second_request(store: Keychain, vendor: Vendor) -> None:
    with latchkey.pool(str(store.pk)) as pool:
        url, auth = f"{pool.base_url}nl/old.json", pool.auth
        assert requests.get(url, auth=auth, timeout=30).url == f"{vendor.url}nl/products.json"

    assert Lease.objects.get().outcome == "ok"
    assert _spent() == 2


def test_a_redirect_that_httpx_follows_is_a_second_request(store: Keychain, vendor: Vendor) -> None:
    with (
        latchkey.pool(str(store.pk)) as pool,
        httpx2.Client(base_url=pool.base_url, auth=pool.auth) as client,
    ):
        assert client.get("nl/old.json", follow_redirects=True).status_code == 200
        assert client.get("nl/old.json").status_code == 302

    assert len(vendor.keys) == 1
    assert _spent() == 3


def test_a_program_of_httpx_moves_by_one_line(store: Keychain, vendor: Vendor) -> None:
    with (
        latchkey.pool(str(store.pk)) as pool,
        httpx2.Client(base_url=pool.base_url, auth=pool.auth) as client,
    ):
        answers = [client.get("nl/products.json").status_code for _ in range(6)]

    assert answers == [200] * 6
    assert _spent() == len(vendor.keys) == 6


def test_an_async_program_of_httpx_moves_by_one_line(store: Keychain, vendor: Vendor) -> None:
    async def spend() -> list[int]:
        with latchkey.pool(str(store.pk)) as pool:
            async with httpx2.AsyncClient(base_url=pool.base_url, auth=pool.auth) as client:
                answers = await asyncio.gather(*(client.get("nl/products.json") for _ in range(6)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(spend()) == [200] * 6
    assert _spent() == len(vendor.keys) == 6


def test_threads_share_a_pool_and_nothing_is_spent_twice(store: Keychain, vendor: Vendor) -> None:
    with latchkey.pool(str(store.pk)) as pool:
        url, auth = f"{pool.base_url}nl/products.json", pool.auth

        def spend() -> None:
            for _ in range(3):
                assert requests.get(url, auth=auth, timeout=30).status_code == 200

        threads = [threading.Thread(target=spend) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(vendor.keys) == 15
    assert _spent() == 15


def test_a_refused_key_is_told_and_another_is_lent(store: Keychain, vendor: Vendor) -> None:
    key_of(store)
    vendor.status = 401
    with latchkey.pool(str(store.pk)) as pool:
        url, auth = f"{pool.base_url}nl/products.json", pool.auth
        assert requests.get(url, auth=auth, timeout=30).status_code == 401
        vendor.status = 200
        assert requests.get(url, auth=auth, timeout=30).status_code == 200

    assert len(set(vendor.keys)) == 2
    assert AuditEntry.objects.filter(action="credential.suspended").count() == 1


def test_no_key_left_is_said_as_it_is(store: Keychain, vendor: Vendor) -> None:
    store.credentials.update(state="paused")

    with latchkey.pool(str(store.pk)) as pool, pytest.raises(latchkey.LeaseRefusedError) as refusal:
        pool.take()

    assert (refusal.value.status, refusal.value.type) == (409, "no-credential")


def test_the_command_line_lists_lends_and_watches(
    store: Keychain, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["stores"]) == 0
    assert capsys.readouterr().out == f"{store.pk}  ok             Bakery\n"

    assert main(["lease", str(store.pk), "--permits", "3", "--batch"]) == 0
    lent: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert lent["permits"] == 3
    assert lent["key"]
    assert lent["secret"]
    assert Lease.objects.get(pk=lent["id"]).is_batch

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("latchkey.cli.time.sleep", interrupt)
    assert main(["tail", str(store.pk)]) == 0
    assert "297/300 in 300 s" in capsys.readouterr().out

    assert main(["lease", "00000000-0000-4000-8000-000000000000"]) == 1
    assert "not-found" in capsys.readouterr().err


def test_without_an_address_the_command_line_says_what_to_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LATCHKEY_URL", raising=False)

    assert main(["stores"]) == 1
    assert "LATCHKEY_URL" in capsys.readouterr().err
