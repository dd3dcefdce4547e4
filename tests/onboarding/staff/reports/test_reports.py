import csv
import io
import re
from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from keyvault.models import AuditEntry, Credential
from onboarding.capacity.usage import current_day
from onboarding.models import DailyPeak, Store, Submission, Verification, Walkthrough
from onboarding.staff.reports.files import as_csv, harmless
from onboarding.staff.reports.keys import headroom, keys_by_state
from onboarding.staff.reports.values import Report
from onboarding.staff.reports.views import REPORTS
from onboarding.staff.reports.walks import causes, funnel, time_to_first_key
from tests.onboarding.cast import credential, merchant, pair, person, signed_in, staff_in, store

pytestmark = pytest.mark.django_db
PAGE = "/staff/reports/"
MONTH = timedelta(days=30)


def shop(name: str = "Shop") -> Store:
    return store(merchant(f"Company of {name}", owner=person(f"owner-{name.lower()}")), name)


def walk(shop: Store, *, step: int, ago: timedelta = timedelta(), **changes: object) -> None:
    made = Walkthrough.objects.create(
        store=shop, user=person(f"walker-{Walkthrough.objects.count()}"), step=step
    )
    at = timezone.now() - ago
    Walkthrough.objects.filter(pk=made.pk).update(created_at=at, updated_at=at, **changes)


def read(report: Report) -> list[list[str]]:
    return list(csv.reader(io.StringIO(as_csv(report).removeprefix("\ufeff"))))


def test_funnel_tells_how_far_people_came_and_where_they_stopped() -> None:
    made, now = shop(), timezone.now()
    two_days = timedelta(days=2)
    walk(made, step=2)
    walk(made, step=4, ago=two_days)
    walk(made, step=4, finished_at=now)
    walk(made, step=5, ago=two_days)
    walk(made, step=2, keys_done=1, ago=two_days)
    walk(made, step=6, keys_done=1, finished_at=now)
    walk(made, step=3, ago=timedelta(days=40))
    report = funnel(since=now - MONTH, now=now)
    assert [row[1:] for row in report.rows] == [
        (6, 100, 0),
        (6, 100, 0),
        (5, 83, 0),
        (5, 83, 2),
        (3, 50, 1),
        (2, 33, 0),
        (2, 33, 0),
    ]
    assert report.rows[-1][0] == "Key stored"
    assert report.bars[3].figure == "5 (83 %), 2 stopped here"


def test_causes_are_those_of_the_last_check_of_pastes_that_were_not_stored() -> None:
    made, now = shop(), timezone.now()
    user = person("paster")

    def paste(*outcomes: str, **fields: object) -> None:
        row = Submission.objects.create(
            store=made, user=user, expires_at=now, state="deleted", **fields
        )
        for number, outcome in enumerate(outcomes):
            at = now + timedelta(seconds=number)
            Verification.objects.create(store=made, submission=row, at=at, outcome=outcome)

    paste("refused", "missing_permissions")
    paste("missing_permissions")
    paste("refused")
    paste()
    key = credential(made)
    Submission.objects.create(store=made, user=user, expires_at=now, state="stored", credential=key)
    report = causes(since=now - MONTH)
    assert report.rows == (("missing permissions", 2), ("refused", 1), ("not checked", 1))


def test_time_to_the_first_key_goes_by_the_first_and_counts_who_has_none() -> None:
    now = timezone.now()
    waits = {
        "Quick": timedelta(minutes=5),
        "Day": timedelta(hours=5),
        "Week": timedelta(days=3),
        "Slow": timedelta(days=20),
    }
    for name, wait in waits.items():
        made = shop(name)
        Store.objects.filter(pk=made.pk).update(created_at=now - timedelta(days=25))
        for after in (wait, timedelta(days=24)):
            key = credential(made, of=pair())
            stored_at = now - timedelta(days=25) + after
            Credential.objects.filter(pk=key.pk).update(created_at=stored_at)
    shop("Nothing")
    old = shop("Old")
    Store.objects.filter(pk=old.pk).update(created_at=now - timedelta(days=40))
    report = time_to_first_key(since=now - MONTH)
    assert [row[1] for row in report.rows] == [1, 1, 1, 1, 1]
    assert report.rows[0] == ("Within an hour", 1, 20)
    assert report.most == 5


def test_keys_are_counted_by_state_without_decoys() -> None:
    made = shop()
    for state in ("active", "active", "suspended", "revoked"):
        key = credential(made, of=pair())
        Credential.objects.filter(pk=key.pk).update(state=state)
    decoy = credential(made, of=pair())
    token = credential(made, of=pair())
    Credential.objects.filter(pk=decoy.pk).update(is_honeytoken=True)
    Credential.objects.filter(pk=token.pk).update(kind="bearer")
    found = {row[0]: row[1:] for row in keys_by_state().rows}
    assert found["Active"] == (2, 1)
    assert found["Refused"] == (1, 0)
    assert found["Removed"] == (1, 0)
    assert found["Paused"] == (0, 0)


def peak(made: Store, *, five: int, hour: int = 0, day: date | None = None) -> None:
    now: datetime = timezone.now()
    DailyPeak.objects.create(
        store=made,
        day=day or current_day(),
        five_minutes=five,
        five_minutes_at=now,
        hour=hour,
        hour_at=now,
        total=hour,
    )


def test_stores_near_their_limits_are_named_by_their_tightest_window() -> None:
    for name, most in (("Calm", 208), ("Near", 210), ("Full", 299)):
        made = shop(name)
        credential(made, of=pair())
        peak(made, five=most)
    near = Store.objects.get(name="Near")
    idle = credential(near, of=pair())
    Credential.objects.filter(pk=idle.pk).update(state="paused")
    two_keys = shop("Two keys")
    for _ in range(2):
        credential(two_keys, of=pair())
    peak(two_keys, five=300)
    past = shop("Past")
    credential(past, of=pair())
    peak(past, five=300, day=current_day() - timedelta(days=31))
    shop("No key")
    report = headroom(since=timezone.now() - MONTH)
    assert [(row[0], row[-1]) for row in report.rows] == [("Full", 100), ("Near", 70)]
    assert report.rows[1] == ("Near", "Company of Near", "5 minutes", 210, 300, 70)
    assert [bar.is_bad for bar in report.bars] == [True, False]
    assert report.most == 100


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1",
        "  =1+1",
        "\u00a0=1",
        "\uff1d1+1",
        "|calc",
        "%0A",
    ],
)
def test_no_cell_is_a_formula(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["Bike Shop", "a=b", "", " ", "5", 5, -5])
def test_other_cells_stay_as_they_are(cell: str | int) -> None:
    assert harmless(cell) == cell


def test_a_shop_that_is_called_like_a_formula_does_no_harm() -> None:
    name = '=HYPERLINK("https://evil.example","x")'
    made = store(merchant("@evil", owner=person("evil")), name)
    credential(made)
    peak(made, five=300)
    rows = read(headroom(since=timezone.now() - MONTH))
    assert rows[1][:2] == [f"'{name}", "'@evil"]
    assert rows[1][-1] == "100"


@pytest.mark.parametrize("name", list(REPORTS))
def test_the_file_holds_the_numbers_of_the_page_and_is_on_record(name: str) -> None:
    made = shop()
    credential(made)
    walk(made, step=3)
    peak(made, five=290)
    Submission.objects.create(
        store=made, user=person("p"), expires_at=timezone.now(), state="deleted"
    )
    user = staff_in("support")
    client = signed_in(user)
    answer = client.get(f"{PAGE}{name}.csv?days=7")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        rf'attachment; filename="latchkey-{name}-[\d-]+\.csv"', answer["Content-Disposition"]
    )
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    page = client.get(f"{PAGE}?days=7").content.decode()
    assert len(rows) > 1
    assert [cell for row in rows for cell in row if f">{cell}<" not in page] == []
    entry = AuditEntry.objects.get(action="report.exported")
    assert (entry.actor, entry.subject) == (f"person:{user.pk}", f"report:{name}")
    assert entry.facts == {"days": 7}


def test_reports_of_nothing_say_so() -> None:
    page = signed_in(staff_in("support")).get(PAGE).content.decode()
    for words in (
        "Nobody began a walkthrough",
        "No pasted key was left",
        "No store was set up",
        "There is no key yet",
        "No store came near",
    ):
        assert words in page
    assert "Download" not in page


@pytest.mark.parametrize("days", ["", "0", "31", "-7", "abc", "99999999999999999999"])
def test_other_times_than_those_offered_are_the_usual_one(days: str) -> None:
    page = signed_in(staff_in("support")).get(f"{PAGE}?days={days}").content.decode()
    assert '<a href="?days=30" aria-current="true">' in page


def test_reports_that_do_not_exist_are_not_found() -> None:
    assert signed_in(staff_in("support")).get(f"{PAGE}nothing.csv").status_code == 404


def test_staff_in_no_role_and_merchants_see_no_report() -> None:
    for user in (staff_in(None), person("owner")):
        for path in (PAGE, f"{PAGE}keys.csv"):
            assert signed_in(user).get(path).status_code == 403
    assert not AuditEntry.objects.filter(action="report.exported").exists()


def test_reports_take_as_many_queries_for_many_rows() -> None:
    client = signed_in(staff_in("support"))
    client.get(PAGE)
    counts = []
    for number in range(2):
        for each in range(1 + 3 * number):
            made = shop(f"{number}-{each}")
            credential(made, of=pair())
            walk(made, step=2)
            peak(made, five=290)
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counts.append(len(queries))
    assert counts[0] == counts[1]
