"""A server that answers every request with the same bytes, whatever they are."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Answering:
    """Listens on a port of its own.

    Attributes:
        pieces: what it answers, the second when it is asked again on the same connection; then it
            hangs up, or drips until nobody listens.
        asked: how many requests came.
    """

    def __init__(self, pieces: list[bytes], *, is_dripping: bool) -> None:
        self.pieces = pieces
        self.asked = 0
        self._is_dripping = is_dripping
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                with client, suppress(OSError):
                    self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        for piece in self.pieces:
            _read_request(client)
            self.asked += 1
            client.sendall(piece)
        client.settimeout(0.01)
        while self._is_dripping:
            client.sendall(b" ")
            with suppress(TimeoutError):
                client.recv(1)


def _read_request(client: socket.socket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += _received(client)
    head, _, body = head.partition(b"\r\n\r\n")
    told = [each for each in head.lower().split(b"\r\n") if each.startswith(b"content-length:")]
    left = int(told[0].split(b":")[1]) - len(body) if told else 0
    while left > 0:
        left -= len(_received(client))


def _received(client: socket.socket) -> bytes:
    received = client.recv(65536)
    if not received:
        raise ConnectionResetError
    return received


@contextmanager
def answering(*pieces: bytes, is_dripping: bool = False) -> Iterator[Answering]:
    """Serves until it is left."""
    server = Answering(list(pieces), is_dripping=is_dripping)
    try:
        yield server
    finally:
        server.close()
