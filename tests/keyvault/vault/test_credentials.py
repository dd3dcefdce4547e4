import pytest
from django.db.models import F
from pytest_django import DjangoAssertNumQueries

from keyvault import vault
from keyvault.errors import (
    DuplicateCredentialError,
    ShreddedKeychainError,
    TamperedSecretError,
    UnknownRecordError,
)
from keyvault.models import AuditEntry, Credential, Draft, WrappedDek
from tests.keyvault import factories
from tests.keyvault.factories import BACKEND, OWNER

pytestmark = pytest.mark.django_db


def _opened(credential: Credential) -> vault.Secret:
    row = vault.openable_credentials(keychain_id=credential.keychain_id).get(pk=credential.pk)
    return vault.open_credential(credential=row, actor=BACKEND)


def test_a_stored_credential_opens_again() -> None:
    secret = factories.api_key()
    assert _opened(factories.credential(secret=secret)) == secret


def test_opening_a_read_row_costs_no_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    credential = factories.credential()
    with django_assert_num_queries(1):
        _opened(credential)


def test_the_row_holds_no_plaintext() -> None:
    secret = factories.api_key()
    credential = factories.credential(secret=secret)
    row = Credential.objects.values().get(pk=credential.pk)
    for part in (secret.key, secret.secret):
        assert part.get_secret_value() not in str(row)
        assert part.get_secret_value().encode() not in bytes(row["sealed"])


def test_sealing_is_recorded_with_its_credential() -> None:
    credential = factories.credential()
    entry = AuditEntry.objects.get(action="credential.sealed")
    assert entry.keychain_id == credential.keychain_id
    assert entry.subject == f"credential:{credential.pk}"
    assert entry.actor == str(OWNER)


def test_two_rows_of_a_keychain_cannot_be_swapped() -> None:
    keychain = factories.keychain()
    first, second = factories.credential(of=keychain), factories.credential(of=keychain)
    Credential.objects.filter(pk=first.pk).update(sealed=second.sealed)
    with pytest.raises(TamperedSecretError, match=first.id.hex):
        _opened(first)


def test_a_row_does_not_open_in_another_keychain() -> None:
    credential = factories.credential()
    other = factories.keychain()
    Credential.objects.filter(pk=credential.pk).update(keychain=other)
    credential.keychain = other
    with pytest.raises(TamperedSecretError):
        _opened(credential)


def test_an_older_version_does_not_open() -> None:
    credential = factories.credential()
    Credential.objects.filter(pk=credential.pk).update(version=F("version") + 1)
    with pytest.raises(TamperedSecretError):
        _opened(credential)


def test_a_wrapped_dek_does_not_open_another_keychain() -> None:
    first, second = factories.credential(), factories.credential()
    _opened(first)
    dek = WrappedDek.objects.get(keychain_id=first.keychain_id)
    WrappedDek.objects.filter(keychain_id=second.keychain_id).update(wrapped=dek.wrapped)
    with pytest.raises(TamperedSecretError):
        _opened(second)


def test_a_shredded_keychain_opens_nothing_even_when_its_dek_was_at_hand() -> None:
    credential = factories.credential()
    _opened(credential)
    WrappedDek.objects.filter(keychain_id=credential.keychain_id).delete()
    with pytest.raises(ShreddedKeychainError):
        _opened(credential)
    with pytest.raises(ShreddedKeychainError):
        factories.credential(of=credential.keychain)


def test_the_same_api_key_is_stored_once() -> None:
    secret = factories.api_key()
    credential = factories.credential(secret=secret)
    with pytest.raises(DuplicateCredentialError) as here:
        factories.credential(of=credential.keychain, secret=secret)
    with pytest.raises(DuplicateCredentialError) as elsewhere:
        factories.credential(secret=secret)
    assert here.value.in_same_keychain
    assert not elsewhere.value.in_same_keychain
    assert Credential.objects.count() == 1


def test_a_key_is_known_by_itself_whatever_its_secret() -> None:
    first, other = factories.api_key(), factories.api_key()
    factories.credential(secret=first)
    with pytest.raises(DuplicateCredentialError):
        factories.credential(secret=vault.ApiKeySecret(first.key, other.secret))
    factories.credential(secret=vault.ApiKeySecret(other.key, first.secret))
    assert Credential.objects.count() == 2


def test_a_removed_api_key_may_come_back() -> None:
    secret = factories.api_key()
    credential = factories.credential(secret=secret)
    vault.set_state(
        credential_id=credential.pk,
        keychain_id=credential.keychain_id,
        to=Credential.State.REVOKED,
        actor=OWNER,
    )
    assert factories.credential(secret=secret).pk != credential.pk


def test_find_duplicate_tells_here_from_elsewhere() -> None:
    secret = factories.api_key()
    credential = factories.credential(secret=secret)
    mine, fingerprint = credential.keychain_id, vault.fingerprint(secret.key)
    assert vault.find_duplicate(keychain_id=mine, fingerprint=fingerprint) == "here"
    other = factories.keychain().id
    assert vault.find_duplicate(keychain_id=other, fingerprint=fingerprint) == "elsewhere"
    fresh = vault.fingerprint(factories.api_key().key)
    assert vault.find_duplicate(keychain_id=mine, fingerprint=fresh) is None


def _draft(secret: vault.ApiKeySecret) -> Draft:
    return vault.seal_draft(
        keychain_id=factories.keychain().id, secret=secret, ttl_seconds=60, actor=OWNER
    )


def _store(draft: Draft, secret: vault.ApiKeySecret) -> Credential:
    return vault.store_credential(
        keychain_id=draft.keychain_id,
        draft_id=draft.id,
        secret=secret,
        name="App",
        endpoint="ecom-eu1",
        language="nl",
        limits=factories.LIMITS,
        actor=OWNER,
    )


def test_storing_takes_the_draft_away() -> None:
    secret = factories.api_key()
    _store(_draft(secret), secret)
    assert not Draft.objects.exists()


def test_a_draft_stored_twice_makes_one_credential() -> None:
    secret = factories.api_key()
    draft = _draft(secret)
    _store(draft, secret)
    with pytest.raises(DuplicateCredentialError):
        _store(draft, secret)
    assert Credential.objects.count() == 1


def test_a_deleted_draft_is_not_stored() -> None:
    secret = factories.api_key()
    draft = _draft(secret)
    vault.delete_draft(draft_id=draft.id, keychain_id=draft.keychain_id, actor=OWNER)
    with pytest.raises(UnknownRecordError):
        _store(draft, secret)
    assert not Credential.objects.exists()


def test_check_out_is_recorded_with_its_purpose() -> None:
    secret = factories.api_key()
    credential = factories.credential(secret=secret)
    taken = vault.check_out_credential(
        credential_id=credential.pk,
        keychain_id=credential.keychain_id,
        actor=OWNER,
        purpose="verification",
    )
    assert taken == secret
    entry = AuditEntry.objects.get(action="credential.opened")
    assert entry.facts == {"purpose": "verification"}


def test_check_out_of_another_keychains_credential_finds_nothing() -> None:
    credential = factories.credential()
    with pytest.raises(UnknownRecordError):
        vault.check_out_credential(
            credential_id=credential.pk,
            keychain_id=factories.keychain().id,
            actor=OWNER,
            purpose="verification",
        )
    assert not AuditEntry.objects.filter(action="credential.opened").exists()
