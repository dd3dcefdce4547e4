"""manage.py backend: register a backend, give it further tokens, end them and what it holds."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, IntegrityError
from django.db.models import Prefetch
from django.utils import timezone

from keyvault.audit import Actor
from keyvault.errors import UnknownRecordError, VaultError
from keyvault.leases import (
    NewToken,
    Scope,
    create_backend,
    create_token,
    revoke_token,
)
from keyvault.leases.backends import DEFAULT_DAYS
from keyvault.leases.holding import revoke_lease
from keyvault.leases.reach import (
    set_networks,
    set_public_key,
    set_stores,
    switch_backend,
)
from keyvault.leases.sealed import usable_public_key
from keyvault.leases.signing import SigningKeyError, set_signing_key, usable_signing_key
from keyvault.management.custody import database
from keyvault.models import Backend, BackendToken, Lease
from keyvault.webhooks import ForbiddenAddressError, register

ACTOR = Actor(kind="command", id="backend")


class Command(BaseCommand):
    """Registers backends and makes their tokens."""

    help = "Register a backend that may lease, give it a further token, or end one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the sub-commands."""
        commands = parser.add_subparsers(dest="command", required=True)
        create = commands.add_parser("create", help="register a backend; prints its token once")
        create.add_argument("name")
        create.add_argument(
            "--store", action="append", type=UUID, metavar="UUID", help="default: every store"
        )
        create.add_argument("--public-key", help="X25519, base64: what it leases is sealed to it")
        create.add_argument(
            "--network", action="append", default=[], help="may call from there only: 192.0.2.0/24"
        )
        create.add_argument("--signing-key", help="Ed25519, base64: it signs each of its requests")
        token = commands.add_parser("token", help="a further token beside those it has")
        token.add_argument("name")
        for each in (create, token):
            each.add_argument(
                "--scope", action="append", choices=[scope.value for scope in Scope], required=True
            )
            each.add_argument("--days", type=int, default=DEFAULT_DAYS, help="how long it lives")
            each.add_argument("--json", action="store_true")
        sign = commands.add_parser("sign", help="say which key signs its requests (RFC 9421)")
        sign.add_argument("name")
        key = sign.add_mutually_exclusive_group(required=True)
        key.add_argument("--key", help="Ed25519, base64 of 32 bytes")
        key.add_argument("--off", action="store_true", help="they need no signature")
        seal = commands.add_parser("seal", help="say what its leases are sealed to (RFC 9180)")
        seal.add_argument("name")
        seal.add_argument("--key", required=True, help="X25519, base64 of 32 bytes")
        _add_reach(commands)
        webhook = commands.add_parser("webhook", help="an address to tell; prints its signing key")
        webhook.add_argument("name")
        webhook.add_argument("url")
        commands.add_parser("list", help="backends and their live tokens")
        _add_endings(commands)

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs the sub-command."""
        try:
            database.require_database()
            getattr(self, f"_{options['command'].replace('-', '_')}")(options)
        except VaultError as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(database.advice(error)) from None

    def _create(self, options: dict[str, Any]) -> None:
        key, signing_key = options["public_key"], options["signing_key"]
        try:
            made = create_backend(
                name=options["name"],
                scopes=options["scope"],
                stores=options["store"],
                days=options["days"],
                actor=ACTOR,
                public_key=usable_public_key(key) if key else None,
                signing_key=usable_signing_key(signing_key) if signing_key else None,
                networks=options["network"],
            )
        except ValueError as error:
            raise CommandError(str(error)) from None
        except IntegrityError:
            message = f"there is a backend {options['name']} already"
            raise CommandError(message) from None
        self._show(made, as_json=options["json"])

    def _token(self, options: dict[str, Any]) -> None:
        backend = _named(options["name"])
        try:
            made = create_token(
                backend_id=backend.pk, scopes=options["scope"], days=options["days"], actor=ACTOR
            )
        except ValueError as error:
            raise CommandError(str(error)) from None
        self._show(made, as_json=options["json"])

    def _sign(self, options: dict[str, Any]) -> None:
        backend = _named(options["name"])
        try:
            key = usable_signing_key(options["key"]) if options["key"] else None
        except SigningKeyError as error:
            raise CommandError(str(error)) from None
        set_signing_key(backend_id=backend.pk, key=key, actor=ACTOR)
        self.stdout.write("signed from now on" if key else "signed no more")

    def _seal(self, options: dict[str, Any]) -> None:
        backend = _named(options["name"])
        try:
            key = usable_public_key(options["key"])
        except ValueError as error:
            raise CommandError(str(error)) from None
        set_public_key(backend_id=backend.pk, key=key, actor=ACTOR)
        self.stdout.write("sealed from the next lease on")

    def _networks(self, options: dict[str, Any]) -> None:
        backend = _named(options["name"])
        try:
            set_networks(backend_id=backend.pk, networks=options["network"] or [], actor=ACTOR)
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"may call from {' '.join(options['network'] or ['anywhere'])}")

    def _stores(self, options: dict[str, Any]) -> None:
        stores = options["store"]
        set_stores(backend_id=_named(options["name"]).pk, stores=stores, actor=ACTOR)
        count = len(set(stores or ()))
        self.stdout.write(f"stores it may lease from: {'all' if stores is None else count}")

    def _webhook(self, options: dict[str, Any]) -> None:
        backend = _named(options["name"])
        try:
            made = register(backend_id=backend.pk, url=options["url"], actor=ACTOR)
        except ForbiddenAddressError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(made.signing_key.get_secret_value())

    def _revoke(self, options: dict[str, Any]) -> None:
        prefix = options["prefix"].rstrip("….")
        tokens = BackendToken.objects.filter(prefix=prefix, revoked_at=None)
        if len(tokens) != 1:
            message = f"{len(tokens)} tokens are shown as {prefix}…; see: manage.py backend list"
            raise CommandError(message)
        revoke_token(token_id=tokens[0].pk, actor=ACTOR)
        self.stdout.write("revoked")

    def _end_lease(self, options: dict[str, Any]) -> None:
        lease = Lease.objects.filter(pk=options["lease"]).select_related("key__credential").first()
        if lease is None:
            message = f"no lease {options['lease']}"
            raise UnknownRecordError(message)
        keychain_id = lease.key.credential.keychain_id
        revoke_lease(lease_id=lease.pk, keychain_id=keychain_id, actor=ACTOR)
        self.stdout.write("ended; its permits count as used until its use-by")

    def _off(self, options: dict[str, Any]) -> None:
        switch_backend(backend_id=_named(options["name"]).pk, is_active=False, actor=ACTOR)
        self.stdout.write("off: its tokens are refused, its events wait")

    def _on(self, options: dict[str, Any]) -> None:
        switch_backend(backend_id=_named(options["name"]).pk, is_active=True, actor=ACTOR)
        self.stdout.write("on: its tokens open again, what has waited is sent")

    def _list(self, options: dict[str, Any]) -> None:
        live = BackendToken.objects.filter(revoked_at=None, expires_at__gt=timezone.now())
        tokens = Prefetch("tokens", live.order_by("expires_at"))
        for backend in Backend.objects.order_by("name").prefetch_related(tokens):
            state = "" if backend.is_active else "  switched off"
            lines = [_summary(token) for token in backend.tokens.all()]
            for line in lines or ["no live token"]:
                self.stdout.write(f"{backend.name}  {line}{state}")

    def _show(self, made: NewToken, *, as_json: bool) -> None:
        token = made.token.get_secret_value()
        if as_json:
            facts = {
                "backend_id": str(made.backend_id),
                "token": token,
                "expires_at": made.expires_at.isoformat(),
            }
            self.stdout.write(json.dumps(facts))
            return
        self.stdout.write(f"{token}\n")
        self.stderr.write(f"Shown this once. It ends on {made.expires_at:%d %B %Y}.")


def _add_reach(commands: Any) -> None:  # noqa: ANN401  # argparse has no public name for it
    """Declares what says from where a backend calls, and for which stores."""
    networks = commands.add_parser(
        "networks", help="say from where it may call, in place of before"
    )
    networks.add_argument("name")
    where = networks.add_mutually_exclusive_group(required=True)
    where.add_argument("--network", action="append", help="such as 192.0.2.0/24; repeatable")
    where.add_argument("--anywhere", action="store_true")
    stores = commands.add_parser("stores", help="say which it may lease from, in place of before")
    stores.add_argument("name")
    which = stores.add_mutually_exclusive_group(required=True)
    which.add_argument("--store", action="append", type=UUID, metavar="UUID", help="repeatable")
    which.add_argument("--all", action="store_true", help="those made later included")


def _add_endings(commands: Any) -> None:  # noqa: ANN401  # argparse has no public name for it
    """Declares what ends a token, a lease, or all of a backend."""
    revoke = commands.add_parser("revoke", help="end a token at once")
    revoke.add_argument("prefix", help="as `list` shows it")
    end = commands.add_parser("end-lease", help="hold a lease no longer, nor renew it")
    end.add_argument("lease", type=UUID, help="its id, as the staff panel shows it")
    off = commands.add_parser("off", help="refuse all its tokens and tell it nothing")
    on = commands.add_parser("on", help="let it in again, and send what has waited")
    for each in (off, on):
        each.add_argument("name")


def _named(name: str) -> Backend:
    backend = Backend.objects.filter(name=name).first()
    if backend is None:
        message = f"no backend {name}"
        raise UnknownRecordError(message)
    return backend


def _summary(token: BackendToken) -> str:
    used = "never used"
    if token.last_used_at is not None:
        used = f"last used {token.last_used_at:%Y-%m-%d %H:%M} UTC"
    until = f"until {token.expires_at:%Y-%m-%d}"
    return f"{token.prefix}…  {token.scopes.strip()}  {until}  {used}"
