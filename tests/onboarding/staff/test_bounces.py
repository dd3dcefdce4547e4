"""Staff see who is not reached by mail, and let us try again."""

import pytest
from django.test import Client
from django.urls import reverse

from onboarding.models import BouncedAddress
from onboarding.notices.bounces import is_bounced, mark_bounced
from tests.onboarding.cast import signed_in, staff_in

pytestmark = pytest.mark.django_db
ADDRESS = "owner@example.test"
ROWS = reverse("admin:onboarding_bouncedaddress_changelist")


def ask(client: Client, **more: str) -> str:
    row = BouncedAddress.objects.get()
    chosen = {"action": "write_again", "_selected_action": str(row.pk), **more}
    return client.post(ROWS, chosen, follow=True).content.decode()


def test_rows_are_shown_before_mails_go_again() -> None:
    mark_bounced(address=ADDRESS, status="5.1.1")
    client = signed_in(staff_in("operator"))
    page = ask(client)
    assert ADDRESS in page
    assert "5.1.1" in page
    assert is_bounced(ADDRESS)
    assert "We write to 1 address again." in ask(client, confirmed="1")
    assert not is_bounced(ADDRESS)


def test_support_sees_and_changes_nothing() -> None:
    mark_bounced(address=ADDRESS, status="5.1.1")
    client = signed_in(staff_in("support"))
    assert ADDRESS in client.get(ROWS).content.decode()
    ask(client, confirmed="1")
    assert is_bounced(ADDRESS)
