"""init, status, rotate, rewrap and destroy."""

import argparse
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection

from keyvault import rotation
from keyvault.audit import signing
from keyvault.errors import KeyringError
from keyvault.kek.local import create_keyring
from keyvault.management.custody import database
from keyvault.management.custody.outcome import OPERATOR, Outcome, Part, show_progress
from keyvault.models import WrappedDek


def init(options: argparse.Namespace) -> Outcome:
    """Creates the keyring; never a second time."""
    path = Path(settings.KEYVAULT_KEYRING)
    if not (path.exists() or options.without_database) and (wrapped := _wrapped_deks()):
        message = (
            f"the database holds {wrapped} data keys that a new keyring could not unwrap. "
            f"Restore the old keyring file to {path}"
        )
        raise KeyringError(message)
    ring = create_keyring(path)
    public = signing.public_keys()[ring.signing[0].id]
    lines = [
        f"Created {path} with KEK {ring.keks[0].id}.",
        f"Audit signing key {ring.signing[0].id}: {signing.public_fingerprint(public)}",
        "Back this file up, apart from the database: without it no secret opens again.",
    ]
    data = {"keyring": str(path), "kek": ring.keks[0].id, "public_key": public.hex()}
    return Outcome(lines, data)


def status(_options: argparse.Namespace) -> Outcome:
    """Lists the keys and what stands on them."""
    found = rotation.read_status()
    now = datetime.now(UTC)
    lines = [f"Provider: {found.provider}", "KEK · state · age · times used · DEKs on it"]
    for kek in found.keks:
        age = f"{(now - kek.created_at).days} days" if kek.created_at else "unknown age"
        lines.append(f"  {kek.id} · {kek.state} · {age} · {kek.wraps} · {kek.deks}")
    lines += [f"Signing key {key.id} · {key.state} · {key.fingerprint}" for key in found.signing]
    lines += [
        f"Keychains: {found.keychains}, {found.shredded} of them shredded",
        f"DEKs: most used {found.most_seals} times, {found.deks_to_replace} to be replaced, "
        f"{found.deks_on_old_keks} on an old KEK",
        f"Record: {found.checkpoints} checkpoints, {found.unsealed} entries not sealed yet",
    ]
    if found.deks_on_old_keks:
        lines.append("Next: manage.py keyvault rewrap")
    if found.unknown_keks:
        lines.append(f"Nobody holds {', '.join(found.unknown_keks)}: restore that keyring.")
    is_good = not (found.unknown_keks or found.altered)
    return Outcome(lines + found.altered, asdict(found), is_good=is_good)


def rotate(options: argparse.Namespace) -> Outcome:
    """Makes a new KEK and moves every DEK under it."""
    kek = rotation.rotate_kek(actor=OPERATOR)
    lines = [f"KEK {kek.id} is the active one now."]
    if options.key_only:
        lines.append("DEKs stay where they are. Next: manage.py keyvault rewrap")
        return Outcome(lines, {"kek": kek.id})
    moved = rewrap(options)
    return Outcome(lines + moved.lines, {"kek": kek.id, **moved.data}, is_good=moved.is_good)


def rewrap(_options: argparse.Namespace) -> Outcome:
    """Moves every DEK under the active KEK."""
    result = rotation.rewrap(actor=OPERATOR, progress=show_progress)
    lines = [f"{result.done} DEKs wrapped anew under {result.kek_id}."]
    lines += [f"Keychain {bad.keychain_id}: {bad.message}" for bad in result.failures]
    return Outcome(lines, asdict(result), is_good=not result.failures)


def destroy(options: argparse.Namespace) -> Outcome:
    """Destroys a KEK that nothing stands on."""
    rotation.destroy_kek(kek_id=options.kek_id, actor=OPERATOR)
    return Outcome([f"KEK {options.kek_id} is destroyed."], {"kek": options.kek_id})


def _wrapped_deks() -> int:
    if database.is_absent():
        return 0
    try:
        has_tables = WrappedDek._meta.db_table in connection.introspection.table_names()  # noqa: SLF001  # Django's documented model API
        return WrappedDek.objects.count() if has_tables else 0
    except DatabaseError as error:
        message = (
            f"nobody knows whether secrets need an older keyring: {database.advice(error)}. Only "
            "for a new installation run: manage.py keyvault init --without-database"
        )
        raise KeyringError(message) from error


def _init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--without-database",
        action="store_true",
        help="do not ask the database whether its secrets need an older keyring",
    )


def _rotate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key-only", action="store_true", help="leave the DEKs where they are for now"
    )


def _destroy_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kek_id", help="as `status` shows it")


PARTS = [
    Part(
        "init",
        "create the keyring; never a second time",
        init,
        _init_arguments,
        needs_database=False,
    ),
    Part("status", "list the keys, their age and use", status),
    Part("rotate", "make a new KEK and move every DEK under it", rotate, _rotate_arguments),
    Part("rewrap", "move every DEK under the active KEK", rewrap),
    Part("destroy", "destroy a KEK that nothing stands on", destroy, _destroy_arguments),
]
