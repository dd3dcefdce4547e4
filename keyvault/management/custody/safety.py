"""shred, backup, restore, restore-drill and honeytoken."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from keyvault import backup, vault
from keyvault.audit.verification import verify
from keyvault.errors import StateError
from keyvault.management.custody.outcome import OPERATOR, Outcome, Part
from keyvault.management.custody.record import named_keychain


def shred(options: argparse.Namespace) -> Outcome:
    """Makes one store's secrets unreadable for good, after its name was typed."""
    keychain = named_keychain(options.store)
    wanted = keychain.label or str(keychain.pk)
    typed = options.confirm
    if typed is None and sys.stdin.isatty():
        sys.stderr.write(f"This destroys every secret of {wanted} for good. Type its name: ")
        typed = sys.stdin.readline().strip()
    if typed != wanted:
        message = f"not confirmed: nothing was destroyed. Pass --confirm {wanted!r}"
        raise StateError(message)
    receipt = backup.shred(keychain_id=keychain.pk, now=timezone.now(), actor=OPERATOR)
    lines = [
        f"Keychain {receipt.keychain_id} was shredded at {receipt.at.isoformat()}.",
        f"DEK, as it was wrapped by {receipt.kek_id}: SHA-256 {receipt.dek_fingerprint}"
        if receipt.kek_id
        else "It had no DEK any more, or an altered one.",
        f"{receipt.credentials} credentials and {receipt.drafts} drafts destroyed.",
        f"In the key file: {'taken out' if receipt.was_in_key_file else 'was not there'}.",
        f"Older copies of the key file may live {receipt.key_file_days} days at the most; "
        "destroy them sooner and old backups are unreadable sooner.",
    ]
    return Outcome(lines, asdict(receipt))


def write_backup(options: argparse.Namespace) -> Outcome:
    """Writes a backup folder and replaces the key file."""
    now = timezone.now()
    folder: Path = options.folder or Path(f"latchkey-{now:%Y%m%dT%H%M%SZ}")
    written = backup.write_backup(
        folder=folder, key_file=_key_file(options), now=now, actor=OPERATOR
    )
    lines = [
        f"{written.rows} rows of {written.tables} tables written to {written.folder}.",
        f"{written.keychains} wrapped keys written to {_key_file(options)}.",
        "Keep the two apart, and both apart from the keyring.",
        *written.altered,
    ]
    data = {**asdict(written), "key_file": str(_key_file(options))}
    return Outcome(lines, data, is_good=not written.altered)


def restore(options: argparse.Namespace) -> Outcome:
    """Restores a backup into an empty database."""
    restored = backup.restore(folder=options.folder, key_file=_key_file(options))
    lines = [
        f"{restored.rows} rows restored; {restored.keychains} keychains have their key, "
        f"{restored.without_key} do not.",
        *restored.altered,
    ]
    data = asdict(restored)
    if not options.check:
        return Outcome(lines, data, is_good=not restored.altered)
    report, opened = verify(anchor=None), backup.check_secrets(every=options.all)
    lines += [problem.message for problem in report.problems]
    lines += [f"Keychain {name}: {why}" for name, why in opened.failures.items()]
    lines.append(
        f"Record: {report.entries} entries under {report.checkpoints} checkpoints. "
        f"{opened.opened} keychains opened a secret, {opened.empty} hold none to open, "
        f"{len(opened.failures)} failed. {opened.untried} secrets were not tried"
        f"{'' if options.all else ': --all opens them'}."
    )
    is_good = report.is_intact and not (opened.failures or restored.altered)
    data |= {"intact": report.is_intact, "entries": report.entries, **asdict(opened)}
    return Outcome(lines, data, is_good=is_good)


def restore_drill(options: argparse.Namespace) -> Outcome:
    """Restores a backup into a scratch database and reports."""
    report = backup.drill(folder=options.folder, key_file=_key_file(options), every=options.all)
    verdict = "The backup can be restored." if report.is_good else "THE BACKUP FAILED THE DRILL."
    found = {name: value for name, value in report.found.items() if name != "error"}
    lines = [f"{name}: {value}" for name, value in found.items()]
    return Outcome([*lines, verdict], report.found, is_good=report.is_good)


def honeytoken(options: argparse.Namespace) -> Outcome:
    """Puts a decoy where only somebody who should not look will find it."""
    decoy = vault.plant_honeytoken(label=options.label, actor=OPERATOR)
    lines = [
        f"Keychain {decoy.keychain_id} holds the decoy {decoy.pk}; no merchant and no app uses it.",
        "Whoever opens or borrows it is told to staff.",
    ]
    return Outcome(lines, {"keychain": decoy.keychain_id, "credential": decoy.pk})


def _key_file(options: argparse.Namespace) -> Path:
    return Path(options.key_file or settings.KEYVAULT_KEY_FILE)


def _shred_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", help="the store's id, or its label if that is unique")
    parser.add_argument("--confirm", help="the store's label, to confirm without a terminal")


def _backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, nargs="?", help="new folder to write")
    _key_file_argument(parser)


def _restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="the backup's folder")
    parser.add_argument("--check", action="store_true", help="verify and open secrets after it")
    _all_argument(parser)
    _key_file_argument(parser)


def _drill_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="the backup's folder")
    _all_argument(parser)
    _key_file_argument(parser)


def _all_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--all", action="store_true", help="open every secret, not only one of each keychain"
    )


def _key_file_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key-file", type=Path, help="instead of the one in the settings")


def _honeytoken_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("label", help="what the decoy is called, like a store that there could be")


PARTS = [
    Part("shred", "make one store's secrets unreadable for good", shred, _shred_arguments),
    Part("backup", "write a backup and replace the key file", write_backup, _backup_arguments),
    Part(
        "restore",
        "restore a backup into an empty database",
        restore,
        _restore_arguments,
        needs_database=False,
    ),
    Part(
        "restore-drill",
        "try a backup in a scratch database",
        restore_drill,
        _drill_arguments,
        needs_database=False,
    ),
    Part("honeytoken", "make a decoy that alerts on any use", honeytoken, _honeytoken_arguments),
]
