"""A stand-in inside another program: tests and benchmarks start it in a thread.

with RunningSimulator() as simulator:
    simulator.put_key(key="0" * 32, secret="f" * 32)
    client = make_client(simulator.url_eu1)
    simulator.add_fault(path="account/permissions", kind="429")
    assert simulator.stats()["requests"] == 0
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self, TypeVar

from simulator.limits import DEFAULT_LIMITS, parse_limits
from simulator.retail.control import RetailControl
from simulator.server import HOST, Options, WindowKind, build_site, serve
from simulator.windows import Clock

START_SECONDS = 10

Result = TypeVar("Result")


class RunningSimulator:
    """Both clusters on free loopback ports, from `with` to the end of its block.

    Args:
        windows: "fixed" or "sliding".
        limits: As on the command line, `20/1,300/300`; None takes the vendor's own.
        state_file: Where keys are kept, or None.
        quiet_seconds: How long a client may take to finish its next request.
        clock: Seconds since the epoch; called from the simulator's thread.
    """

    def __init__(
        self,
        *,
        windows: str = "fixed",
        limits: str | None = None,
        state_file: Path | None = None,
        quiet_seconds: float = 60,
        clock: Clock = time.time,
    ) -> None:
        self._options = Options(
            windows=WindowKind(windows),
            limits=DEFAULT_LIMITS if limits is None else parse_limits(limits),
            state_file=state_file,
            quiet_seconds=quiet_seconds,
            clock=clock,
        )
        self._site = build_site(self._options)
        self._ports: Future[dict[str, int]] = Future()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ports.result(timeout=START_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=START_SECONDS)

    @property
    def url_eu1(self) -> str:
        """Where the cluster eu1 answers, without a slash at the end."""
        return self._url("eu1")

    @property
    def url_us1(self) -> str:
        """Where the cluster us1 answers, without a slash at the end."""
        return self._url("us1")

    def put_key(
        self,
        *,
        key: str,
        secret: str | None = None,
        cluster: str | None = None,
        permissions: Mapping[str, Mapping[str, bool]] | None = None,
        enabled: bool | None = None,
        shop_id: int | None = None,
        language: str | list[str] | None = None,
    ) -> dict[str, object]:
        """Create a key, or change the fields that are given; a new key is eu1's by default.

        Raises:
            ControlError: A field is wrong.
        """
        fields = _given(
            key=key,
            secret=secret,
            cluster=cluster,
            permissions=permissions,
            enabled=enabled,
            shop_id=shop_id,
            language=language,
        )
        described, _ = self._call(lambda: self._site.control.put_key(fields, default_cluster="eu1"))
        return described

    def put_app(self, **fields: str) -> None:
        """Register a partner app: `key`, `secret`, `success_url`, `cancel_url`, `uninstall_url`.

        Raises:
            ControlError: A field is wrong.
        """
        self._call(lambda: self._site.state.apps.put(fields))

    def add_fault(
        self,
        *,
        path: str,
        kind: str,
        count: int = 1,
        seconds: float | None = None,
        size_bytes: int | None = None,
    ) -> dict[str, object]:
        """Let the next `count` requests of a path go wrong.

        Raises:
            ControlError: A field is wrong.
        """
        fields = _given(path=path, kind=kind, count=count, seconds=seconds, bytes=size_bytes)
        return self._call(lambda: self._site.control.add_fault(fields))

    def retail(self, action: Callable[[RetailControl], Result]) -> Result:
        """Steer R- and X-Series: `simulator.retail(lambda control: control.grants())`."""
        return self._call(lambda: action(self._site.control.retail))

    def stats(self) -> dict[str, Any]:
        """Give `requests`, `by_status` and `token_calls`."""
        return self._call(self._site.state.stats.as_json)

    def reset(self) -> None:
        """Clear windows, faults and numbers; keys stay."""
        self._call(self._site.state.reset)

    def _url(self, cluster: str) -> str:
        return f"http://{HOST}:{self._ports.result(timeout=0)[cluster]}"

    def _call(self, action: Callable[[], Result]) -> Result:
        """Run something in the simulator's thread, where all its state lives."""
        outcome: Future[Result] = Future()

        def act() -> None:
            try:
                outcome.set_result(action())
            except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
                outcome.set_exception(error)

        self._loop.call_soon_threadsafe(act)
        return outcome.result(timeout=START_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await serve(
            site=self._site,
            options=self._options,
            stop=self._stop,
            announce=self._ports.set_result,
        )


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}
