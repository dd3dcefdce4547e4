"""Drafts open for their own store until they expire."""

from datetime import timedelta

import pytest
from django.utils import timezone

from keyvault import vault
from keyvault.errors import ShreddedKeychainError, TamperedSecretError, UnknownRecordError
from keyvault.models import AuditEntry, Draft, WrappedDek
from tests.keyvault import factories
from tests.keyvault.factories import OWNER

pytestmark = pytest.mark.django_db


def _draft(secret: vault.ApiKeySecret | None = None, *, ttl_seconds: float = 60) -> Draft:
    return vault.seal_draft(
        keychain_id=factories.keychain().id,
        secret=secret or factories.api_key(),
        ttl_seconds=ttl_seconds,
        actor=OWNER,
    )


def _open(draft: Draft) -> vault.ApiKeySecret:
    return vault.open_draft(draft_id=draft.id, keychain_id=draft.keychain_id, actor=OWNER)


def _actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_a_draft_opens_for_its_check_and_is_recorded() -> None:
    secret = factories.api_key()
    draft = _draft(secret)
    assert _open(draft) == secret
    assert draft.last_four == secret.key.get_secret_value()[-4:]
    assert _actions() == ["keychain.created", "draft.sealed", "draft.opened"]


def test_an_expired_draft_does_not_open() -> None:
    with pytest.raises(UnknownRecordError):
        _open(_draft(ttl_seconds=-1))


def test_another_stores_draft_does_not_open() -> None:
    draft = _draft()
    with pytest.raises(UnknownRecordError):
        vault.open_draft(draft_id=draft.id, keychain_id=factories.keychain().id, actor=OWNER)


def test_deleting_twice_is_recorded_once() -> None:
    draft = _draft()
    for _ in range(2):
        vault.delete_draft(draft_id=draft.id, keychain_id=draft.keychain_id, actor=OWNER)
    assert _actions().count("draft.deleted") == 1


def test_expired_drafts_are_deleted_and_others_stay() -> None:
    kept, _ = _draft(), _draft(ttl_seconds=-1)
    assert vault.delete_expired_drafts() == 1
    assert Draft.objects.get().pk == kept.pk
    assert vault.delete_expired_drafts(timezone.now() + timedelta(hours=1)) == 1


def test_a_draft_of_a_shredded_store_does_not_open() -> None:
    draft = _draft()
    WrappedDek.objects.all().delete()
    with pytest.raises(ShreddedKeychainError):
        _open(draft)


def test_a_credentials_ciphertext_does_not_open_as_a_draft() -> None:
    draft = _draft()
    credential = factories.credential(of=draft.keychain)
    Draft.objects.update(sealed=credential.sealed)
    with pytest.raises(TamperedSecretError):
        _open(draft)
