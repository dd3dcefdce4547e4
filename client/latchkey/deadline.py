"""An end to an answer that has none."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException


@contextmanager
def cut_after(seconds: float, connected: socket.socket) -> Iterator[None]:
    """Ends a connection that goes on for too long, even when something comes all the time.

    Raises:
        TimeoutError: that was needed.
    """
    is_late = threading.Event()
    with socket.socket(fileno=os.dup(connected.fileno())) as twin:
        timer = threading.Timer(seconds, _cut, args=(twin, is_late))
        timer.daemon = True
        # At the very end of a program no thread can be started; then each wait has an end at least.
        with suppress(RuntimeError):
            timer.start()
        try:
            yield
        except (OSError, HTTPException):
            if is_late.is_set():
                raise TimeoutError from None
            raise
        else:
            # Of half a status line, the half that came makes a status too.
            if is_late.is_set():
                raise TimeoutError
        finally:
            timer.cancel()
            if timer.ident is not None:
                timer.join()


def _cut(twin: socket.socket, is_late: threading.Event) -> None:
    is_late.set()
    with suppress(OSError):
        twin.shutdown(socket.SHUT_RDWR)
