"""The auth object under httpx and requests: what becomes of each permit."""

import asyncio
import base64
import gc
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests
from pytest_httpserver import HTTPServer
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from tests.client.answering import answering
from tests.client.desk import HEADERS, USE_BY, Desk

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "client"))

from latchkey.errors import PoolEmptyError
from latchkey.pool import Pool

NOBODY = "http://127.0.0.1:1/"


@pytest.fixture
def desk() -> Desk:
    return Desk()


def _get(pool: Pool, answer: httpx2.Response | BaseException) -> None:
    def respond(_request: httpx2.Request) -> httpx2.Response:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    with httpx2.Client(transport=httpx2.MockTransport(respond), auth=pool.auth) as client:
        client.get("https://vendor.example.test/nl/products.json")


def test_a_request_of_requests_that_fails_is_counted_and_settled(desk: Desk) -> None:
    pool = desk.pool()
    for _ in range(4):
        with pytest.raises(requests.ConnectionError):
            requests.get(NOBODY, auth=pool.auth, timeout=5)

    # An error that was caught may be part of a circle.
    gc.collect()
    _get(pool, httpx2.Response(200, headers=HEADERS))

    assert [(each["used"], each["last_used_at"]) for each in desk.settled] == [(4, USE_BY)]


def test_what_fails_on_the_way_out_is_counted_too(desk: Desk) -> None:
    with pytest.raises(requests.ConnectionError), desk.pool() as pool:
        requests.get(NOBODY, auth=pool.auth, timeout=5)

    assert desk.settled[0]["used"] == 1


def test_a_request_of_httpx_that_fails_is_counted_and_settled(desk: Desk) -> None:
    pool = desk.pool()
    with pytest.raises(httpx2.ReadTimeout):
        _get(pool, httpx2.ReadTimeout("no answer"))
    with pytest.raises(KeyboardInterrupt):
        _get(pool, KeyboardInterrupt())
    _get(pool, httpx2.Response(200, headers=HEADERS))

    pool.close()

    assert (desk.settled[0]["used"], desk.settled[0]["last_used_at"]) == (3, USE_BY)


def test_requests_that_urllib3_repeats_are_further_requests(desk: Desk) -> None:
    refusal = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with (
        answering(refusal, refusal, answer) as server,
        desk.pool() as pool,
        requests.Session() as session,
    ):
        again = Retry(3, status_forcelist=[503], backoff_factor=0)
        session.mount("http://", HTTPAdapter(max_retries=again))
        assert session.get(server.url, auth=pool.auth, timeout=5).status_code == 200

    assert desk.settled[0]["used"] == 3


def test_a_task_that_is_cancelled_while_it_waits_takes_no_permit(desk: Desk) -> None:
    asked, answered = threading.Event(), threading.Event()

    class Slow(Desk):
        def lease(self, store: str, **asks: Any) -> Any:
            asked.set()
            assert answered.wait(10)
            return super().lease(store, **asks)

    slow = Slow()

    async def cancel() -> Pool:
        pool = slow.pool()
        task = asyncio.create_task(pool.take_async())
        await asyncio.to_thread(asked.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        answered.set()
        held = await pool.take_async()
        await pool.give_back_async(held, status=200, headers=HEADERS)
        return pool

    asyncio.run(cancel()).close()

    assert [each["used"] for each in slow.settled] == [1]


def test_tasks_that_wait_for_permits_hold_no_thread(desk: Desk) -> None:
    """The event loop has few of them, and looks up names with them."""
    desk.answers = [PoolEmptyError(retry_after_seconds=3600)]
    pool = desk.pool(wait_seconds=7200)

    async def wait() -> str:
        tasks = [asyncio.create_task(pool.take_async()) for _ in range(100)]
        await asyncio.sleep(0)
        answer = await asyncio.wait_for(asyncio.to_thread(str, "there"), 10)
        for task in tasks:
            assert task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return answer

    assert asyncio.run(wait()) == "there"
    assert desk.slept == []


def _held_up(desk: Desk, names: list[str]) -> Callable[[str, object], None]:
    """A program's own trace, which sees how a connection is long in coming."""

    def trace(name: str, _info: object) -> None:
        names.append(name)
        if name == "connection.connect_tcp.complete":
            desk.now += 5

    return trace


def test_a_request_that_was_held_up_is_sent_with_another_permit(
    desk: Desk, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/").respond_with_data("", headers=HEADERS)
    names: list[str] = []
    trace = _held_up(desk, names)
    with desk.pool() as pool, httpx2.Client(auth=pool.auth) as client:
        client.get(httpserver.url_for("/"), extensions={"trace": trace})

    assert _keys_at(httpserver) == ["k2"]
    assert [(each["id"], each["used"]) for each in desk.settled] == [("lease-1", 0), ("lease-2", 1)]
    assert "http11.send_request_headers.started" in names


def test_a_request_of_a_task_that_was_held_up_is_sent_with_another_permit(
    desk: Desk, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/").respond_with_data("", headers=HEADERS)
    blocking = _held_up(desk, [])

    async def trace(name: str, info: object) -> None:
        blocking(name, info)

    async def get() -> None:
        with desk.pool() as pool:
            async with httpx2.AsyncClient(auth=pool.auth) as client:
                await client.get(httpserver.url_for("/"), extensions={"trace": trace})

    asyncio.run(get())

    assert _keys_at(httpserver) == ["k2"]
    assert [(each["id"], each["used"]) for each in desk.settled] == [("lease-1", 0), ("lease-2", 1)]


def test_a_request_that_finds_no_other_permit_is_not_sent(
    desk: Desk, httpserver: HTTPServer
) -> None:
    trace = _held_up(desk, [])
    with desk.pool(wait_seconds=1) as pool, httpx2.Client(auth=pool.auth) as client:
        assert pool.base_url
        desk.answers = [PoolEmptyError(retry_after_seconds=9)] * 2
        with pytest.raises(PoolEmptyError):
            client.get(httpserver.url_for("/"), extensions={"trace": trace})
        desk.answers = []

    assert httpserver.log == []
    assert sum(each["used"] for each in desk.settled) == 0


def _keys_at(server: HTTPServer) -> list[str]:
    pairs = [each.headers["Authorization"].removeprefix("Basic ") for each, _ in server.log]
    return [base64.b64decode(each).decode().partition(":")[0] for each in pairs]
