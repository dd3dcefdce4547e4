"""The vault beside bare primitives and other libraries, in one interleaved run.

    python benchmarks/vault.py [--quick]

Peers (django-fernet-encrypted-fields, django-cryptography-5, which is django-cryptography for this
Django, and Tink) are installed from benchmarks/peers.txt, by hash, into var/benchmark-peers; a peer
that cannot be had is left out and said so. The database is that of this environment's
`DATABASE_URL`, else SQLite in a temporary folder. All contestants take turns in each round; a rate
is the median of the rounds, and a ratio the median of the rounds' ratios. The last line is JSON:
ratios, ours divided by theirs; that of re-wrapping is over the fastest library used as its own page
says, the table has faster ways as well.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured; no field decides what a ratio means."""

    records: int
    record_rounds: int
    rows: int
    rounds: int
    entries: int
    keychains: int
    their_rows: int
    moving_rounds: int


FULL = Size(1000, 300, 6000, 9, 100_000, 100_000, 5000, 5)
QUICK = Size(300, 60, 900, 5, 10_000, 20_000, 300, 3)


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ends within a minute")
    size = QUICK if parser.parse_args().quick else FULL
    with tempfile.TemporaryDirectory(prefix="latchkey-benchmark-") as folder:
        set_up(folder)
        ratios = measure(size)
    print(json.dumps(ratios))


def set_up(folder: str) -> None:
    """Django, an empty database and a keyring, in a folder of their own."""
    os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    settings = import_module("django.conf").settings
    settings.SALT_KEY = "obviously-fake-salt-of-a-benchmark"
    import_module("django").setup()
    import_module("django.core.management").call_command("migrate", verbosity=0)
    create_keyring = import_module("keyvault.kek.local").create_keyring
    create_keyring(Path(settings.KEYVAULT_KEYRING))
    import_module("benchmarks.custody.peers").install()


def measure(size: Size) -> dict[str, float | None]:
    """Holds all contests, prints their tables, and gives the ratios."""
    from benchmarks.custody import moving, peers, sealing, verifying  # noqa: PLC0415  # after set_up

    opened, sealed = sealing.one_record(rounds=size.record_rounds, times=size.records)
    models = peers.field_models()
    bulk = sealing.all_rows(models, rows=size.rows, rounds=size.rounds)
    verified = verifying.the_record(entries=size.entries, rounds=size.rounds)
    moved = moving.to_a_new_key(
        models,
        keychains=size.keychains,
        their_rows=size.their_rows,
        rounds=size.moving_rounds,
    )
    for contest in (opened, sealed, bulk, verified, moved):
        contest.show()
    theirs = [f"{name}, {peers.AS_DOCUMENTED}" for name in models]
    return {
        "open_vs_aesgcm": opened.ratio(over=[sealing.BARE]),
        "seal_vs_aesgcm": sealed.ratio(over=[sealing.BARE]),
        "bulk_open_vs_fernet_fields": bulk.ratio(over=models),
        "rewrap_vs_best_field_library": moved.ratio(over=theirs),
        "verify_vs_sha256": verified.ratio(over=[verifying.FLOOR]),
    }


if __name__ == "__main__":
    main()
