import pytest

from keyvault.models import Credential, Draft
from onboarding.models import Submission
from simulator.running import RunningSimulator
from tests.onboarding.submission.desk import desk, heading, text
from tests.onboarding.vendor import SHOP, known_pair, pasted

pytestmark = pytest.mark.django_db


def test_a_good_pair_is_stored_after_its_check_and_the_merchant_lands_on_the_store(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    page = at.paste(**pasted(known_pair(simulator)))
    assert heading(page) == "This key works"
    assert Credential.objects.count() == 0

    page = at.press("store", at.submission())

    assert page.redirect_chain[-1][0] == f"/stores/{at.store.pk}/"
    assert "OK: your app works" in text(page)
    credential = Credential.objects.get()
    at.store.refresh_from_db()
    assert at.store.shop_id == SHOP
    assert at.submission().state == Submission.State.STORED
    assert at.submission().credential == credential
    assert Draft.objects.count() == 0
