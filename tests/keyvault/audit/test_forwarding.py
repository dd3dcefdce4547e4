"""Checkpoints go to the log and to a webhook, each once and in order."""

import json
import logging
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings
from pytest_httpserver import HTTPServer

from keyvault.audit.forwarding import forward_checkpoints
from keyvault.audit.sealer import seal_new_entries
from tests.keyvault import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_checkpoints() -> None:
    for _ in range(2):
        factories.keychain()
        seal_new_entries(timezone.now())


def test_nothing_is_forwarded_unless_it_is_switched_on() -> None:
    assert forward_checkpoints(timezone.now()) == 0


def test_the_log_gets_each_checkpoint_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.KEYVAULT_CHECKPOINT_LOG = True
    with caplog.at_level(logging.INFO):
        assert forward_checkpoints(timezone.now()) == 2
        assert forward_checkpoints(timezone.now()) == 0
    logged = [json.loads(record.checkpoint)["id"] for record in caplog.records]  # type: ignore[attr-defined]
    assert logged == [1, 2]


def test_a_webhook_that_fails_gets_the_rest_later(
    settings: Settings, httpserver: HTTPServer
) -> None:
    settings.KEYVAULT_CHECKPOINT_WEBHOOK = httpserver.url_for("/checkpoints")
    httpserver.expect_ordered_request("/checkpoints", method="POST").respond_with_data("")
    httpserver.expect_ordered_request("/checkpoints").respond_with_data("", status=503)
    httpserver.expect_ordered_request("/checkpoints").respond_with_data("")
    now = timezone.now()
    assert forward_checkpoints(now) == 1
    assert forward_checkpoints(now) == 0
    assert forward_checkpoints(now + timedelta(minutes=1)) == 1
    got = [json.loads(request.data)["id"] for request, _ in httpserver.log]
    assert got == [1, 2, 2]
