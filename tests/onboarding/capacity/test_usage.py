from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from keyvault import pool, vault
from keyvault.audit import SYSTEM
from keyvault.models import Credential, Lease
from onboarding.capacity.duties import run_noting
from onboarding.capacity.peaks import KEPT_FOR
from onboarding.capacity.usage import (
    busiest,
    current_day,
    limits_of_one_key,
    limits_together,
    measured_peaks,
    usage,
    usage_by_day,
)
from onboarding.models import DailyPeak, Store
from tests.onboarding.capacity.sales import lend
from tests.onboarding.cast import credential, merchant
from tests.onboarding.cast import store as make_store
from tests.onboarding.submission.desk import desk

pytestmark = pytest.mark.django_db
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 25, 14, 30, tzinfo=AMSTERDAM)


def shop() -> tuple[Store, Credential]:
    store = desk().store
    return store, credential(store)


def figures(store: Store) -> dict[int, int]:
    return {seconds: point.requests for seconds, point in measured_peaks(store=store).items()}


def test_peaks_are_the_busiest_windows_as_the_clock_cuts_them() -> None:
    with time_machine.travel(NOW, tick=False):
        store, key = shop()
        assert measured_peaks(store=store) == {}
        for minutes, permits in ((1, 40), (2, 30), (8, 50), (100, 10)):
            lend(key, permits=permits, at=NOW - timedelta(minutes=minutes))
        assert figures(store) == {300: 70, 3600: 120, 86400: 130}
        assert measured_peaks(store=store)[300].at == NOW - timedelta(minutes=5)


def test_a_day_begins_at_the_sites_midnight_whoever_reads() -> None:
    with time_machine.travel(NOW, tick=False), timezone.override("Asia/Tokyo"):
        store, key = shop()
        midnight = datetime(2026, 11, 25, tzinfo=AMSTERDAM)
        lend(key, permits=20, at=midnight)
        lend(key, permits=70, at=midnight - timedelta(seconds=1))
        assert current_day() == midnight.date()
        today, yesterday = (
            busiest(store=store, day=midnight.date() - timedelta(days=n)) for n in (0, 1)
        )
        assert today is not None
        assert yesterday is not None
        assert (today.total, yesterday.total) == (20, 70)
        assert busiest(store=store, day=midnight.date() + timedelta(days=1)) is None


def test_peaks_outlive_the_pools_log() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        store, key = shop()
        lend(key, permits=90, at=NOW)
        assert run_noting(timezone.now()) == 1
        Lease.objects.all().delete()
        assert figures(store)[300] == 90
        clock.move_to(NOW + timedelta(days=20))
        assert figures(store)[300] == 90
        clock.move_to(NOW + timedelta(days=31))
        assert figures(store) == {}


def test_noting_again_corrects_the_day_and_adds_no_row() -> None:
    with time_machine.travel(NOW, tick=False):
        _store, key = shop()
        lend(key, permits=90, at=NOW)
        run_noting(timezone.now())
        Lease.objects.filter(counted=90).update(counted=15)
        run_noting(timezone.now())
        assert DailyPeak.objects.get().total == 15


def test_a_day_that_the_log_has_begun_to_forget_is_not_noted_again() -> None:
    with time_machine.travel(NOW, tick=False):
        store, key = shop()
        yesterday = NOW - timedelta(hours=20)
        lend(key, permits=90, at=yesterday)
        assert run_noting(timezone.now()) == 1
        Lease.objects.filter(counted=90).update(counted=15)
        assert run_noting(timezone.now()) == 0
        assert DailyPeak.objects.get().total == 90
        assert figures(store)[86400] == 90


def test_noting_asks_no_more_for_many_stores_than_for_one(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with time_machine.travel(NOW, tick=False):
        agency = merchant("Agency")
        keys = [credential(make_store(agency, f"Shop {number}")) for number in range(6)]
        for number, key in enumerate(keys):
            lend(key, permits=10 + number, at=NOW - timedelta(minutes=70))
            lend(key, permits=20 + number, at=NOW - timedelta(hours=15))
        with django_assert_max_num_queries(6):
            assert run_noting(timezone.now()) == 12
        for number, key in enumerate(keys):
            of_store = DailyPeak.objects.filter(store=key.keychain_id).order_by("-day")
            assert [row.total for row in of_store] == [10 + number, 20 + number]
            assert of_store[0].hour_at == NOW - timedelta(minutes=90)


def test_a_decoys_loans_are_no_stores_traffic() -> None:
    decoy = vault.plant_honeytoken(label="Bakery", actor=SYSTEM)
    pool.seed(credential_id=decoy.pk, request_times=[])
    lend(decoy, permits=5, at=timezone.now())
    assert run_noting(timezone.now()) == 0


@pytest.mark.parametrize("day", [datetime(2026, 10, 25), datetime(2027, 3, 28)])  # noqa: DTZ001  # local
def test_hours_are_an_hour_long_on_the_days_that_change_the_clock(day: datetime) -> None:
    midnight = day.replace(tzinfo=AMSTERDAM)
    evening = midnight.replace(hour=20, minute=30)
    with time_machine.travel(evening, tick=False):
        store, key = shop()
        for minutes in (0, 25):
            lend(key, permits=10, at=evening - timedelta(minutes=minutes))
        run_noting(timezone.now())
        row = DailyPeak.objects.get(store=store)
        assert (row.hour, row.hour_at) == (20, midnight.replace(hour=20))


def test_quiet_stores_get_no_row_and_old_rows_go() -> None:
    with time_machine.travel(NOW, tick=False):
        store, _ = shop()
        assert run_noting(timezone.now()) == 0
        for days in (KEPT_FOR.days + 1, KEPT_FOR.days):
            DailyPeak.objects.create(
                store=store,
                day=NOW.date() - timedelta(days=days),
                five_minutes=1,
                five_minutes_at=NOW,
                hour=1,
                hour_at=NOW,
                total=1,
            )
        run_noting(timezone.now())
        assert DailyPeak.objects.count() == 1


def test_usage_shows_quiet_stretches_and_leaves_our_own_checks_out() -> None:
    store, key = shop()
    lend(key, permits=7, at=timezone.now() - timedelta(minutes=12))
    points = usage(store=store, seconds=300, since=timezone.now() - timedelta(hours=1))
    assert 12 <= len(points) <= 14
    assert sum(point.requests for point in points) == 7


def test_days_are_told_from_the_notes_and_today_from_the_log() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        store, key = shop()
        lend(key, permits=90, at=NOW - timedelta(hours=1))
        run_noting(timezone.now())
        Lease.objects.all().delete()
        clock.move_to(NOW + timedelta(days=3))
        lend(key, permits=5, at=NOW + timedelta(days=3, minutes=-1))
        days = usage_by_day(store=store, days=30)
        assert [each.requests for each in days] == [0] * 26 + [90, 0, 0, 5]
        assert days[-1].day == NOW.date() + timedelta(days=3)


def test_yesterday_is_told_from_the_log_while_nothing_is_noted_or_the_log_is_whole() -> None:
    after_midnight = datetime(2026, 11, 25, 0, 40, tzinfo=AMSTERDAM)
    with time_machine.travel(after_midnight, tick=False):
        store, key = shop()
        lend(key, permits=30, at=after_midnight - timedelta(hours=1))
        assert [each.requests for each in usage_by_day(store=store, days=2)] == [30, 0]
        run_noting(timezone.now())
        lend(key, permits=12, at=after_midnight - timedelta(hours=2))
        assert [each.requests for each in usage_by_day(store=store, days=2)] == [42, 0]
        assert run_noting(timezone.now()) == 1
        assert DailyPeak.objects.get().total == 42


def test_limits_of_a_store_without_keys_are_the_vendors() -> None:
    store = desk().store
    assert dict(limits_of_one_key(store=store)) == {1: 20, 300: 300, 3600: 3000, 86400: 12000}
    assert limits_together(store=store) == {}


def test_the_weakest_key_is_planned_with() -> None:
    store, key = shop()
    Credential.objects.filter(pk=key.pk).update(limits=[[300, 100], [86400, 20000]])
    credential(store, name="second")
    found = dict(limits_of_one_key(store=store))
    assert (found[300], found[3600], found[86400]) == (100, 3000, 20000)
    assert limits_together(store=store)[300] == 400
