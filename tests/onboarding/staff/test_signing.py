"""Staff say which key signs a backend's requests."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.urls import reverse

from keyvault.leases import create_backend
from keyvault.models import AuditEntry, Backend
from tests.onboarding.cast import BY_TESTS, confirmed, signed_in, staff_in

pytestmark = pytest.mark.django_db
PUBLIC = Ed25519PrivateKey.generate().public_key().public_bytes_raw()


@pytest.fixture
def address() -> str:
    made = create_backend(name="app", scopes=[], stores=None, days=1, actor=BY_TESTS)
    return reverse("staff-signing-key", args=[made.backend_id])


def test_security_registers_a_key_and_takes_it_away(address: str) -> None:
    client = confirmed(staff_in("security"))
    page = reverse("admin:keyvault_backend_change", args=[Backend.objects.get().pk])

    client.post(address, {"key": base64.b64encode(PUBLIC).decode()})
    assert bytes(Backend.objects.get().signing_key) == PUBLIC
    entry = AuditEntry.objects.get(action="backend.changed")
    assert entry.actor.startswith("person:")
    assert str(entry.facts["signing_key"]) in client.get(page).content.decode()

    client.post(address, {"key": ""})
    assert Backend.objects.get().signing_key is None


def test_what_is_no_key_is_said_and_changes_nothing(address: str) -> None:
    answer = confirmed(staff_in("security")).post(address, {"key": "nonsense"})

    assert "44 characters" in answer.content.decode()
    assert Backend.objects.get().signing_key is None


def test_others_and_who_has_not_confirmed_do_not_get_there(address: str) -> None:
    form = {"key": base64.b64encode(PUBLIC).decode()}

    assert confirmed(staff_in("operator")).post(address, form).status_code == 403
    assert signed_in(staff_in("security")).post(address, form).status_code == 302
    assert Backend.objects.get().signing_key is None


def test_backends_lead_to_the_page_of_their_api(address: str) -> None:
    client = signed_in(staff_in("support"))

    page = client.get(reverse("admin:keyvault_backend_changelist")).content.decode()

    assert 'href="/api/v1/docs"' in page
    assert (
        "Change the signing key"
        not in client.get(
            reverse("admin:keyvault_backend_change", args=[Backend.objects.get().pk])
        ).content.decode()
    )
