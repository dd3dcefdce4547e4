"""Who is told of what, and the link that stops it."""

import pytest
from django.test import Client

from onboarding.models import NotificationChoice, User
from onboarding.notices.preferences import (
    Choice,
    Topic,
    choices_of,
    readers_at,
    save_choices,
    staff_readers,
    unsubscribe_url,
    wants,
)
from tests.onboarding.cast import member, merchant, person, signed_in, staff_member

pytestmark = pytest.mark.django_db
PAGE = "/accounts/notifications/"


def way_out(user: User, topic: Topic = Topic.CAMPAIGNS) -> str:
    return unsubscribe_url(user=user, topic=topic).split("127.0.0.1:8000")[1]


def test_everybody_is_told_until_they_choose_otherwise() -> None:
    company = merchant(owner=person("owner"))
    colleague = person("colleague")
    member(company, colleague)
    assert len(readers_at(merchant_id=company.pk, topic=Topic.KEYS)) == 2
    save_choices(user=colleague, choices={Topic.KEYS: Choice.OFF})
    readers = readers_at(merchant_id=company.pk, topic=Topic.KEYS)
    assert [reader.email for reader in readers] == ["owner@example.test"]
    assert len(readers_at(merchant_id=company.pk, topic=Topic.CASES)) == 2
    save_choices(user=colleague, choices={Topic.KEYS: Choice.AT_ONCE})
    assert len(readers_at(merchant_id=company.pk, topic=Topic.KEYS)) == 2


def test_outsiders_and_closed_accounts_are_told_nothing() -> None:
    owner = person("owner")
    company = merchant(owner=owner)
    person("outsider")
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert readers_at(merchant_id=company.pk, topic=Topic.KEYS) == []


def test_merchants_have_no_say_on_what_staff_are_told() -> None:
    owner = person("owner")
    assert Topic.ALERTS not in choices_of(owner)
    with pytest.raises(ValueError, match="alerts"):
        save_choices(user=owner, choices={Topic.ALERTS: Choice.OFF})
    with pytest.raises(ValueError, match="hourly"):
        save_choices(user=owner, choices={Topic.KEYS: Choice.HOURLY})
    assert not NotificationChoice.objects.exists()


def test_staff_get_a_digest_each_morning_and_alerts_at_once() -> None:
    staff = staff_member()
    assert choices_of(staff)[Topic.DIGEST] == Choice.DAILY
    assert choices_of(staff)[Topic.ALERTS] == Choice.AT_ONCE
    assert staff_readers(Topic.ALERTS) == [staff]
    save_choices(user=staff, choices={Topic.ALERTS: Choice.OFF})
    assert staff_readers(Topic.ALERTS) == []


def test_page_keeps_what_is_chosen() -> None:
    owner = person("owner")
    client = signed_in(owner)
    assert client.get(PAGE).content.decode().count("<fieldset") == 4
    chosen = dict.fromkeys(("keys", "deadlines", "cases"), "at-once")
    answer = client.post(PAGE, {**chosen, "campaigns": "off"}, follow=True)
    assert "Your choices are kept." in answer.content.decode()
    assert not wants(user=owner, topic=Topic.CAMPAIGNS)
    assert wants(user=owner, topic=Topic.KEYS)


def test_page_refuses_what_is_not_offered() -> None:
    owner = person("owner")
    answer = signed_in(owner).post(PAGE, {"keys": "daily", "alerts": "off"})
    assert "There is a problem" in answer.content.decode()
    assert not NotificationChoice.objects.exists()


def test_link_asks_before_it_stops_anything() -> None:
    owner = person("owner", language="nl")
    page = Client().get(way_out(owner)).content.decode()
    assert 'lang="nl"' in page
    assert wants(user=owner, topic=Topic.CAMPAIGNS)


def test_mail_program_stops_mails_by_one_post_without_signing_in() -> None:
    owner = person("owner")
    client = Client(enforce_csrf_checks=True)
    answer = client.post(way_out(owner), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not wants(user=owner, topic=Topic.CAMPAIGNS)
    assert wants(user=owner, topic=Topic.KEYS)
    assert "sessionid" not in answer.cookies
    assert client.post(way_out(owner)).status_code == 200


def test_link_of_a_mail_to_staff_works_for_who_has_left_it() -> None:
    staff = staff_member()
    link = way_out(staff, Topic.DIGEST)
    User.objects.filter(pk=staff.pk).update(is_staff=False)
    assert Client().get(link).status_code == 200
    assert Client().post(link).status_code == 200
    assert not NotificationChoice.objects.exists()


def test_link_that_was_tampered_with_stops_nothing() -> None:
    owner, other = person("owner"), person("other")
    ours, theirs = way_out(owner), way_out(other)
    forged = theirs[: theirs.rindex(":")] + ours[ours.rindex(":") :]
    assert Client().get(forged).status_code == 404
    assert Client().post(forged).status_code == 404
    assert wants(user=other, topic=Topic.CAMPAIGNS)


def test_link_of_an_account_that_is_gone_is_unknown() -> None:
    owner = person("owner")
    link = way_out(owner)
    owner.delete()
    assert Client().post(link).status_code == 404
