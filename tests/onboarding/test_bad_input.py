"""What no form of a merchant does, whatever is sent to it: fail, run markup, or act for a stranger.

A table of all forms, each with what a browser would send; the tests spoil that in every way.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from onboarding.models import Member, User
from onboarding.people.invitations import invite_person
from simulator.running import RunningSimulator
from tests.onboarding.capacity.sales import case_of, figures
from tests.onboarding.cast import PASSWORD, credential, member, person, signed_in
from tests.onboarding.submission.desk import Desk, desk, text
from tests.onboarding.vendor import known_pair, pasted

pytestmark = pytest.mark.django_db

MARKUP = "\"'><script>alert(1)</script>{{ 7*7 }}{% now 'Y' %}<img src=x onerror=alert(1)>"
SPOILED = {
    "empty": "",
    "too-long": "x" * 100_000,
    "hostile": MARKUP,
    "nul": "a\x00b\ud7ff",
    "number": "-99999999999999999999",
    "other-writing": "٣\u202e\U0001f511",
}


@dataclass(frozen=True)
class Form:
    """One form.

    Attributes:
        path: below the store; one that begins with a slash is whole.
        fields: what a browser sends.
        is_judged: whether an empty one is a mistake that its page must explain.
    """

    path: str
    fields: dict[str, str] = field(default_factory=dict)
    is_judged: bool = False


Table = Callable[[Desk, RunningSimulator], Form]


def _key(at: Desk) -> str:
    return f"keys/{credential(at.store).pk}"


def _pasted(at: Desk, simulator: RunningSimulator) -> str:
    at.paste(**pasted(known_pair(simulator, lacking=("orders", "write"))))
    return f"keys/new/{at.submission().pk}"


def _colleague(at: Desk) -> str:
    row = member(at.store.merchant, person(f"colleague-{uuid.uuid4().hex[:6]}"))
    return f"/merchants/{at.store.merchant_id}/people/{row.pk}"


def _invited(at: Desk) -> str:
    owner = User.objects.get(email="owner@example.test")
    row = invite_person(merchant=at.store.merchant, email="new@example.test", invited_by=owner)
    return f"/merchants/{at.store.merchant_id}/invitations/{row.pk}"


def _at_step(at: Desk) -> str:
    answers = {"owner": "yes", "plan": "yes", "keys_wanted": "1"}
    at.client.post(f"/stores/{at.store.pk}/walkthrough/1/", answers)
    return "walkthrough"


FORMS: dict[str, Table] = {
    "step-1": lambda _at, _sim: Form(
        "walkthrough/1/",
        {"owner": "yes", "plan": "yes", "keys_wanted": "1", "address": "", "words": "en"},
        is_judged=True,
    ),
    "step-2": lambda at, _sim: Form(f"{_at_step(at)}/2/", {"words": "nl"}),
    "differs": lambda at, _sim: Form(f"{_at_step(at)}/2/differs/"),
    "again": lambda at, _sim: Form(f"{_at_step(at)}/again/"),
    "someone-else": lambda _at, _sim: Form("walkthrough/someone-else/"),
    "paste": lambda _at, sim: Form(
        "keys/new/",
        {
            "submission": str(uuid.uuid4()),
            "name": "App",
            "replaces": "",
            "ticket": "",
            **pasted(known_pair(sim)),
        },
        is_judged=True,
    ),
    "paste-again": lambda at, sim: Form(
        f"{_pasted(at, sim)}/paste/", {"submission": "x", **pasted(known_pair(sim))}
    ),
    "check-again": lambda at, sim: Form(f"{_pasted(at, sim)}/check/"),
    "store": lambda at, sim: Form(f"{_pasted(at, sim)}/store/"),
    "delete": lambda at, sim: Form(f"{_pasted(at, sim)}/delete/"),
    "cluster": lambda at, sim: Form(f"{_pasted(at, sim)}/cluster/", {"cluster": "us1"}),
    "language": lambda at, sim: Form(f"{_pasted(at, sim)}/language/", {"language": "nl"}),
    "shop": lambda at, sim: Form(f"{_pasted(at, sim)}/shop/", {"shop_id": "1", "agree": "yes"}),
    "key-check": lambda at, _sim: Form(f"{_key(at)}/check/"),
    "key-pause": lambda at, _sim: Form(f"{_key(at)}/pause/"),
    "key-resume": lambda at, _sim: Form(f"{_key(at)}/resume/"),
    "key-undo": lambda at, _sim: Form(f"{_key(at)}/undo/"),
    "key-remove": lambda at, _sim: Form(f"{_key(at)}/remove/", {"typed": "none"}, is_judged=True),
    "record": lambda _at, _sim: Form("record/"),
    "sale": lambda _at, _sim: Form(
        "sale/", {**figures(), "text": "Hello", "form_id": str(uuid.uuid4())}, is_judged=True
    ),
    "add-keys": lambda _at, _sim: Form("sale/add-keys/", {"keys": "2"}),
    "case": lambda at, _sim: Form(
        f"sale/cases/{case_of(at.store).pk}/",
        {"text": "Hello", "form_id": str(uuid.uuid4())},
        is_judged=True,
    ),
    "case-withdraw": lambda at, _sim: Form(f"sale/cases/{case_of(at.store).pk}/withdraw/"),
    "connect": lambda _at, _sim: Form("connect/retail-r/"),
    "invite": lambda at, _sim: Form(
        f"/merchants/{at.store.merchant_id}/people/",
        {"email": "new@example.test", "role": "member"},
        is_judged=True,
    ),
    "role": lambda at, _sim: Form(f"{_colleague(at)}/role/", {"role": "owner"}),
    "remove": lambda at, _sim: Form(f"{_colleague(at)}/remove/"),
    "withdraw": lambda at, _sim: Form(f"{_invited(at)}/withdraw/"),
    "password": lambda _at, _sim: Form(
        "/accounts/password/change/",
        {"oldpassword": "wrong", "password1": "short"},
        is_judged=True,
    ),
    "email": lambda _at, _sim: Form(
        "/accounts/email/", {"email": "next@example.test", "action_add": ""}, is_judged=False
    ),
    "notifications": lambda _at, _sim: Form("/accounts/notifications/", {"keys": "off"}),
    "sessions": lambda _at, _sim: Form("/accounts/sessions/"),
    "language-switch": lambda _at, _sim: Form("/language/", {"language": "nl", "next": "/"}),
    "stay": lambda _at, _sim: Form("/accounts/stay/"),
    "reauthenticate": lambda _at, _sim: Form(
        "/accounts/reauthenticate/", {"password": "wrong"}, is_judged=True
    ),
}
# Open to anybody, so nobody's id is in them.
STRANGERS_FORMS: dict[str, Form] = {
    "login": Form(
        "/accounts/login/", {"login": "owner@example.test", "password": PASSWORD}, is_judged=True
    ),
    "reset": Form("/accounts/password/reset/", {"email": "owner@example.test"}, is_judged=True),
    "reset-by-link": Form("/accounts/password/reset/key/1-none/", {"password1": PASSWORD}),
    "invitation": Form("/invitations/none/", {"password": PASSWORD}),
    "hand-over": Form("/hand-over/none/"),
    "waiting": Form("/waiting/retail-r/", {"email": "x@example.test", "shop": "Shop"}),
}


def address(form: Form, at: Desk) -> str:
    return form.path if form.path.startswith("/") else f"/stores/{at.store.pk}/{form.path}"


def assert_is_calm(answer: HttpResponse) -> None:
    """An answer to nonsense: no failure, no markup of a stranger, and words about what to do."""
    assert answer.status_code < 500
    if answer.streaming:
        assert b"".join(answer.streaming_content)
        return
    if not answer.headers["Content-Type"].startswith("text/html"):
        return
    page = answer.content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    if answer.status_code == 422:
        assert_explains(answer)


def assert_explains(answer: HttpResponse) -> None:
    """The title says so, and the summary leads to fields that are there."""
    page = answer.content.decode()
    assert "<title>Error:" in re.sub(r"\s+", " ", page).replace("<title> ", "<title>")
    assert "There is a problem" in text(answer)
    summary = page.partition('class="error-summary"')[2].partition("</ul>")[0]
    for target in re.findall(r'href="#([\w-]+)"', summary):
        assert f'id="{target}"' in page


@pytest.mark.parametrize("name", FORMS)
def test_nonsense_in_any_field_upsets_no_form(simulator: RunningSimulator, name: str) -> None:
    at = desk()
    form = FORMS[name](at, simulator)
    for spoiled in SPOILED.values():
        assert_is_calm(at.client.post(address(form, at), dict.fromkeys(form.fields, spoiled)))
        for each in form.fields:
            assert_is_calm(at.client.post(address(form, at), {**form.fields, each: spoiled}))
    many = {each: [value, MARKUP, ""] for each, value in form.fields.items()}
    assert_is_calm(at.client.post(address(form, at), many))
    assert_is_calm(at.client.post(address(form, at), MARKUP, content_type="text/plain"))
    assert_is_calm(at.client.get(address(form, at)))


@pytest.mark.parametrize("name", FORMS)
def test_an_empty_form_says_what_is_missing(simulator: RunningSimulator, name: str) -> None:
    at = desk()
    form = FORMS[name](at, simulator)
    answer = at.client.post(address(form, at), {})
    if form.is_judged:
        assert_explains(answer)
    else:
        assert_is_calm(answer)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_is_sent_twice_upsets_nobody(simulator: RunningSimulator, name: str) -> None:
    at = desk()
    form = FORMS[name](at, simulator)
    for _ in range(2):
        answer = at.client.post(address(form, at), form.fields)
        assert_is_calm(answer)
        if answer.status_code == 302:
            assert_is_calm(at.client.get(answer.headers["Location"]))


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_somebody_else_does_not_exist(simulator: RunningSimulator, name: str) -> None:
    at = desk()
    form = FORMS[name](at, simulator)
    if form.path.startswith("/") and "/merchants/" not in form.path:
        return
    outsider = signed_in(person("outsider"))
    answer = outsider.post(address(form, at), form.fields)
    assert answer.status_code == 404
    assert Member.objects.filter(user__email="outsider@example.test").count() == 0


@pytest.mark.parametrize("name", STRANGERS_FORMS)
def test_nonsense_of_strangers_upsets_no_form(name: str) -> None:
    desk()
    form = STRANGERS_FORMS[name]
    for spoiled in SPOILED.values():
        cache.clear()
        for each in form.fields or {"other": ""}:
            answer = Client().post(form.path, {**form.fields, each: spoiled})
            assert_is_calm(answer)
            if form.is_judged and spoiled == "":
                assert_explains(answer)


def test_every_form_of_a_store_is_in_the_table(simulator: RunningSimulator) -> None:
    at = desk()
    known = {re.sub(r"[0-9a-f-]{36}|\d+", "*", FORMS[name](at, simulator).path) for name in FORMS}
    missing = []
    for each in _below(get_resolver().url_patterns, ""):
        if not each.startswith("stores/<uuid:store_id>/"):
            continue
        path = re.sub(r"<[^>]+>", "*", each.removeprefix("stores/<uuid:store_id>/"))
        url = f"/stores/{at.store.pk}/{path.replace('*', str(uuid.uuid4()))}"
        answer = at.client.post(url)
        assert_is_calm(answer)
        if answer.status_code != 405 and path not in known and "connect" not in path:
            missing.append(path)
    assert not missing


def _below(patterns: list[URLPattern | URLResolver], prefix: str) -> list[str]:
    found: list[str] = []
    for each in patterns:
        path = prefix + str(each.pattern)
        found += _below(each.url_patterns, path) if isinstance(each, URLResolver) else [path]
    return found


def test_a_book_in_the_place_of_a_key_leaves_no_trace_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    at = desk()
    caplog.clear()
    answer = at.client.post(at.url, {"key": "x" * 10_000_000, "secret": ""})
    assert answer.status_code == 413
    assert "paste only these two" in text(answer)
    assert not [record for record in caplog.records if record.exc_info]
