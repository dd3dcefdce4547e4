"""The secret goes into the vault and comes out nowhere."""

import json
import logging

import pytest
from django.core import mail
from django.db import connection

from keyvault.vault import ApiKeySecret
from simulator.running import RunningSimulator
from tests.onboarding.submission.desk import Desk, desk
from tests.onboarding.vendor import known_pair, pasted, without

pytestmark = pytest.mark.django_db


def everything_in_the_database() -> str:
    with connection.cursor() as cursor:
        found = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  # our own tables
            found += [repr(row) for row in cursor.fetchall()]
    return "\n".join(found)


def walk_every_page(at: Desk, known: ApiKeySecret, simulator: RunningSimulator) -> str:
    """A missing box, a half, a refusal, an outage, a pass, a store: every page on the way."""
    key, secret = known.key.get_secret_value(), known.secret.get_secret_value()
    simulator.put_key(key=key, permissions=without(("orders", "write")))
    pages = [at.paste(key=key, secret="owner@example.test")]
    submission = at.submission()
    again = f"{at.url}{submission.pk}/paste/"
    pages += [
        at.client.get(again),
        at.paste(submission=submission.pk, secret=secret),
        at.client.get(again),
        at.client.post(again, {"submission": "x", "key": "x@example.test", "secret": secret}),
    ]
    simulator.put_key(key=key, enabled=False)
    pages.append(at.press("check", submission))
    simulator.put_key(key=key, enabled=True, permissions=without(None))
    simulator.add_fault(path="account/permissions", kind="500", count=1)
    pages += [at.press("check", submission), at.press("check", submission)]
    pages += [at.press("store", submission), at.client.get(f"/stores/{at.store.pk}/activity/")]
    pages.append(at.paste(key=key, secret=secret))
    return "\n".join(page.content.decode() + str(page.headers) for page in pages)


def test_neither_key_nor_secret_comes_out_anywhere(
    simulator: RunningSimulator,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    at = desk()
    known = known_pair(simulator)
    html = walk_every_page(at, known, simulator)
    printed = capsys.readouterr()
    places = {
        "html": html,
        "session": json.dumps(dict(at.client.session)),
        "database": everything_in_the_database(),
        "log": caplog.text + printed.out + printed.err,
        "mail": "".join(str(message.message()) for message in mail.outbox),
    }
    assert all(places[name] for name in ("html", "database", "log"))
    for name, text in places.items():
        for value in pasted(known).values():
            assert value not in text, name
            assert value[4:28] not in text, name


def test_an_error_page_does_not_tell_what_was_pasted(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    at = desk()
    known = known_pair(simulator)
    at.store.keychain.wrapped_dek.delete()
    at.client.raise_request_exception = False
    page = at.paste(**pasted(known))
    assert page.status_code >= 500
    for value in pasted(known).values():
        assert value not in page.content.decode() + caplog.text
