"""The backend API goes past what only browsers need, and stays as safe as a page."""

import json

import pytest
from django.test import Client

from config.shortcut import POLICY

pytestmark = pytest.mark.django_db


def test_an_api_answer_depends_on_no_cookie_and_no_language(client: Client) -> None:
    client.cookies["latchkey_session"] = "made-up"

    response = client.get("/api/v1/stores", headers={"Accept-Language": "nl"})

    assert response.status_code == 401
    assert "Cookie" not in response.headers.get("Vary", "")
    assert "Content-Language" not in response.headers
    assert not response.cookies


def test_an_api_answer_may_load_nothing_and_says_how_long_it_is(client: Client) -> None:
    response = client.get("/api/v1/stores")

    assert response.headers["Content-Security-Policy"] == POLICY
    assert response.headers["Content-Length"] == str(len(response.content))


def test_an_api_request_for_another_host_is_refused_as_a_problem(client: Client) -> None:
    response = client.get("/api/v1/stores", headers={"Host": "elsewhere.example.test"})

    assert response.status_code == 400
    body = json.loads(response.content)
    assert (body["type"], body["detail"]) == ("bad-request", "Host is no name of this site")
    assert response.headers["Content-Security-Policy"] == POLICY


def test_a_page_whose_address_only_looks_alike_goes_the_long_way(client: Client) -> None:
    response = client.get("/apis")

    assert response.status_code == 404
    assert response.headers["Content-Language"] == "en"
