import io
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from keyvault.audit.sealer import seal_new_entries
from keyvault.errors import StateError
from keyvault.models import AuditEntry, Credential
from keyvault.vault import ApiKeySecret
from onboarding.capacity.planner import DAY, FIVE_MINUTES, HOUR
from onboarding.capacity.usage import current_day
from onboarding.models import DailyPeak, Replacement
from onboarding.stores.charts import usage_chart
from onboarding.submission.duties import run_retirement
from onboarding.submission.services import undo_replacement
from simulator.running import RunningSimulator
from tests.onboarding.cast import BY_TESTS, pair
from tests.onboarding.submission.desk import Desk, desk, heading, text
from tests.onboarding.vendor import known_pair, pasted

pytestmark = pytest.mark.django_db
State = Credential.State


def first_key(at: Desk, simulator: RunningSimulator) -> Credential:
    at.paste(**pasted(known_pair(simulator)))
    at.press("store", at.submission())
    return Credential.objects.get(keychain_id=at.store.pk)


def replaced(at: Desk, old: Credential, simulator: RunningSimulator) -> Credential:
    page = at.paste(replaces=str(old.pk), **pasted(known_pair(simulator)))
    assert "It takes the place of" in text(page)
    at.press("store", at.submission())
    return Credential.objects.get(submission=at.submission())


def test_the_old_key_works_until_the_new_one_is_stored(simulator: RunningSimulator) -> None:
    at = desk()
    old = first_key(at, simulator)
    page = at.client.get(at.url, {"replaces": str(old.pk)})
    assert f"takes the place of {old}" in text(page)
    at.paste(replaces=str(old.pk), **pasted(known_pair(simulator)))
    old.refresh_from_db()
    assert old.state == State.ACTIVE
    at.press("store", at.submission())
    old.refresh_from_db()
    assert old.state == State.REPLACED
    page = text(at.client.get(f"/stores/{at.store.pk}/"))
    assert "It took the place of an older key" in page
    assert "Undo" in page


def test_undo_brings_the_old_key_back_and_removes_the_new(simulator: RunningSimulator) -> None:
    at = desk()
    old = first_key(at, simulator)
    new = replaced(at, old, simulator)
    page = at.client.post(f"/stores/{at.store.pk}/keys/{new.pk}/undo/", follow=True)
    assert "is back, and the new key is removed" in text(page)
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.state, new.state) == (State.ACTIVE, State.REVOKED)
    again = replaced(at, old, simulator)
    assert again.state == State.ACTIVE
    assert AuditEntry.objects.filter(action="credential.restored").count() == 1


def test_the_same_key_with_a_new_secret_takes_its_own_place(simulator: RunningSimulator) -> None:
    at = desk()
    known = known_pair(simulator)
    at.paste(**pasted(known))
    at.press("store", at.submission())
    old = Credential.objects.get()
    fresh = pair().secret
    simulator.put_key(key=known.key.get_secret_value(), secret=fresh.get_secret_value())
    page = at.paste(
        replaces=str(old.pk), key=known.key.get_secret_value(), secret=fresh.get_secret_value()
    )
    assert heading(page) == "This key works"
    at.press("store", at.submission())
    assert Credential.objects.filter(state=State.ACTIVE).count() == 1


def test_a_secret_that_the_vendor_has_voided_is_never_brought_back(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    known = known_pair(simulator)
    at.paste(**pasted(known))
    at.press("store", at.submission())
    old = Credential.objects.get()
    fresh = ApiKeySecret(known.key, pair().secret)
    simulator.put_key(key=fresh.key.get_secret_value(), secret=fresh.secret.get_secret_value())
    at.paste(replaces=str(old.pk), **pasted(fresh))
    at.press("store", at.submission())
    new = Credential.objects.get(state=State.ACTIVE)
    page = text(at.client.get(f"/stores/{at.store.pk}/"))
    assert "Undo" not in page
    page = at.client.post(f"/stores/{at.store.pk}/keys/{new.pk}/undo/", follow=True)
    assert "Somebody changed this key a moment ago." in text(page)
    assert run_retirement(timezone.now()) == 1
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.state, new.state) == (State.REVOKED, State.ACTIVE)


def test_a_replaced_key_is_destroyed_after_a_day(simulator: RunningSimulator) -> None:
    at = desk()
    old = first_key(at, simulator)
    new = replaced(at, old, simulator)
    assert run_retirement(timezone.now()) == 0
    later = timezone.now() + timedelta(hours=25)
    assert run_retirement(later) == 1
    assert run_retirement(later) == 0
    old.refresh_from_db()
    assert old.state == State.REVOKED
    assert bytes(old.sealed) == b""
    with pytest.raises(StateError):
        undo_replacement(replacement=Replacement.objects.get(), actor=BY_TESTS)
    page = at.client.post(f"/stores/{at.store.pk}/keys/{new.pk}/undo/", follow=True)
    assert "Somebody changed this key a moment ago." in text(page)


def test_a_key_that_was_removed_meanwhile_is_not_replaced(simulator: RunningSimulator) -> None:
    at = desk()
    old = first_key(at, simulator)
    at.paste(replaces=str(old.pk), **pasted(known_pair(simulator)))
    at.client.post(
        f"/stores/{at.store.pk}/keys/{old.pk}/remove/", {"typed": old.last_four}, follow=True
    )
    at.press("store", at.submission())
    assert not Replacement.objects.exists()
    assert Credential.objects.filter(state=State.ACTIVE).count() == 1


@pytest.mark.parametrize("named", ["", "nonsense", "00000000-0000-4000-8000-000000000000"])
def test_what_is_no_live_key_of_the_store_is_not_replaced(
    simulator: RunningSimulator, named: str
) -> None:
    at, other = desk(), desk("second")
    theirs = first_key(other, simulator)
    for name in (named, str(theirs.pk)):
        at.paste(replaces=name, **pasted(known_pair(simulator)))
        assert at.submission().replaces is None


def test_the_chart_says_in_words_and_numbers_what_it_draws(simulator: RunningSimulator) -> None:
    at = desk()
    first_key(at, simulator)
    page = text(at.client.get(f"/stores/{at.store.pk}/usage/"))
    assert page.count("No requests in this time.") == 3
    assert "The same as a table" not in page
    chart = usage_chart(store=at.store, seconds=HOUR)
    assert chart.limit == 3000
    assert (chart.is_empty, chart.peak_percent) == (True, 0)
    assert len(usage_chart(store=at.store, seconds=FIVE_MINUTES).bars) == 37


def test_the_days_stand_in_chart_and_table_alike_long_after_the_log_forgot_them(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    first_key(at, simulator)
    now = timezone.now()
    DailyPeak.objects.create(
        store=at.store,
        day=current_day() - timedelta(days=20),
        five_minutes=100,
        five_minutes_at=now,
        hour=400,
        hour_at=now,
        total=4321,
    )
    chart = usage_chart(store=at.store, seconds=DAY)
    assert (len(chart.bars), chart.peak) == (30, 4321)
    assert chart.bars[9].requests == 4321
    page = text(at.client.get(f"/stores/{at.store.pk}/usage/"))
    assert "Last 30 days, by the day At most 4,321 requests" in page
    assert "4,321 12,000" in page


def test_the_record_can_be_taken_away(simulator: RunningSimulator) -> None:
    at = desk()
    first_key(at, simulator)
    seal_new_entries(timezone.now())
    url = f"/stores/{at.store.pk}/record/"
    assert at.client.get(url).status_code == 405
    answer = at.client.post(url)
    assert "attachment" in answer.headers["Content-Disposition"]
    lines = io.BytesIO(b"".join(answer.streaming_content)).read().decode().splitlines()
    header = json.loads(lines[0])
    assert header["format"] == "latchkey-audit-export"
    assert any("credential.sealed" in line for line in lines)
