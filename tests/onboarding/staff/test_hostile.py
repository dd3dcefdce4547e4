"""Garbage in every field of every page of the panel, sent by somebody who may do everything."""

import re

import pytest
from django.test import Client

from tests.browser.staff_scene import Panel, panel
from tests.onboarding.cast import confirmed
from tests.onboarding.staff.test_access import OPENED_BY
from tests.onboarding.staff.test_rows import MODELS, list_url

pytestmark = pytest.mark.django_db
HOSTILE = ["\x00", "a" * 70_000, "-1", "9" * 40, "2026-99-99T99:99", "%s{0}\u202e", ""]
# What views read that no page has a field for.
HIDDEN = ("do", "kind", "id", "alert", "page", "pile", "q")
BODIES = [
    (b"\xff\xfe", "application/x-www-form-urlencoded; charset=utf-16"),
    (b"{", "application/json"),
    (b"--x\r\n", "multipart/form-data; boundary=x"),
]


def filled(address: str, *, at: Panel) -> str:
    """An address of the list with the ids of rows that are there."""
    nobody = r"(?:987654|00000000-0000-4000-8000-000000000000)"
    for before, row in {
        "cases": at.case.pk,
        "stores": at.shop.pk,
        "merchants": at.company.pk,
        "team": at.ben.pk,
        "plans": at.campaign.plan_id,
        "campaigns": at.campaign.pk,
        "backends/tokens": at.waiting_token.token_id,
        "backends": at.backend.pk,
        "glass/keys": at.key.pk,
        "glass": at.waiting.pk,
    }.items():
        address = re.sub(rf"^/staff/{before}/{nobody}/", f"/staff/{before}/{row}/", address)
    return address.replace("/providers/x/", "/providers/retail-r/")


def failures(client: Client, address: str) -> list[tuple[str, str, int]]:
    page = client.get(address).content.decode(errors="replace")
    names = {*re.findall(r'<(?:input|select|textarea|button)[^>]*\bname="(\w+)"', page), *HIDDEN}
    names -= {"csrfmiddlewaretoken", "language", "next"}
    answers = []
    for value in HOSTILE:
        form = dict.fromkeys(names, value)
        answers.append(("post", value, client.post(address, form)))
        answers.append(("get", value, client.get(address, form)))
    for body, kind in BODIES:
        answers.append(("raw", kind, client.generic("POST", address, body, kind)))
    return [
        (f"{method} {address}", sent[:20], answer.status_code)
        for method, sent, answer in answers
        if answer.status_code >= 500
    ]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_garbage_is_refused_and_breaks_nothing() -> None:
    at = panel()
    client = confirmed(at.anna)
    client.raise_request_exception = False

    found = [each for address in OPENED_BY for each in failures(client, filled(address, at=at))]

    assert found == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_garbage_breaks_no_list() -> None:
    client = confirmed(panel().anna)
    client.raise_request_exception = False

    found = [
        (list_url(model), name, value[:20], answer.status_code)
        for model in MODELS
        for name in ("q", "p", "o", "all", "_to_field", "e", "state__exact")
        for value in HOSTILE
        if (answer := client.get(list_url(model), {name: value})).status_code >= 500
    ]

    assert found == []


@pytest.mark.parametrize("row", ["x", "-1", "9" * 40, "%00", "_00", "00000000"])
def test_rows_that_there_cannot_be_lead_back(row: str) -> None:
    client = confirmed(panel().anna)
    for model in MODELS:
        for page in ("change", "history", "delete"):
            answer = client.get(f"{list_url(model)}{row}/{page}/")
            assert answer.status_code in (302, 403, 404), (model, page)
