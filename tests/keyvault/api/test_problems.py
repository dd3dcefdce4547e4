"""Each of the vault's errors has a stable type, and shows nothing of what is behind it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from keyvault import errors
from keyvault.api.problems import KINDS, problem_of
from keyvault.errors import KeyringError, PoolEmptyError, VaultError

# What these take besides words.
ARGUMENTS: dict[type[VaultError], dict[str, Any]] = {
    errors.DuplicateCredentialError: {"in_same_keychain": True},
    errors.MissingScopeError: {"scope": "leases:write"},
    errors.OverspentError: {"used": 6, "permits": 5},
    PoolEmptyError: {"retry_at": datetime(2026, 1, 1, tzinfo=UTC), "retry_after_seconds": 2.5},
    errors.RefreshFailedError: {"problem": "timeout", "may_have_rotated": True},
    errors.TooManyRequestsError: {"retry_after_seconds": 3},
}
# Of the ways of working; a backend can do nothing about them.
INTERNAL = {
    "duplicate-credential",
    "kek-in-use",
    "key-exhausted",
    "refresh-failed",
    "refresh-refused",
    "rolled-back",
    "tampered-secret",
    "unsupported-format",
    "wrong-state",
}


def test_the_description_names_every_type(client: Client) -> None:
    schemas = client.get("/api/v1/openapi.json").json()["components"]["schemas"]

    words = schemas["ProblemOut"]["properties"]["type"]["description"]

    assert all(f" {each}" in words for each in KINDS)


def _all(kind: type[VaultError] = VaultError) -> Iterator[type[VaultError]]:
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from _all(each)


def _made(kind: type[VaultError]) -> VaultError:
    return kind(**ARGUMENTS[kind]) if kind in ARGUMENTS else kind("canary-words")


@pytest.mark.parametrize("kind", sorted(_all(), key=lambda each: each.__name__))
def test_every_error_has_a_type_of_its_own_or_is_ours_alone(kind: type[VaultError]) -> None:
    response = problem_of(_made(kind))

    body = json.loads(response.content)
    assert KINDS[body["type"]].status == response.status_code
    assert (body["type"] == "internal") == (kind.code in INTERNAL)
    if body["type"] == "internal":
        assert "canary-words" not in response.content.decode()


def test_a_keyring_that_cannot_be_used_is_503_and_names_no_file() -> None:
    response = problem_of(KeyringError("keyring /somewhere/keyring.json: there is none"))

    assert (response.status_code, json.loads(response.content)["type"]) == (503, "unavailable")
    assert response["Retry-After"] == "1"
    assert "somewhere" not in response.content.decode()
