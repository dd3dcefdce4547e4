"""A connection to the simulated vendor."""

import base64
import http.client
import time

# The vendor hangs up on who is silent for a minute.
IDLE_SECONDS = 30


class Vendor:
    """Sends one request after the other, by a new connection when the last was long ago."""

    def __init__(self, *, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._used_at = time.monotonic()

    def get(self, key: str, secret: str) -> tuple[int, dict[str, str]]:
        """One request by a key: the status and the headers."""
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            self._connection.close()
        pair = base64.b64encode(f"{key}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        self._connection.request("GET", "/nl/products/count.json", headers=headers)
        response = self._connection.getresponse()
        response.read()
        self._used_at = time.monotonic()
        return response.status, dict(response.headers)
