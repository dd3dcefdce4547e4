"""The API's page for people."""

import re

import pytest
from django.test import Client

from keyvault.api.problems import KINDS

pytestmark = pytest.mark.django_db


def test_the_page_shows_every_operation_object_and_problem(client: Client) -> None:
    document = client.get("/api/v1/openapi.json").json()

    page = client.get("/api/v1/docs").content.decode()

    for path in document["paths"]:
        assert path in page
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in page
    for type_ in KINDS:
        assert f"<code>{type_}</code>" in page


def test_every_link_within_the_page_leads_somewhere(client: Client) -> None:
    page = client.get("/api/v1/docs").content.decode()

    places = re.findall(r'id="([^"]+)"', page)
    assert len(places) == len(set(places))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(places)


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing(client: Client) -> None:
    response = client.get("/api/v1/docs")
    page = response.content.decode()

    assert "<script" not in page
    assert "style=" not in page
    assert not re.search(r'(src|href)="(https?:)?//', page)
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_page_is_only_read(client: Client, method: str) -> None:
    response = getattr(client, method)("/api/v1/docs")

    assert (response.status_code, response.json()["type"]) == (405, "method-not-allowed")
