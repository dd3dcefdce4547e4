"""manage.py webhook: the addresses that backends are told at. `backend webhook` adds one."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError

from keyvault.audit import Actor
from keyvault.errors import VaultError
from keyvault.management.custody import database
from keyvault.models import WebhookEndpoint
from keyvault.webhooks import enable, remove, replace_key

ACTOR = Actor(kind="command", id="webhook")


class Command(BaseCommand):
    """Lists addresses, changes their signing keys, and ends them."""

    help = "List the addresses that backends are told at, give one another key, or end it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the sub-commands."""
        commands = parser.add_subparsers(dest="command", required=True)
        listing = commands.add_parser("list", help="addresses, and whether they answer")
        listing.add_argument("--json", action="store_true", help="print one JSON object")
        for name, words in (
            ("key", "another signing key, printed once; for 24 hours the one before signs too"),
            ("on", "tell it again after it was switched off, what has waited included"),
            ("remove", "tell it nothing more, for good"),
        ):
            commands.add_parser(name, help=words).add_argument("id", type=UUID, help="see `list`")

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs the sub-command."""
        try:
            database.require_database()
            getattr(self, f"_{options['command']}")(options)
        except VaultError as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(database.advice(error)) from None

    def _list(self, options: dict[str, Any]) -> None:
        rows = WebhookEndpoint.objects.filter(removed_at=None).select_related("backend")
        found = [_facts(each) for each in rows.order_by("backend__name", "created_at")]
        if options["json"]:
            self.stdout.write(json.dumps({"webhooks": found}, cls=DjangoJSONEncoder))
            return
        for each in found:
            self.stdout.write(f"{each['id']}  {each['backend']}  {each['url']}  {each['state']}")

    def _key(self, options: dict[str, Any]) -> None:
        key = replace_key(endpoint_id=options["id"], actor=ACTOR)
        self.stdout.write(key.get_secret_value())
        self.stderr.write("Shown this once. The key before signs as well for 24 hours.")

    def _on(self, options: dict[str, Any]) -> None:
        enable(endpoint_id=options["id"], actor=ACTOR)
        self.stdout.write("on: what has waited is sent")

    def _remove(self, options: dict[str, Any]) -> None:
        remove(endpoint_id=options["id"], actor=ACTOR)
        self.stdout.write("removed: it is told nothing more")


def _facts(endpoint: WebhookEndpoint) -> dict[str, object]:
    state = "failing" if endpoint.failing_since else "on"
    if not endpoint.backend.is_active:
        state = "backend switched off"
    if endpoint.disabled_at is not None:
        state = "switched off"
    return {
        "id": endpoint.pk,
        "backend": endpoint.backend.name,
        "url": endpoint.url,
        "state": state,
        "failing_since": endpoint.failing_since,
        "created_at": endpoint.created_at,
    }
