"""One id for everything that a request causes, and a log line without its address."""

import logging

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings

from config.requestlog import HEADER, RequestLogMiddleware
from keyvault.audit import SYSTEM, Action, record
from keyvault.models import AuditEntry

PROXY = {"REMOTE_ADDR": "10.0.0.7"}


def test_a_strangers_id_is_replaced() -> None:
    given = "chosen-by-somebody-else"

    answered = Client().get("/healthz", headers={HEADER: given})

    assert answered.headers[HEADER] != given


@override_settings(TRUSTED_PROXIES=["10.0.0.7"])
def test_the_id_of_a_proxy_is_kept() -> None:
    answered = Client().get("/healthz", headers={HEADER: "from-the-proxy-1"}, **PROXY)  # type: ignore[arg-type]

    assert answered.headers[HEADER] == "from-the-proxy-1"


@override_settings(TRUSTED_PROXIES=["10.0.0.7"])
@pytest.mark.parametrize("given", ["short", "a" * 65, "line\nbreak-in-it", "<b>bold</b>"])
def test_an_unsound_id_is_replaced_even_from_a_proxy(given: str) -> None:
    answered = Client().get("/healthz", headers={HEADER: given}, **PROXY)  # type: ignore[arg-type]

    assert answered.headers[HEADER] != given


@pytest.mark.django_db
def test_the_record_carries_the_id_of_the_answer() -> None:
    def site(request: HttpRequest) -> HttpResponse:
        record(action=Action.ACCESS_DENIED, actor=SYSTEM)
        return HttpResponse()

    answered = RequestLogMiddleware(site)(RequestFactory().get("/"))

    assert AuditEntry.objects.get().request_id == answered.headers[HEADER]
    assert "request_id" not in structlog.contextvars.get_contextvars()


@pytest.mark.django_db
def test_a_one_time_link_does_not_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    key = "7-canary-of-a-reset-key"

    with caplog.at_level(logging.DEBUG):
        Client().get(f"/accounts/password/reset/key/{key}/?token={key}")
        Client().get(f"/no-such-page/{key}")

    assert "password/reset/key" in caplog.text
    assert key not in caplog.text


def test_a_failure_is_logged_with_the_same_id(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), override_settings(ROOT_URLCONF="tests.config.failing"):
        answered = Client(raise_request_exception=False).get("/broken")

    assert answered.headers[HEADER] in caplog.text
    assert "request failed" in caplog.text
