"""Work that many threads begin at the same moment, each with a connection of its own."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """Runs each in a thread; gives what each returns or raises, in their order."""
    found: list[Any] = [None] * len(works)
    start = threading.Barrier(len(works))

    def run(number: int) -> None:
        start.wait()
        try:
            found[number] = works[number]()
        except Exception as error:  # noqa: BLE001  # the caller looks at it
            found[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
