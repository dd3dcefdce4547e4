"""Sending spans by OTLP/HTTP in JSON (opentelemetry-proto 1.x), from a thread of its own.

Nothing waits for it: a full queue drops what is new, a collector that is away costs the spans of
that time, and both are counted in the log.
"""

import atexit
import contextlib
import os
import queue
import threading
from collections.abc import Mapping
from typing import Any

import httpx2
import structlog

from config.tracing.spans import Span, Value

MOST_WAITING = 4096
MOST_AT_ONCE = 512
EVERY_SECONDS = 2.0
# A collector that is away is asked, and complained about, less often.
AFTER_FAILURE_SECONDS = 30.0
CALL_SECONDS = 5.0
FAILED = 2

_log = structlog.get_logger("latchkey.tracing")


class Exporter:
    """Takes ended spans and sends them in batches; each process that traces starts its own thread.

    Args:
        url: where batches are posted, ".../v1/traces".
        headers: what the collector wants besides, for example a token of its own.
        resource: what is said once a batch: "service.name" and the like.
    """

    def __init__(
        self, *, url: str, headers: Mapping[str, str], resource: Mapping[str, Value]
    ) -> None:
        self._url, self._headers, self._resource = url, dict(headers), dict(resource)
        self._lock = threading.Lock()
        self._process = 0
        self._waiting: queue.Queue[Span] = queue.Queue(MOST_WAITING)
        self._wakes = threading.Event()
        self._over = threading.Event()
        self._dropped = 0

    def __call__(self, span: Span) -> None:
        """Take a span; never waits and never fails."""
        if self._process != os.getpid():
            self._start()
        try:
            self._waiting.put_nowait(span)
        except queue.Full:
            self._dropped += 1
        if self._waiting.qsize() >= MOST_AT_ONCE:
            self._wakes.set()

    def flush(self) -> bool:
        """Send what waits, from the caller's thread; whether the collector took it all."""
        while batch := self._batch():
            if not self._send(batch):
                return False
        return True

    def _start(self) -> None:
        """Begin anew in a process that was forked: threads do not come along."""
        with self._lock:
            if self._process == os.getpid():
                return
            self._waiting = queue.Queue(MOST_WAITING)
            self._wakes = threading.Event()
            self._process = os.getpid()
            threading.Thread(target=self._run, name="tracing", daemon=True).start()
            atexit.register(self._end)

    def _run(self) -> None:
        while not self._over.is_set():
            self._wakes.wait(EVERY_SECONDS)
            self._wakes.clear()
            if not self.flush():
                self._over.wait(AFTER_FAILURE_SECONDS)

    def _end(self) -> None:
        """One last try, without a word: logs may be closed by now."""
        self._over.set()
        with contextlib.suppress(httpx2.HTTPError):
            while batch := self._batch():
                self._post(batch)

    def _batch(self) -> list[Span]:
        batch: list[Span] = []
        with contextlib.suppress(queue.Empty):
            while len(batch) < MOST_AT_ONCE:
                batch.append(self._waiting.get_nowait())
        return batch

    def _send(self, batch: list[Span]) -> bool:
        try:
            self._post(batch)
        except httpx2.HTTPError as error:
            self._dropped += len(batch)
            _log.warning("spans were lost", problem=type(error).__name__, dropped=self._dropped)
            return False
        return True

    def _post(self, batch: list[Span]) -> None:
        with httpx2.Client(trust_env=False, timeout=CALL_SECONDS) as client:
            body = as_otlp(batch, resource=self._resource)
            client.post(self._url, json=body, headers=self._headers).raise_for_status()


def as_otlp(spans: list[Span], *, resource: Mapping[str, Value]) -> dict[str, Any]:
    """The body of an ExportTraceServiceRequest in OTLP's JSON."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [
                    {"scope": {"name": "latchkey"}, "spans": [_span(each) for each in spans]}
                ],
            }
        ]
    }


def _span(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.started_ns),
        "endTimeUnixNano": str(span.ended_ns),
        "attributes": _attributes(span.attributes),
        "status": {"code": FAILED} if span.has_failed else {},
    }


def _attributes(values: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value}
