"""A pool in a process that is forked: what is another's is not touched."""

import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.client.answering import answering
from tests.client.desk import HEADERS, Desk

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "client"))

from latchkey.connection import Connection
from latchkey.errors import LatchkeyError

STORES = b'{"stores": [], "next": null}'
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(STORES) + STORES


def _in_child(work: Callable[[], object]) -> str:
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Of threads that the child has not; here that is what is tried.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        with suppress(BaseException):
            os.write(writing, str(work()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    os.waitpid(child, 0)
    return said


def test_a_child_spends_a_lease_of_its_own() -> None:
    desk = Desk()
    pool = desk.pool()
    held = pool.take()

    def work() -> tuple[str, list[str]]:
        mine = pool.take()
        pool.give_back(held, status=200, headers=HEADERS)
        pool.close()
        return mine.lease.id, [each["id"] for each in desk.settled]

    assert _in_child(work) == "('lease-2', ['lease-2'])"
    assert pool.take() is held


def test_a_child_is_not_held_up_by_who_was_asking() -> None:
    desk = Desk()
    pool = desk.pool()

    with pool._leasing:  # as another thread would
        assert _in_child(lambda: pool.take().lease.id) == "lease-1"


def test_a_child_talks_on_a_connection_of_its_own() -> None:
    with answering(PAGE, PAGE) as server:
        connection = Connection(url=server.url, token="lk_x")  # nobody's
        assert list(connection.stores()) == []
        (kept,) = connection._idle  # what is open

        assert _in_child(lambda: connection._idle) == "[]"  # the same

        assert connection._idle == [kept]  # the same
        with suppress(LatchkeyError):
            assert list(connection.stores()) == []
        connection.close()
