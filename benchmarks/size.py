"""Bytes that the database holds for a key used up in batches of 20: python -m benchmarks.size."""

import os
import sys
import uuid

import django

BATCHES = 600
KEYS = 20


def main() -> None:
    """Fills keys of its own and prints the bytes of one, indexes included."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.db import connection, transaction  # noqa: PLC0415  # Django must be set up first

    from keyvault.models import BackendToken, Lease, PoolKey  # noqa: PLC0415
    from keyvault.pool.engine import clock_us  # noqa: PLC0415

    with connection.cursor() as cursor, transaction.atomic():
        keys = list(PoolKey.objects.values_list("pk", flat=True)[:1])
        token = BackendToken.objects.values_list("pk", flat=True).first()
        before = _size(cursor)
        now_us = clock_us()
        rows = [
            Lease(
                id=uuid.uuid4(),
                key_id=keys[0],
                token_id=token,
                permits=20,
                counted=20,
                granted_us=now_us + n,
                use_by_us=now_us + n,
                expires_us=now_us + n,
                settled_us=now_us + n,
                outcome="ok",
            )
            for n in range(BATCHES * KEYS)
        ]
        Lease.objects.bulk_create(rows, batch_size=1000)
        sys.stdout.write(f"{(_size(cursor) - before) // KEYS}\n")
        transaction.set_rollback(True)


def _size(cursor: object) -> int:
    cursor.execute("SELECT pg_total_relation_size('keyvault_lease')")  # type: ignore[attr-defined]  # a cursor
    return int(cursor.fetchone()[0])  # type: ignore[attr-defined]  # a cursor


if __name__ == "__main__":
    main()
