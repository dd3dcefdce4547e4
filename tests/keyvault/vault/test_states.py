"""The steps of a credential's life."""

import pytest

from keyvault import vault
from keyvault.errors import StateError, UnknownRecordError
from keyvault.models import AuditEntry, Credential
from keyvault.vault.states import STEPS
from tests.keyvault import factories
from tests.keyvault.factories import OWNER

pytestmark = pytest.mark.django_db
State = Credential.State


def _move(credential: Credential, to: Credential.State) -> Credential:
    return vault.set_state(
        credential_id=credential.pk,
        keychain_id=credential.keychain_id,
        to=to,
        actor=OWNER,
        reason="test",
    )


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("to", State)
def test_only_the_listed_steps_are_taken(before: Credential.State, to: Credential.State) -> None:
    credential = factories.credential()
    Credential.objects.filter(pk=credential.pk).update(state=before)
    recorded = AuditEntry.objects.count()
    if before == to:
        assert _move(credential, to).state == to
        assert AuditEntry.objects.count() == recorded
    elif (before, to) in STEPS:
        assert _move(credential, to).state == to
        assert AuditEntry.objects.order_by("id").last().action == STEPS[before, to]  # type: ignore[union-attr]
    else:
        with pytest.raises(StateError):
            _move(credential, to)
        assert Credential.objects.get().state == before
        assert AuditEntry.objects.count() == recorded


def test_a_revoked_credential_loses_its_ciphertext() -> None:
    credential = factories.credential()
    assert _move(credential, State.REVOKED).sealed == b""
    assert bytes(Credential.objects.get().sealed) == b""


def test_another_stores_credential_is_not_moved() -> None:
    credential = factories.credential()
    with pytest.raises(UnknownRecordError):
        vault.set_state(
            credential_id=credential.pk,
            keychain_id=factories.keychain().id,
            to=State.PAUSED,
            actor=OWNER,
        )
    assert Credential.objects.get().state == State.ACTIVE
