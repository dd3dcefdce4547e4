"""What the API refuses, and how."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from keyvault.audit import SYSTEM
from keyvault.leases import Scope, create_token
from keyvault.models import Backend, Keychain, Lease
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Keychain:
    keychain = factories.keychain()
    key_of(keychain)
    return keychain


def _problem(response: Any, status: int, type_: str) -> None:
    assert (response.status_code, response.json()["type"]) == (status, type_), response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    assert response.json()["status"] == status
    assert response.json()["request_id"] == response["X-Request-ID"] != ""


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"permits": 0},
        {"permits": -1},
        {"permits": 101},
        {"permits": 10**9},
        {"permits": "20"},
        {"permits": True},
        {"permits": 1.5},
        {"permits": None},
        {"permits": [1]},
        {"permits": 1, "class": "urgent"},
        {"permits": 1, "traffic_class": "batch"},
        {"permits": 1, "use_within_seconds": 0},
        {"permits": 1, "use_within_seconds": 31},
        {"permits": 1, "use_within_seconds": False},
        {"permits": 1, "ttl": 60},
    ],
)
def test_values_that_do_not_fit_are_named_and_nothing_is_granted(
    backend: Api, store: Keychain, body: dict[str, Any]
) -> None:
    response = backend.post(f"/api/v1/stores/{store.pk}/leases", body)

    _problem(response, 422, "invalid")
    assert response.json()["errors"]
    assert not Lease.objects.filter(token__isnull=False).exists()


@pytest.mark.parametrize("number", [b"4", b"4.0", b"0.4e1", b"40e-1"])
def test_a_whole_number_may_be_written_as_json_allows(
    backend: Api, store: Keychain, number: bytes
) -> None:
    response = backend.client.post(
        f"/api/v1/stores/{store.pk}/leases",
        b'{"permits": %s}' % number,
        content_type="application/json",
    )

    assert response.json()["lease"]["permits"] == 4


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[1]",
        b"1",
        b"null",
        b'{"permits": 1, "permits": 2}',
        b'{"permits": NaN}',
        b'{"permits": 1}\xff',
        b'{"a":' + b"[" * 8000,
    ],
)
def test_a_body_that_is_not_one_json_object_is_400(
    backend: Api, store: Keychain, body: bytes
) -> None:
    response = backend.client.post(
        f"/api/v1/stores/{store.pk}/leases", body, content_type="application/json"
    )

    _problem(response, 400, "bad-json")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)
def test_another_media_type_is_415(backend: Api, store: Keychain, content_type: str) -> None:
    response = backend.client.post(
        f"/api/v1/stores/{store.pk}/leases", b'{"permits": 1}', content_type=content_type
    )

    _problem(response, 415, "not-json")


@pytest.mark.parametrize("coding", ["gzip", "br", "x"])
def test_a_packed_body_is_415(backend: Api, store: Keychain, coding: str) -> None:
    path = f"/api/v1/stores/{store.pk}/leases"

    _problem(backend.post(path, {"permits": 1}, **{"Content-Encoding": coding}), 415, "not-json")
    plain = backend.post(path, {"permits": 1}, **{"Content-Encoding": "identity"})
    assert plain.status_code == 201


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/{store}"), ("POST", "/{store}/leases")]
)
def test_an_address_of_too_many_parameters_is_422(
    backend: Api, store: Keychain, method: str, path: str
) -> None:
    address = f"/api/v1/stores{path.format(store=store.pk)}?{'a=1&' * 2000}"
    body = b'{"permits": 1}' if method == "POST" else b""

    response = backend.client.generic(method, address, body, content_type="application/json")

    _problem(response, 422, "invalid")
    assert not Lease.objects.exists()


def test_a_large_body_is_413(backend: Api, store: Keychain) -> None:
    response = backend.post(f"/api/v1/stores/{store.pk}/leases", {"permits": 1, "x": "x" * 20_000})

    _problem(response, 413, "too-large")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "post", "options"])
def test_the_description_of_the_api_is_only_read(backend: Api, method: str) -> None:
    response = getattr(backend.client, method)("/api/v1/openapi.json")
    _problem(response, 405, "method-not-allowed")
    assert backend.client.get("/api/v1/openapi.json").status_code == 200


@pytest.mark.parametrize("method", ["put", "patch", "delete", "get", "options"])
def test_a_wrong_method_is_405_with_allow(backend: Api, store: Keychain, method: str) -> None:
    response = getattr(backend.client, method)(f"/api/v1/stores/{store.pk}/leases")

    _problem(response, 405, "method-not-allowed")
    assert response["Allow"] == "POST"


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v2/stores", "/api/v1/stores/1", "/api/v1/stores/"]
)
def test_unknown_addresses_are_problems_too(backend: Api, path: str) -> None:
    _problem(backend.get(path), 404, "not-found")
    _problem(backend.post(path, {}), 404, "not-found")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer lk_unknown",
        "Basic bGs6eA==",
        "lk_x",
        "Bearer " + "x" * 9000,
    ],
)
def test_without_a_known_token_there_is_401(store: Keychain, header: str) -> None:
    client = Client(headers={"Authorization": header} if header else {})

    response = client.post(
        f"/api/v1/stores/{store.pk}/leases", {"permits": 1}, content_type="application/json"
    )

    _problem(response, 401, "unknown-token")
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        (Scope.STORES_READ, "post", "/api/v1/stores/{store}/leases"),
        (Scope.STORES_READ, "post", "/api/v1/leases/{store}/settle"),
        (Scope.LEASES_WRITE, "get", "/api/v1/stores"),
        (Scope.LEASES_WRITE, "get", "/api/v1/stores/{store}"),
    ],
)
def test_a_token_without_the_scope_is_403(
    store: Keychain, scope: Scope, method: str, path: str
) -> None:
    narrow = Api(token_of(scopes=[scope]))
    address = path.format(store=store.pk)

    body = {"used": 0, "outcome": "ok"} if "settle" in path else {"permits": 1}
    response = narrow.post(address, body) if method == "post" else narrow.get(address)

    _problem(response, 403, "missing-scope")


def test_somebody_elses_store_is_as_unknown_as_none(store: Keychain) -> None:
    outsider = Api(token_of(stores=[factories.keychain().pk]))
    unknown = Keychain(pk=uuid4())

    theirs, nobodys = outsider.lease(store), outsider.lease(unknown)

    _problem(theirs, 404, "not-found")
    _problem(nobodys, 404, "not-found")
    assert {**theirs.json(), "request_id": ""} == {**nobodys.json(), "request_id": ""}
    _problem(outsider.get(f"/api/v1/stores/{store.pk}"), 404, "not-found")
    assert len(outsider.get("/api/v1/stores").json()["stores"]) == 1


def test_somebody_elses_lease_is_as_unknown_as_none(backend: Api, store: Keychain) -> None:
    lease_id = backend.lease(store).json()["lease"]["id"]
    other = Api(token_of())

    for each in (lease_id, str(uuid4())):
        _problem(other.settle(each, used=0), 404, "not-found")
        _problem(other.settle(each, used=99), 404, "not-found")
        _problem(other.post(f"/api/v1/leases/{each}/renew", {}), 404, "not-found")


def test_a_second_token_of_the_same_backend_may_settle(backend: Api, store: Keychain) -> None:
    lease_id = backend.lease(store).json()["lease"]["id"]
    second = create_token(
        backend_id=Backend.objects.get().pk, scopes=list(Scope), days=1, actor=SYSTEM
    )

    response = Api(second.token.get_secret_value()).settle(lease_id, used=1)

    assert response.status_code == 200


def test_a_keychain_that_is_no_store_is_unknown(backend: Api) -> None:
    Keychain.objects.create(kind=Keychain.Kind.PERSON, label="somebody")
    person = Keychain.objects.get(kind=Keychain.Kind.PERSON)

    _problem(backend.lease(person), 404, "not-found")
    _problem(backend.get(f"/api/v1/stores/{person.pk}"), 404, "not-found")


@pytest.mark.parametrize(
    "body",
    [
        {"used": -1},
        {"used": True},
        {"used": "1"},
        {"used": 10_001},
        {"used": 1, "outcome": "fine"},
        {"used": 1, "last_used_at": 5},
        {"used": 1, "last_used_at": "yesterday"},
        {"used": 1, "last_used_at": "2026-01-01T00:00:00"},
        {"used": 1, "rate_limit": "300"},
        {"used": 1, "rate_limit": {"limit": 300, "remaining": "1", "reset": "1"}},
        {"used": 1, "rate_limit": {"limit": "x" * 999, "remaining": "1", "reset": "1"}},
        {"used": 1, "extra": 1},
    ],
)
def test_settlements_that_make_no_sense_are_refused(
    backend: Api, store: Keychain, body: dict[str, Any]
) -> None:
    lease_id = backend.lease(store).json()["lease"]["id"]

    _problem(backend.settle(lease_id, **body), 422, "invalid")
    assert Lease.objects.get(pk=lease_id).settled_us is None


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1969-12-31T23:59:59Z"]
)
def test_a_last_use_beyond_all_time_is_brought_into_the_lease(
    backend: Api, store: Keychain, moment: str
) -> None:
    lease_id = backend.lease(store).json()["lease"]["id"]

    assert backend.settle(lease_id, used=1, last_used_at=moment).status_code == 200

    row = Lease.objects.get(pk=lease_id)
    assert row.granted_us <= row.use_by_us <= row.expires_us


@pytest.mark.parametrize(
    "headers",
    [
        {"limit": "", "remaining": "", "reset": ""},
        {"limit": "-1/-9/99999999999999999999", "remaining": "x\u0000/1/1", "reset": "1/1/1"},
        {"limit": "0/0/0", "remaining": "9/9/9", "reset": "-1/-1/-1"},
        {"limit": "1/1/1", "remaining": "999999999/0/-1", "reset": "999999999/0/0"},
        {"limit": "٣٠٠/3000/12000", "remaining": "1/2/3/4", "reset": "1e3/1/1"},
    ],
)
def test_headers_that_make_no_sense_are_survived(
    backend: Api, store: Keychain, headers: dict[str, str]
) -> None:
    lease_id = backend.lease(store).json()["lease"]["id"]

    assert backend.settle(lease_id, used=1, rate_limit=headers).status_code == 200
    assert Lease.objects.get(pk=lease_id).settled_us is not None


def test_a_body_in_chunks_is_not_taken_for_an_empty_one(backend: Api, store: Keychain) -> None:
    response = backend.client.post(
        f"/api/v1/stores/{store.pk}/leases",
        {"permits": 1},
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
    )

    _problem(response, 411, "length-required")


def test_a_value_that_was_refused_is_not_repeated(backend: Api, store: Keychain) -> None:
    response = backend.lease(store, **{"class": "canary-4f1d"})

    assert "canary-4f1d" not in response.content.decode()


def _addresses(patterns: list[URLPattern | URLResolver], prefix: str = "") -> list[str]:
    found = []
    for each in patterns:
        if isinstance(each, URLResolver):
            found += _addresses(each.url_patterns, prefix + str(each.pattern))
        else:
            found.append(prefix + str(each.pattern))
    return found


def test_every_operation_needs_a_token() -> None:
    paths = [
        re.sub("<[a-z]+:[a-z_]+>", str(uuid4()), path)
        for path in _addresses(get_resolver().url_patterns)
        if path.startswith("api/v1/") and path.split("/")[2] not in {"", "openapi.json", "docs"}
    ]
    assert len(paths) >= 4
    for path in paths:
        assert "<" not in path
        answers = {getattr(Client(), method)(f"/{path}").status_code for method in ("get", "post")}
        assert answers <= {401, 405}, path
