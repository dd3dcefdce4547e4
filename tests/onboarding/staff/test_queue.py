from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from keyvault.models import Alert, Credential, DutyRun
from keyvault.vault import handle_alert, seal_draft
from keyvault.vault.tripwires import fire
from onboarding.models import OutgoingMail, Plan, Store, Submission, User, Verification
from onboarding.notices.outbox import enqueue
from onboarding.staff.glass import services
from onboarding.staff.queue import SHOWN, STUCK_AFTER, Pile, work_queue
from tests.onboarding.cast import (
    BY_TESTS,
    credential,
    merchant,
    pair,
    person,
    signed_in,
    staff_in,
    staff_member,
    store,
)
from tests.onboarding.migration.scene import FACTS, plan, staff
from tests.onboarding.staff.glass.scene import Scene

pytestmark = pytest.mark.django_db


def queue() -> list[Pile]:
    return work_queue(now=timezone.now())


def shop(name: str = "Shop", *, keys: int = 1) -> Store:
    made = store(merchant(f"Company of {name}", owner=person(f"owner-{name.lower()}")), name)
    for number in range(keys):
        credential(made, name=f"Key {number}", of=pair())
    return made


def set_state(name: str, state: str) -> None:
    Credential.objects.filter(name=name).update(state=state)


def checked(key: Credential, outcome: str, *, ago: timedelta = timedelta()) -> None:
    Verification.objects.create(
        store_id=key.keychain_id, credential=key, at=timezone.now() - ago, outcome=outcome
    )


def pasted(made: Store, *, ago: timedelta, state: str = "failed") -> Submission:
    draft = seal_draft(keychain_id=made.pk, secret=pair(), ttl_seconds=86400, actor=BY_TESTS)
    row = Submission.objects.create(
        store=made,
        user=made.merchant.members.get().user,
        draft_id=draft.pk,
        state=state,
        expires_at=draft.expires_at,
    )
    Submission.objects.filter(pk=row.pk).update(created_at=timezone.now() - ago)
    return row


def test_nothing_wrong_is_said_so() -> None:
    shop()
    assert queue() == []
    assert "Nothing. Every key works" in signed_in(staff_member()).get("/staff/").content.decode()


def test_tripwire_that_fired_stands_above_all_until_it_is_handled() -> None:
    shop("Dead")
    Credential.objects.update(state="suspended")
    now = timezone.now()
    fire(kind=Alert.Kind.HONEYTOKEN, subject="credential:1", facts={})
    first = queue()[0]
    assert (first.kind, first.title) == ("danger", "1 tripwire fired")
    assert (first.tasks[0].label, first.tasks[0].note) == (
        "a decoy credential was used",
        "credential:1",
    )
    page = signed_in(staff_member()).get(first.url).content.decode()
    assert "a decoy credential was used" in page
    assert "tripwire" in work_queue(now=now + timedelta(days=300))[0].title
    handle_alert(alert_id=Alert.objects.get().pk, note="A test.", actor=BY_TESTS)
    assert "tripwire" not in queue()[0].title


def test_store_whose_keys_are_all_refused_comes_first() -> None:
    shop("Dead", keys=2)
    Credential.objects.update(state="suspended")
    shop("Weak", keys=2)
    weak = Credential.objects.get(keychain__store__name="Weak", name="Key 0")
    Credential.objects.filter(pk=weak.pk).update(state="suspended")
    first, second = queue()
    assert (first.kind, first.count, first.tasks[0].label) == ("danger", 1, "Dead")
    assert first.title == "1 app stands still"
    assert (second.kind, second.count) == ("warning", 1)
    assert second.tasks[0].note == "Weak"


def test_paused_and_removed_keys_are_no_failure() -> None:
    shop(keys=2)
    set_state("Key 0", "paused")
    set_state("Key 1", "revoked")
    assert queue() == []


def test_last_check_decides_whether_a_permission_is_missing() -> None:
    shop()
    key = Credential.objects.get()
    checked(key, "missing_permissions", ago=timedelta(hours=1))
    assert [pile.title for pile in queue()] == ["1 key lacks a permission"]
    checked(key, "passed")
    assert queue() == []


def test_paste_is_stuck_after_an_hour_with_its_cause() -> None:
    made = shop()
    paste = pasted(made, ago=STUCK_AFTER - timedelta(minutes=1))
    assert queue() == []
    pasted(made, ago=STUCK_AFTER + timedelta(minutes=1))
    Verification.objects.create(
        store=made, submission=paste, at=timezone.now(), outcome="language_inactive"
    )
    Submission.objects.filter(pk=paste.pk).update(created_at=timezone.now() - timedelta(hours=5))
    (pile,) = queue()
    assert pile.count == 2
    assert pile.tasks[0].note.replace("\xa0", " ") == "language inactive, for 5 hours"
    assert pile.tasks[1].note.startswith("needs the merchant")


def test_mail_that_was_given_up_is_shown() -> None:
    enqueue(recipient="a@example.test", subject="Hello", text="x")
    assert queue() == []
    OutgoingMail.objects.update(failed_at=timezone.now(), problem="TimeoutError")
    (pile,) = queue()
    assert (pile.tasks[0].label, pile.tasks[0].note) == ("Hello", "TimeoutError")


def test_long_piles_show_their_first_rows_and_the_whole_number() -> None:
    for number in range(SHOWN + 2):
        shop(f"Shop{number}")
    Credential.objects.update(state="suspended")
    (pile,) = queue()
    assert (pile.count, len(pile.tasks)) == (SHOWN + 2, SHOWN)
    page = signed_in(staff_member()).get("/staff/").content.decode()
    assert "7 apps stand still" in page
    assert "See all" in page


def test_queue_takes_as_many_queries_for_many_rows_as_for_one() -> None:
    counts = []
    for number in range(2):
        for each in range(1 + 5 * number):
            made = shop(f"S{number}{each}", keys=2)
            pasted(made, ago=timedelta(hours=2))
        Credential.objects.filter(name="Key 0").update(state="suspended")
        for key in Credential.objects.filter(name="Key 1"):
            checked(key, "missing_permissions")
        with CaptureQueriesContext(connection) as queries:
            queue()
        counts.append(len(queries))
        assert '"sealed"' not in " ".join(query["sql"] for query in queries)
    assert counts[0] == counts[1] <= 12


def test_staff_without_rights_see_no_queue() -> None:
    shop()
    Credential.objects.update(state="suspended")
    page = signed_in(staff_in(None)).get("/staff/").content.decode()
    assert "stands still" not in page
    assert "What needs a hand" not in page


def test_each_link_of_the_queue_leads_somewhere() -> None:
    made = shop("Dead")
    Credential.objects.update(state="suspended")
    shop("Weak", keys=2)
    set_state("Key 1", "suspended")
    pasted(made, ago=timedelta(hours=2))
    enqueue(recipient="a@example.test", subject="Hello", text="x")
    OutgoingMail.objects.update(failed_at=timezone.now())
    client = signed_in(staff_member())
    piles = queue()
    assert len(piles) == 4
    for pile in piles:
        assert client.get(pile.url).status_code == 200
        for task in pile.tasks:
            assert client.get(task.url).status_code == 200


def active_plan(*, days: int) -> Plan:
    made = plan(facts=replace(FACTS, endpoint="ecom-eu1"), keys_refused=timedelta(days=days))
    Plan.objects.filter(pk=made.pk).update(state="active")
    return made


def test_a_day_that_comes_near_is_told_while_stores_have_not_moved() -> None:
    made = shop("Late")
    phases = active_plan(days=31).phases
    assert queue() == []
    phases.update(starts_at=timezone.now() + timedelta(days=20))
    (pile,) = queue()
    assert (pile.kind, pile.title) == ("warning", "1 store has not moved")
    assert pile.tasks[0].label == "Late"
    phases.update(starts_at=timezone.now() + timedelta(days=6))
    assert queue()[0].kind == "danger"
    client = signed_in(staff())
    assert client.get(queue()[0].url).status_code == 200
    Credential.objects.filter(keychain=made.pk).update(state="revoked")
    assert queue() == []


def test_a_plan_without_effect_is_no_deadline() -> None:
    shop("Late")
    near = active_plan(days=6)
    assert len(queue()) == 1
    for change in ({"state": "draft"}, {"state": "called_off"}):
        Plan.objects.filter(pk=near.pk).update(**change)
        assert queue() == []


def test_duties_that_fail_and_workers_that_are_gone_are_told() -> None:
    now = timezone.now()
    DutyRun.objects.create(name="audit.seal", ran_at=now)
    DutyRun.objects.create(name="notices.mail", ran_at=now, failures=3, problem="OSError")
    (pile,) = queue()
    assert (pile.kind, pile.title) == ("warning", "1 duty fails")
    assert (pile.tasks[0].label, pile.tasks[0].note) == ("notices.mail", "OSError")
    DutyRun.objects.update(ran_at=now - timedelta(hours=2))
    (pile,) = queue()
    assert (pile.kind, pile.title) == ("danger", "No worker is there")
    assert pile.tasks[0].note.replace("\xa0", " ") == "for 2 hours"


def test_broken_glass_is_told_to_those_who_may_act() -> None:
    scene = Scene()
    request = scene.ask()
    operator = staff_in("operator")
    now = timezone.now()

    def titles(user: User) -> list[str]:
        return [pile.title for pile in work_queue(now=now, user=user)]

    assert titles(scene.ben) == ["1 request to break glass"]
    assert titles(operator) == []
    services.approve(request_id=request.pk, user=scene.ben)
    services.break_glass(request_id=request.pk, user=scene.anna)
    (pile,) = work_queue(now=timezone.now(), user=scene.ben)
    assert pile.title == "1 opened key is not replaced"
    assert pile.tasks[0].note == "Bike Shop Amsterdam"
    client = signed_in(scene.ben)
    for url in (pile.url, pile.tasks[0].url):
        assert client.get(url).status_code == 200
    Credential.objects.update(state="revoked")
    assert titles(scene.ben) == []
