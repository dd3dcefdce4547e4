"""What a part prints, told to whoever waits for it."""

import threading
from typing import IO


class Output:
    """Follows a process's output until all who write to it have ended.

    Attributes:
        text: everything that was printed so far.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self.text = ""
        self._stream = stream
        self._is_over = False
        self._news = threading.Condition()
        threading.Thread(target=self._follow, daemon=True).start()

    def wait_for(self, what: str, *, seconds: float) -> None:
        """Return as soon as it was printed, or nothing more can come."""
        with self._news:
            self._news.wait_for(lambda: self._is_over or what in self.text, timeout=seconds)

    def _follow(self) -> None:
        with self._stream:
            for line in self._stream:
                with self._news:
                    self.text += line.decode(errors="replace")
                    self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()
