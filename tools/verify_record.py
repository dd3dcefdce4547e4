"""Verify an exported audit record, offline: python verify_record.py FILE [--key FINGERPRINT].

Needs Python 3.11 and the package `cryptography`, nothing else of Latchkey: give it away with the
file.
It checks that every entry is under its checkpoint's root, that every checkpoint is signed, and that
the checkpoints follow each other without a gap. Compare the fingerprint of the signing key with one
that you have from the operator by another way, or pass that with --key: then no other is trusted.

Exit code: 0 when all of it holds, 1 when something does not (the first fault is named), 2 when the
file is not such an export.
"""

from __future__ import annotations

import argparse
import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ENTRY_NEWLINES = 9


class BadRecordError(Exception):
    """Something in the file does not hold."""


class NoExportError(Exception):
    """The file is not an exported record."""


def fingerprint(key: str) -> str:
    """What people compare: the first 16 hex digits of SHA-256, in groups of four."""
    digits = sha256(bytes.fromhex(key)).hexdigest()
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4))


def digest_of(line: dict[str, Any], keys: dict[str, str]) -> str:
    """Check a checkpoint's signature; return its hash."""
    lines = (
        "latchkey-checkpoint-v1",
        str(line["id"]),
        line["previous"],
        str(line["count"]),
        line["ranges"],
        line["root"],
        line["at"],
        line["key_id"],
    )
    body = "\n".join(lines).encode()
    signature = bytes.fromhex(line["signature"])
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(keys[line["key_id"]]))
        key.verify(signature, body)
    except (KeyError, InvalidSignature):
        message = f"checkpoint {line['id']} is not signed by the operator's key"
        raise BadRecordError(message) from None
    return sha256(body + signature).hexdigest()


def holds(ranges: str, entry_id: int) -> bool:
    """Whether "17-93,95" names the entry."""
    spans = (span.partition("-") for span in ranges.split(","))
    return any(int(low) <= entry_id <= int(high or low) for low, _, high in spans)


def check_entry(line: dict[str, Any], chain: dict[int, dict[str, Any]], keychain: str) -> int:
    """Check that an entry is under its checkpoint's root; return its id."""
    fields = line["entry"].split("\n")
    if len(fields) != ENTRY_NEWLINES + 1 or fields[0] != "latchkey-entry-v1":
        message = f"an entry of checkpoint {line['checkpoint']} is malformed"
        raise BadRecordError(message)
    entry_id = int(fields[1])
    node = sha256(line["entry"].encode()).digest()
    for left, right in line["proof"]:
        node = sha256(b"\1" + bytes.fromhex(left) + node + bytes.fromhex(right)).digest()
    checkpoint = chain.get(line["checkpoint"])
    if checkpoint is None or node.hex() != checkpoint["root"]:
        message = f"entry {entry_id} is not what was sealed"
        raise BadRecordError(message)
    if not holds(checkpoint["ranges"], entry_id) or fields[5] != keychain:
        message = f"entry {entry_id} does not belong here"
        raise BadRecordError(message)
    return entry_id


def verify(lines: list[dict[str, Any]]) -> tuple[dict[str, Any], int]:
    """Check the whole file; return its header and the number of entries.

    Raises:
        BadRecordError: naming the first fault.
    """
    header, *rest = lines
    keychain = header["keychain"].replace("-", "")
    chain: dict[int, dict[str, Any]] = {}
    previous: tuple[int, str] | None = None
    seen: set[int] = set()
    for line in rest:
        if line["format"] == "latchkey-checkpoint":
            if previous and (line["id"], line["previous"]) != (previous[0] + 1, previous[1]):
                message = f"checkpoint {line['id']} does not follow the one before it"
                raise BadRecordError(message)
            previous = line["id"], digest_of(line, header["keys"])
            chain[line["id"]] = line
        else:
            entry_id = check_entry(line, chain, keychain)
            if entry_id in seen:
                message = f"entry {entry_id} stands here twice"
                raise BadRecordError(message)
            seen.add(entry_id)
    return header, len(seen)


def read(path: Path) -> list[dict[str, Any]]:
    """Read the file's lines.

    Raises:
        NoExportError: it is something else, or cut short.
    """
    try:
        text = path.read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        is_ours = lines[0]["format"] == "latchkey-audit-export" and lines[0]["version"] == 1
    except (OSError, ValueError, LookupError, TypeError):
        is_ours = False
    if not is_ours or not text.endswith("\n"):
        message = f"{path} is not an exported record of version 1, or is cut short"
        raise NoExportError(message)
    return lines


def main() -> int:
    """Verify the file that the arguments name."""
    parser = argparse.ArgumentParser(description="Verify an exported audit record, offline.")
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--key", action="append", help="fingerprint of a signing key to trust, and no other"
    )
    options = parser.parse_args()
    try:
        lines = read(options.file)
        keys = lines[0]["keys"]
        trusted = {
            name: key
            for name, key in keys.items()
            if not options.key or fingerprint(key) in options.key
        }
        header, entries = verify([{**lines[0], "keys": trusted}, *lines[1:]])
    except NoExportError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except LookupError as error:
        sys.stderr.write(f"NOT INTACT: the file lacks {error}\n")
        return 1
    except (BadRecordError, TypeError, ValueError) as error:
        sys.stderr.write(f"NOT INTACT: {error}\n")
        return 1
    prints = [fingerprint(key) for key in header["keys"].values()]
    sys.stdout.write(
        f"Intact: {entries} entries of {header['keychain']}, as of {header['exported_at']} UTC.\n"
        f"Signing key: {', '.join(prints)}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
