"""Grants over a restart: one JSON file, mode 0600, written whole through a temporary file.

Tokens, client secrets and legacy keys are in it as hashes, as they are in memory. Codes are left
out, since they live a minute; so are rules, and the signing key of access tokens: tokens that were
given before a restart are known by their hash, and new ones are signed anew.

    {"version": 1, "clients": […], "accounts": {…}, "legacy_keys": {…}, "families": […],
     "generations": [{"family": 0, "parent": null, "refresh": "5f…", "access": "91…", …}]}
"""

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulator.answers import to_json
from simulator.journal import JournalError
from simulator.retail.clients import Account, Client
from simulator.retail.grants import Family, Generation, GrantBook
from simulator.retail.retail import Retail

VERSION = 1


class Shelf:
    """Keeps what both series know in a file; without a path it keeps nothing."""

    def __init__(self, *, retail: Retail, path: Path | None) -> None:
        self._retail = retail
        self._path = path
        self._kept = -1

    def load(self) -> None:
        """Take in what the file holds; without a file nothing happens.

        Raises:
            JournalError: It cannot be read, or it is no such file.
        """
        if self._path is None or not self._path.exists():
            return
        try:
            known = json.loads(self._path.read_bytes())
            if known["version"] != VERSION:
                message = f"The state file {self._path} has another version."
                raise JournalError(message)
            _take_in(self._retail, known)
        except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
            message = f"The state file {self._path} cannot be used."
            raise JournalError(message) from error

    def keep(self) -> None:
        """Write the file when something changed since it was last written.

        Raises:
            OSError: It cannot be written; the one before is as it was.
        """
        if self._path is None or self._kept == self._retail.changes:
            return
        _rewrite(path=self._path, text=to_json(_written(self._retail)))
        self._kept = self._retail.changes


def _written(retail: Retail) -> dict[str, Any]:
    grants = retail.grants
    grants.forget_expired()
    families = {id(each): number for number, each in enumerate(grants.families)}
    access = {id(each): digest for digest, each in grants.access.items()}
    held = list(grants.refresh.items())
    numbers = {id(each): number for number, (_, each) in enumerate(held)}
    return {
        "version": VERSION,
        "clients": [[series, asdict(each)] for (series, _), each in retail.clients.items()],
        "accounts": {
            series: [asdict(each) for each in known] for series, known in retail.accounts.items()
        },
        "legacy_keys": retail.legacy_keys,
        "are_legacy_keys_refused": retail.are_legacy_keys_refused,
        "families": [asdict(each) for each in grants.families],
        "generations": [
            {
                "family": families[id(each.family)],
                "parent": numbers.get(id(each.parent)),
                "refresh": digest,
                "access": access[id(each)],
                "access_expires_at": each.access_expires_at,
                "refresh_expires_at": each.refresh_expires_at,
                "is_refresh_alive": each.is_refresh_alive,
                "is_access_alive": each.is_access_alive,
            }
            for digest, each in held
        ],
    }


def _take_in(retail: Retail, known: dict[str, Any]) -> None:
    for series, fields in known["clients"]:
        client = Client(**fields)
        retail.clients[series, client.client_id] = client
    for series, accounts in known["accounts"].items():
        retail.accounts[series] = [Account(**each) for each in accounts]
    retail.legacy_keys.update(known["legacy_keys"])
    retail.are_legacy_keys_refused = known["are_legacy_keys_refused"]
    families = [_family(each) for each in known["families"]]
    retail.grants.families[:] = families
    _take_generations(retail.grants, families=families, known=known["generations"])


def _family(fields: dict[str, Any]) -> Family:
    account = Account(**fields["account"])
    return Family(**{**fields, "account": account, "scopes": tuple(fields["scopes"])})


def _take_generations(
    grants: GrantBook, *, families: list[Family], known: list[dict[str, Any]]
) -> None:
    made = []
    for fields in known:
        generation = Generation(
            family=families[fields["family"]],
            parent=None,
            access_expires_at=fields["access_expires_at"],
            refresh_expires_at=fields["refresh_expires_at"],
            is_refresh_alive=fields["is_refresh_alive"],
            is_access_alive=fields["is_access_alive"],
        )
        made.append(generation)
        grants.refresh[fields["refresh"]] = generation
        grants.access[fields["access"]] = generation
    for generation, fields in zip(made, known, strict=True):
        if fields["parent"] is not None:
            generation.parent = made[fields["parent"]]


def _rewrite(*, path: Path, text: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
