"""R-Series keys of before OAuth, brought in by staff so that their merchants can migrate."""

import csv
import io
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from pydantic import SecretStr

from keyvault import pool, vault
from keyvault.errors import DuplicateCredentialError
from keyvault.models import Credential
from keyvault.vault import ApiKeySecret
from lightspeed.errors import CredentialRefusedError, VendorError
from lightspeed.oauth.legacy import LEGACY_PASSWORD, check_legacy_key, is_legacy_key
from lightspeed.oauth.r_series import R_SERIES
from onboarding.models import Store, User
from onboarding.oauth.providers import provider_named, transport
from onboarding.people.selectors import actor_for

ENDPOINT = "retail-r-key"
COLUMNS = ("store", "key")
MOST_ROWS = 2_000
MOST_BYTES = 1_000_000


class Result(StrEnum):
    """What came of one row."""

    STORED = "stored"
    NO_STORE = "no_store"
    MALFORMED = "malformed"
    REFUSED = "refused"
    OTHER_ACCOUNT = "other_account"
    DUPLICATE = "duplicate"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """One row of a file.

    Attributes:
        line: its number in the file, from 2 on.
        store: as it was written there.
        result: what came of it.
    """

    line: int
    store: str
    result: Result


class FileError(ValueError):
    """The file is no table with the columns that are needed."""


def import_keys(*, text: str, user: User) -> list[ImportedRow]:
    """Checks and stores the keys of a CSV file, row by row. Takes a request of the vendor a row.

    Args:
        text: with a head row that names `store` (its id) and `key`.
        user: the member of staff; recorded with each key.

    Returns:
        What came of each row; the rows are independent of each other.

    Raises:
        FileError: not such a file, or more than `MOST_ROWS` rows.
    """
    reader = csv.DictReader(io.StringIO(text))
    if not set(COLUMNS) <= set(reader.fieldnames or ()):
        raise FileError
    rows = list(reader)
    if len(rows) > MOST_ROWS:
        raise FileError
    return [
        ImportedRow(
            line=number,
            store=str(row["store"] or "").strip()[:100],
            result=_import(row=row, user=user),
        )
        for number, row in enumerate(rows, start=2)
    ]


def _import(*, row: dict[str, str | None], user: User) -> Result:
    try:
        store_id = UUID((row["store"] or "").strip())
        store = Store.objects.get(pk=store_id)
    except (ValueError, Store.DoesNotExist):
        return Result.NO_STORE
    key = (row["key"] or "").strip()
    if not is_legacy_key(key):
        return Result.MALFORMED
    return add_key(store=store, key=SecretStr(key), user=user)


def add_key(*, store: Store, key: SecretStr, user: User) -> Result:
    """Checks one key with the vendor and stores it, when it is the store's own.

    Open no transaction around it. The first key of a store tells its account number; later keys,
    and the account of the connection that replaces them, must agree with it.
    """
    provider = provider_named(R_SERIES.name)
    try:
        account = check_legacy_key(key=key, transport=transport(), provider=provider)
    except CredentialRefusedError:
        return Result.REFUSED
    except VendorError:
        return Result.UNAVAILABLE
    number = int(account.id) if account.id.isdecimal() else None
    if store.shop_id is not None and store.shop_id != number:
        return Result.OTHER_ACCOUNT
    try:
        _store(store=store, key=key, name=account.name, number=number, user=user)
    except DuplicateCredentialError:
        return Result.DUPLICATE
    return Result.STORED


@transaction.atomic
def _store(
    *, store: Store, key: SecretStr, name: str, number: int | None, user: User
) -> Credential:
    credential = vault.store_credential(
        keychain_id=store.pk,
        draft_id=None,
        secret=ApiKeySecret(key=key, secret=SecretStr(LEGACY_PASSWORD)),
        name=name,
        endpoint=ENDPOINT,
        language="",
        limits=R_SERIES.limits,
        actor=actor_for(user),
    )
    pool.seed(credential_id=credential.pk, request_times=[timezone.now()])
    Store.objects.filter(pk=store.pk, shop_id=None).update(shop_id=number)
    return credential
