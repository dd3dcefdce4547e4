"""A secret appears in no log, repr, traceback, error, column or audit entry of the vault."""

import io
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from pydantic import SecretStr

from keyvault import vault
from keyvault.audit.sealer import seal_new_entries
from keyvault.errors import VaultError
from keyvault.models import Credential, Draft, WrappedDek
from tests.keyvault import factories
from tests.keyvault.factories import OWNER

KEY = "canaryk0" * 4
SECRET = "canarys1" * 4
FORMS = [
    form
    for value in (KEY, SECRET)
    for form in (value, value.encode().hex(), value[::-1], value[:16])
]

pytestmark = pytest.mark.django_db


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any logger says, at the lowest level."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(before)


def _pair() -> vault.ApiKeySecret:
    return vault.ApiKeySecret(SecretStr(KEY), SecretStr(SECRET))


def _columns() -> Iterator[str]:
    """Every value of every column of the vault, text and bytes."""
    for model in apps.get_app_config("keyvault").get_models():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")  # noqa: S608  # our tables
            for row in cursor.fetchall():
                for value in row:
                    if isinstance(value, bytes | memoryview):
                        yield bytes(value).decode("latin-1")
                    else:
                        yield str(value)


def _assert_hidden(*texts: str) -> None:
    for text in texts:
        for form in FORMS:
            assert form not in text


def _whole_life() -> Credential:
    keychain = factories.keychain()
    draft = vault.seal_draft(keychain_id=keychain.id, secret=_pair(), ttl_seconds=60, actor=OWNER)
    vault.open_draft(draft_id=draft.id, keychain_id=keychain.id, actor=OWNER)
    credential = factories.credential(of=keychain, secret=_pair())
    vault.check_out_credential(
        credential_id=credential.pk, keychain_id=keychain.id, actor=OWNER, purpose="verification"
    )
    seal_new_entries(timezone.now())
    return credential


def test_nothing_that_is_stored_or_logged_shows_it(log: io.StringIO) -> None:
    _whole_life()
    _assert_hidden(log.getvalue(), Path(settings.KEYVAULT_CHECKPOINTS).read_text(), *_columns())


def test_no_row_shows_it_when_printed() -> None:
    credential = _whole_life()
    for model in apps.get_app_config("keyvault").get_models():
        for row in model._default_manager.all():
            _assert_hidden(repr(row), str(row), repr(row.__dict__))
    assert str(credential).endswith(KEY[-4:])


def _damaged(credential: Credential) -> None:
    sealed = bytes(credential.sealed)
    Credential.objects.filter(pk=credential.pk).update(sealed=sealed[:-1] + b"\0")
    Draft.objects.update(sealed=sealed)


def _unknown_kek(credential: Credential) -> None:
    WrappedDek.objects.update(kek_id="local:lost")


def _shredded(credential: Credential) -> None:
    WrappedDek.objects.all().delete()


def _stored_again(credential: Credential) -> None:
    factories.credential(of=credential.keychain, secret=_pair())


def _broken_insert(credential: Credential) -> None:
    vault.store_credential(
        keychain_id=factories.keychain().id,
        draft_id=None,
        secret=vault.ApiKeySecret(SecretStr(KEY + "x"), SecretStr(SECRET)),
        name="App",
        endpoint=None,  # type: ignore[arg-type]
        language="nl",
        limits=factories.LIMITS,
        actor=OWNER,
    )


@pytest.mark.parametrize(
    "spoil", [_damaged, _unknown_kek, _shredded, _stored_again, _broken_insert]
)
def test_no_error_shows_it_not_even_with_its_locals(
    spoil: Callable[[Credential], None], log: io.StringIO
) -> None:
    credential = _whole_life()
    with pytest.raises((VaultError, DatabaseError)) as caught:
        _spoil_and_open(spoil, credential)
    error = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = "".join(line for line in error.format() if "test_canary" not in line)
    _assert_hidden(str(caught.value), repr(caught.value), frames, log.getvalue())


def _spoil_and_open(spoil: Callable[[Credential], None], credential: Credential) -> None:
    spoil(credential)
    vault.check_out_credential(
        credential_id=credential.pk,
        keychain_id=credential.keychain_id,
        actor=OWNER,
        purpose="verification",
    )
