"""Spans: named pieces of time, each below the one that it began in."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum

Value = str | int | float | bool


class Kind(IntEnum):
    """How a span stands to others, in OTLP's numbers."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3


@dataclass(slots=True)
class Span:
    """One piece of time.

    Attributes:
        name: few different ones: a route, a duty, a method; never an address.
        kind: internal, server or client.
        trace_id: 32 hex digits, the same for all that belongs together.
        parent_id: 16 hex digits; empty: the first of its trace.
        attributes: named after OpenTelemetry's conventions; never a secret.
        is_kept: whether it is sent; set it to False for what turned out to be nothing.
    """

    name: str
    kind: Kind
    trace_id: str
    parent_id: str = ""
    span_id: str = field(default_factory=lambda: secrets.token_hex(8))
    attributes: dict[str, Value] = field(default_factory=dict)
    started_ns: int = field(default_factory=time.time_ns)
    ended_ns: int = 0
    has_failed: bool = False
    is_kept: bool = True


Sink = Callable[[Span], None]
_present: ContextVar[Span | None] = ContextVar("latchkey_span", default=None)
_sinks: list[Sink] = []


def send_to(sink: Sink | None) -> None:
    """Say where ended spans go; None: nowhere, and none are made."""
    _sinks[:] = [sink] if sink else []


def is_on() -> bool:
    """Whether ended spans go anywhere."""
    return bool(_sinks)


@contextmanager
def span(name: str, *, kind: Kind = Kind.INTERNAL) -> Iterator[Span]:
    """A span around what is done within; an exception marks it as failed by its class's name."""
    above = _present.get()
    trace_id = above.trace_id if above else secrets.token_hex(16)
    made = Span(name, kind, trace_id, above.span_id if above else "")
    token = _present.set(made)
    started = time.perf_counter_ns()
    try:
        yield made
    except Exception as error:
        made.has_failed = True
        made.attributes["error.type"] = type(error).__name__
        raise
    finally:
        _present.reset(token)
        made.ended_ns = made.started_ns + time.perf_counter_ns() - started
        if made.is_kept:
            for sink in _sinks:
                sink(made)


@contextmanager
def duty_span(name: str) -> Iterator[Callable[[int], None]]:
    """Around one run of a duty; call what it gives with how many things were done.

    A run that found nothing to do is not worth a span, unless it failed.
    """
    with span(f"duty {name}") as made:
        made.attributes["latchkey.duty"] = name
        made.is_kept = False

        def note(done: int) -> None:
            made.attributes["latchkey.done"] = done
            made.is_kept = done > 0

        try:
            yield note
        except Exception:
            made.is_kept = True
            raise


@contextmanager
def call_span(method: str, host: str) -> Iterator[Callable[[int], None]]:
    """Around one request to a vendor; call what it gives with the status of the answer."""
    with span(method, kind=Kind.CLIENT) as made:
        made.attributes.update({"http.request.method": method, "server.address": host})

        def note(status: int) -> None:
            made.attributes["http.response.status_code"] = status

        yield note
