"""Calls of the vendor are traced below what caused them, and without the pair."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from config.tracing.spans import Span, call_span, send_to, span
from keyvault.vault import ApiKeySecret
from lightspeed.outbound.transport import OutboundTransport
from onboarding.submission.vendor import check_pair
from simulator.running import RunningSimulator

pytestmark = pytest.mark.django_db
CANARY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def spans() -> Iterator[list[Span]]:
    """What is traced meanwhile, calls of the vendor included."""
    ended: list[Span] = []
    send_to(ended.append)
    OutboundTransport.observe = staticmethod(call_span)
    yield ended
    OutboundTransport.observe = None
    send_to(None)


def test_calls_of_the_vendor_stand_below_what_caused_them(
    simulator: RunningSimulator, spans: list[Span]
) -> None:
    with span("above") as above:
        check_pair(
            pair=ApiKeySecret(SecretStr(CANARY), SecretStr(CANARY)),
            endpoint="ecom-eu1",
            language="en",
            expected_shop_id=None,
        )
    calls = [each for each in spans if each is not above]
    assert calls
    for call in calls:
        assert (call.trace_id, call.parent_id) == (above.trace_id, above.span_id)
        assert set(call.attributes) == {
            "http.request.method",
            "server.address",
            "http.response.status_code",
        }
        assert CANARY not in repr(call)
