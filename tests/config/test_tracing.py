"""Traces go to a collector when there is one, and hold no secret."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Never

import httpx2
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone
from pytest_httpserver import HTTPServer

from config.tracing import startup
from config.tracing.exporter import MOST_WAITING, Exporter
from config.tracing.spans import Span, is_on, send_to, span
from keyvault.due import Duty
from lightspeed.outbound.addresses import allowed_addresses
from lightspeed.outbound.transport import OutboundTransport

CANARY = "canary" + "0123456789abcdef" * 2


@pytest.fixture
def spans() -> Iterator[list[Span]]:
    """What is traced meanwhile."""
    ended: list[Span] = []
    send_to(ended.append)
    yield ended
    send_to(None)


@pytest.fixture
def collector(httpserver: HTTPServer) -> Iterator[HTTPServer]:
    """A collector of ours; traces go there until the test ends."""
    httpserver.expect_request("/v1/traces", method="POST").respond_with_data("{}")
    yield httpserver
    startup.stop()


def told(collector: HTTPServer) -> list[dict[str, Any]]:
    """The spans that a collector was given, with their attributes as a dict."""
    found = []
    for request, _ in collector.log:
        for resource in json.loads(request.get_data())["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                found += scope["spans"]
    for each in found:
        each["attributes"] = {
            pair["key"]: next(iter(pair["value"].values())) for pair in each["attributes"]
        }
    return found


def test_without_a_collector_nothing_is_traced() -> None:
    assert not startup.is_wanted({})
    assert not startup.is_wanted({startup.ENDPOINT: ""})
    assert not startup.is_wanted({startup.ENDPOINT: "http://x", "OTEL_SDK_DISABLED": "true"})
    assert not is_on()
    duty = Duty(name="a", interval_seconds=1, run=lambda _: 0)
    assert startup.traced(duty) is duty


@pytest.mark.django_db
def test_a_request_is_traced_by_its_route_and_its_id(spans: list[Span]) -> None:
    answer = Client().get(f"/invitations/{CANARY}/?secret={CANARY}")
    (made,) = spans
    assert made.name == "GET invitations/<str:token>/"
    assert made.attributes["http.response.status_code"] == answer.status_code
    assert made.attributes["latchkey.request_id"] == answer.headers["X-Request-ID"]
    assert CANARY not in repr(made)


@pytest.mark.django_db
def test_api_requests_are_traced_too(spans: list[Span]) -> None:
    Client().get("/api/v1/stores", headers={"Authorization": f"Bearer lk_{CANARY}"})
    (made,) = spans
    assert made.name == "GET api/v1/stores"
    assert made.attributes["http.response.status_code"] == 401
    assert CANARY not in repr(made)


def test_call_that_fails_says_how_and_nothing_more(spans: list[Span]) -> None:
    OutboundTransport.observe = staticmethod(startup.call_span)
    transport = OutboundTransport(allowed_addresses=allowed_addresses(("127.0.0.1:1",)))
    try:
        with pytest.raises(httpx2.NetworkError):
            transport.handle_request(httpx2.Request("GET", f"http://127.0.0.1:1/{CANARY}"))
    finally:
        OutboundTransport.observe = None
    (call,) = spans
    assert call.has_failed
    assert call.attributes["error.type"] == "NetworkError"
    assert CANARY not in repr(call)


def test_only_runs_of_a_duty_that_did_something_are_traced(spans: list[Span]) -> None:
    found = iter([0, 3])
    duty = startup.traced(Duty(name="mail", interval_seconds=1, run=lambda _: next(found)))
    assert [duty.run(timezone.now()), duty.run(timezone.now())] == [0, 3]
    (made,) = spans
    assert made.attributes == {"latchkey.duty": "mail", "latchkey.done": 3}


def test_a_duty_that_fails_is_traced_and_fails(spans: list[Span]) -> None:
    def broken(now: datetime) -> Never:
        raise ValueError(CANARY)

    with pytest.raises(ValueError, match="canary"):
        startup.traced(Duty(name="mail", interval_seconds=1, run=broken)).run(timezone.now())
    (made,) = spans
    assert made.has_failed
    assert made.attributes["error.type"] == "ValueError"
    assert CANARY not in repr(made)


def test_the_worker_observes_its_duties() -> None:
    assert settings.KEYVAULT_DUTY_OBSERVER == "config.tracing.startup.traced"


def test_a_collector_gets_spans_in_otlp_with_its_headers(collector: HTTPServer) -> None:
    exporter = startup.start(
        {
            startup.ENDPOINT: collector.url_for("/"),
            startup.HEADERS: "x-token=a%20b,x-team=keys",
            startup.SERVICE: "keys",
        }
    )
    with span("outer"), span("inner") as inner:
        inner.attributes |= {"count": 2, "share": 0.5, "is": True, "name": "x"}
    exporter.flush()
    inner_span, outer_span = told(collector)
    assert outer_span["name"] == "outer"
    assert inner_span["parentSpanId"] == outer_span["spanId"]
    assert inner_span["traceId"] == outer_span["traceId"]
    assert int(inner_span["endTimeUnixNano"]) >= int(inner_span["startTimeUnixNano"])
    assert inner_span["attributes"] == {"count": "2", "share": 0.5, "is": True, "name": "x"}
    request, _ = collector.log[0]
    assert (request.headers["x-token"], request.headers["x-team"]) == ("a b", "keys")
    resource = json.loads(request.get_data())["resourceSpans"][0]["resource"]["attributes"]
    assert {"key": "service.name", "value": {"stringValue": "keys"}} in resource


def test_a_collector_that_is_away_costs_spans_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exporter = Exporter(url="http://127.0.0.1:1/v1/traces", headers={"t": CANARY}, resource={})
    send_to(exporter)
    try:
        with span("lost"):
            pass
        assert not exporter.flush()
    finally:
        send_to(None)
    assert CANARY not in caplog.text


def test_a_full_queue_drops_and_never_waits() -> None:
    exporter = Exporter(url="http://127.0.0.1:1/v1/traces", headers={}, resource={})
    send_to(exporter)
    try:
        for _ in range(MOST_WAITING + 10):
            with span("many"):
                pass
    finally:
        send_to(None)


@pytest.mark.parametrize(
    "variables",
    [
        {startup.ENDPOINT: "collector:4318"},
        {startup.ENDPOINT: "grpc://collector:4317"},
        {startup.ENDPOINT: "https://collector.test", startup.HEADERS: f"no-sign-{CANARY}"},
    ],
)
def test_what_does_not_fit_stops_the_start_and_shows_no_secret(variables: dict[str, str]) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        startup.start(variables)
    assert CANARY not in str(caught.value)
    assert not is_on()
