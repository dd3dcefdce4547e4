"""A record that does not open: that one only is set aside, put on record, and told to staff."""

import json
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from keyvault import vault, webhooks
from keyvault.errors import TamperedSecretError
from keyvault.models import (
    Alert,
    AuditEntry,
    Backend,
    Credential,
    Keychain,
    Lease,
    WebhookDelivery,
)
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of

pytestmark = pytest.mark.django_db


def _spoil(credential: Credential) -> None:
    """One flipped bit in the middle of what is sealed."""
    sealed = bytearray(credential.sealed)
    sealed[len(sealed) // 2] ^= 1
    Credential.objects.filter(pk=credential.pk).update(sealed=bytes(sealed))


def _lease_once(backend: Api, store: Keychain) -> Any:
    return backend.client.post(
        f"/api/v1/stores/{store.pk}/leases",
        {"permits": 1},
        content_type="application/json",
        headers={"Idempotency-Key": "once"},
    )


def _told_of() -> list[tuple[str, str]]:
    return list(Alert.objects.values_list("kind", "subject"))


def _states() -> dict[object, str]:
    return dict(Credential.objects.values_list("pk", "state"))


def test_that_record_alone_is_set_aside_and_another_is_lent(
    backend: Api,
    store: Keychain,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, good = key_of(store), key_of(store, spent=50)
    elsewhere = key_of(factories.keychain())
    _spoil(broken)

    with django_capture_on_commit_callbacks(execute=True):
        lent = [backend.lease(store).json()["credential"]["id"] for _ in range(3)]

    assert lent == [str(good.pk)] * 3
    assert _states() == {broken.pk: "suspended", good.pk: "active", elsewhere.pk: "active"}
    assert _told_of() == [("tampered", f"credential:{broken.pk}")]
    entry = AuditEntry.objects.get(action="credential.quarantined")
    assert (entry.keychain_id, entry.subject) == (store.pk, f"credential:{broken.pk}")
    assert [record.message for record in caplog.records].count("tripwire") == 1


def test_the_only_key_of_a_store_is_set_aside_and_the_refusal_says_no_more(
    backend: Api, store: Keychain
) -> None:
    broken = key_of(store)
    _spoil(broken)

    refused = backend.lease(store)

    assert (refused.status_code, refused.json()["type"]) == (409, "no-credential")
    assert _states() == {broken.pk: "suspended"}
    assert _told_of() == [("tampered", f"credential:{broken.pk}")]
    assert not Lease.objects.exists()


def test_a_refusal_under_an_idempotency_key_keeps_the_quarantine(
    backend: Api, store: Keychain
) -> None:
    broken = key_of(store)
    _spoil(broken)

    assert _lease_once(backend, store).json()["type"] == "no-credential"

    assert _states() == {broken.pk: "suspended"}
    assert _told_of() == [("tampered", f"credential:{broken.pk}")]


def test_backends_that_listen_are_told(backend: Api, store: Keychain) -> None:
    listener = Backend.objects.get().pk
    webhooks.register(backend_id=listener, url="https://a.example.test/hook", actor=factories.OWNER)
    broken = key_of(store)
    WebhookDelivery.objects.all().delete()
    _spoil(broken)

    backend.lease(store)

    told = json.loads(WebhookDelivery.objects.get().body)
    assert told["type"] == "credential.failing"
    assert told["data"] == {
        "store": str(store.pk),
        "credential": str(broken.pk),
        "state": "suspended",
    }


def test_a_repeat_whose_record_was_altered_since_is_over(backend: Api, store: Keychain) -> None:
    key = key_of(store)
    assert _lease_once(backend, store).status_code == 201
    _spoil(key)

    assert _lease_once(backend, store).json()["type"] == "lease-closed"

    assert _states() == {key.pk: "suspended"}
    assert _told_of() == [("tampered", f"credential:{key.pk}")]


def test_our_own_check_of_an_altered_record_sets_it_aside_too(store: Keychain) -> None:
    key = key_of(store)
    _spoil(key)

    with pytest.raises(TamperedSecretError):
        vault.check_out_credential(
            credential_id=key.pk,
            keychain_id=store.pk,
            actor=factories.OWNER,
            purpose="verification",
        )

    assert _states() == {key.pk: "suspended"}
    assert not AuditEntry.objects.filter(action="credential.opened").exists()


def test_a_decoy_in_the_pool_tells_on_the_backend_that_borrows_it(
    backend: Api, store: Keychain
) -> None:
    decoy = key_of(store)
    Credential.objects.filter(pk=decoy.pk).update(is_honeytoken=True)

    assert backend.lease(store).status_code == 201

    assert _told_of() == [("honeytoken", f"credential:{decoy.pk}")]
