"""manage.py webhook."""

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from keyvault.audit import SYSTEM
from keyvault.leases import create_backend
from keyvault.models import WebhookEndpoint
from keyvault.webhooks import NewEndpoint, register

pytestmark = pytest.mark.django_db


def _run(*arguments: str) -> str:
    out = StringIO()
    call_command("webhook", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


@pytest.fixture
def added() -> NewEndpoint:
    made = create_backend(name="app", scopes=[], stores=None, days=1, actor=SYSTEM)
    return register(backend_id=made.backend_id, url="https://example.test/", actor=SYSTEM)


def test_the_list_says_where_backends_are_told_and_whether_they_are(added: NewEndpoint) -> None:
    assert _run("list") == f"{added.id}  app  https://example.test/  on"

    WebhookEndpoint.objects.update(failing_since=timezone.now())
    (found,) = json.loads(_run("list", "--json"))["webhooks"]
    assert (found["id"], found["state"]) == (str(added.id), "failing")
    assert "key" not in " ".join(found)


def test_another_signing_key_is_printed(added: NewEndpoint) -> None:
    printed = _run("key", str(added.id))

    assert printed.startswith("whsec_")
    assert printed != added.signing_key.get_secret_value()


def test_an_address_is_switched_on_again(added: NewEndpoint) -> None:
    WebhookEndpoint.objects.update(disabled_at=timezone.now())
    assert _run("list").endswith("switched off")

    _run("on", str(added.id))

    assert _run("list").endswith("  on")


def test_a_removed_address_is_listed_no_more(added: NewEndpoint) -> None:
    _run("remove", str(added.id))

    assert _run("list") == ""
    with pytest.raises(CommandError, match="no endpoint"):
        _run("remove", str(added.id))


@pytest.mark.parametrize("command", ["key", "on", "remove"])
@pytest.mark.parametrize("name", [str(uuid4()), "junk"])
def test_what_is_no_address_is_an_error(command: str, name: str) -> None:
    with pytest.raises(CommandError):
        _run(command, name)
