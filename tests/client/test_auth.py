"""The auth object under httpx and requests: what becomes of each permit."""

import asyncio
import gc
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests
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
