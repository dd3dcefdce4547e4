"""What is answered when a request cannot be served: never a raw 500 for an outage."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, override_settings

from config.requestlog import HEADER
from tests.config.failing import CANARY, OUTAGES

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def failing() -> override_settings:
    return override_settings(ROOT_URLCONF="tests.config.failing")


def _require_problem(response: HttpResponse, *, status: int) -> dict[str, object]:
    body = json.loads(response.content)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.status_code, body["status"]) == (status, status)
    assert body["request_id"] == response.headers[HEADER]
    assert CANARY not in response.content.decode()
    return dict(body)


@pytest.mark.parametrize("kind", OUTAGES)
def test_an_outage_is_a_503_page_that_says_when_to_come_back(
    kind: str, client: Client, failing: override_settings
) -> None:
    with failing:
        response = client.get(f"/outage/{kind}")

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert "<h1>This takes a moment</h1>" in response.content.decode()
    assert CANARY not in response.content.decode()


@pytest.mark.parametrize("kind", OUTAGES)
def test_an_outage_below_api_is_a_503_problem(
    kind: str, client: Client, failing: override_settings
) -> None:
    with failing:
        response = client.get(f"/api/outage/{kind}")

    _require_problem(response, status=503)
    assert int(response.headers["Retry-After"]) >= 1


def test_the_problem_names_the_kek_that_is_missing(
    client: Client, failing: override_settings
) -> None:
    with failing:
        response = client.get("/api/outage/kek-unknown")

    assert "local:20260101-aaaa" in str(_require_problem(response, status=503)["detail"])


def test_a_database_that_is_gone_before_the_view_is_no_raw_500(client: Client) -> None:
    """The session is read by a middleware, outside of every view."""
    client.cookies["latchkey_session"] = "x" * 32

    def gone(execute: Callable[..., object], *args: object) -> object:
        raise OperationalError(CANARY)

    with connection.execute_wrapper(gone):
        page = client.get("/accounts/")
        nowhere = client.get("/no-such-page")

    assert (page.status_code, nowhere.status_code) == (503, 503)
    assert page.headers["Retry-After"]


def test_a_fault_of_ours_stays_a_500_without_its_words(
    client: Client, failing: override_settings
) -> None:
    with failing:
        page = client.get("/broken")
        answer = client.get("/api/broken")

    assert page.status_code == 500
    assert CANARY not in page.content.decode()
    _require_problem(answer, status=500)


def test_the_last_page_needs_no_static_files(
    client: Client, failing: override_settings, tmp_path: Path
) -> None:
    manifest = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    with (
        failing,
        override_settings(STATIC_ROOT=tmp_path, STORAGES={"staticfiles": {"BACKEND": manifest}}),
    ):
        page = client.get("/broken")

    assert page.status_code == 500
    assert "<h1>Internal Server Error</h1>" in page.content.decode()


@pytest.mark.parametrize("size", [3_000_000, 10_000_000])
def test_a_form_that_is_far_too_long_is_refused_in_words(
    size: int, client: Client, failing: override_settings
) -> None:
    with failing:
        page = client.post("/reads-post", {"key": "k" * size}, content_type=_FORM)
        answer = client.post("/api/reads-post", {"key": "k" * size}, content_type=_FORM)

    assert page.status_code == 413
    assert "That was too much" in page.content.decode()
    _require_problem(answer, status=413)


_FORM = "application/x-www-form-urlencoded"


def test_a_request_that_django_refuses_is_a_page_or_a_problem(client: Client) -> None:
    page = client.get("/", headers={"host": "somebody-else.example.test"})
    answer = client.get("/api/v1/stores", headers={"host": "somebody-else.example.test"})

    assert page.status_code == 400
    _require_problem(answer, status=400)


def test_an_unknown_address_below_api_is_a_problem(
    client: Client, failing: override_settings
) -> None:
    with failing:
        _require_problem(client.get("/api/nowhere"), status=404)
