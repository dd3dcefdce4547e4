"""Turning traces on, by the variables that OpenTelemetry defines for every program."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.tracing.exporter import Exporter
from config.tracing.spans import call_span, duty_span, is_on, send_to
from keyvault.due import Duty
from lightspeed.outbound.transport import OutboundTransport

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
SERVICE = "OTEL_SERVICE_NAME"


def is_wanted(variables: Mapping[str, str]) -> bool:
    """Whether an environment names a collector."""
    return bool(variables.get(ENDPOINT)) and variables.get("OTEL_SDK_DISABLED") != "true"


def start(variables: Mapping[str, str]) -> Exporter:
    """Put the observers in place and send what they see to the collector.

    Raises:
        ImproperlyConfigured: its address or its headers do not fit.
    """
    endpoint = variables[ENDPOINT]
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = f"{ENDPOINT}: is no address that starts with https://"
        raise ImproperlyConfigured(message)
    exporter = Exporter(
        url=f"{endpoint.rstrip('/')}/v1/traces",
        headers=_headers(variables.get(HEADERS, "")),
        resource={
            "service.name": variables.get(SERVICE) or "latchkey",
            "deployment.environment.name": "production"
            if settings.IS_PRODUCTION
            else "development",
        },
    )
    send_to(exporter)
    OutboundTransport.observe = staticmethod(call_span)
    return exporter


def traced(duty: Duty) -> Duty:
    """A duty each of whose runs has a span; the duty itself when traces are off."""
    if not is_on():
        return duty

    def run(now: datetime) -> int:
        with duty_span(duty.name) as note:
            done = duty.run(now)
            note(done)
        return done

    return replace(duty, run=run)


def stop() -> None:
    """Take the observers away again."""
    send_to(None)
    OutboundTransport.observe = None


def _headers(text: str) -> dict[str, str]:
    """`name=value,name=value`, the values percent-encoded; a secret, so no message shows it."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if not all(name.strip() and sign for name, sign, _ in pairs):
        message = f"{HEADERS}: is no list of name=value"
        raise ImproperlyConfigured(message)
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}
