"""Writes past leases, spread over the keys that there are: python -m benchmarks.past --leases N."""

import argparse
import os
import uuid

import django


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leases", type=int, required=True)
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    write(leases=arguments.leases)


def write(*, leases: int) -> None:
    """Leases of the last week, settled; the oldest windows have let go of most of them."""
    from keyvault.models import Lease, PoolKey  # noqa: PLC0415  # Django must be set up first
    from keyvault.pool.engine import clock_us  # noqa: PLC0415

    keys = list(PoolKey.objects.values_list("pk", flat=True))
    now_us, week_us = clock_us(), 7 * 86_400_000_000
    rows = (
        Lease(
            id=uuid.uuid4(),
            key_id=keys[n % len(keys)],
            permits=1,
            counted=1,
            granted_us=at_us,
            use_by_us=at_us,
            expires_us=at_us,
            settled_us=at_us,
            outcome="ok",
        )
        for n in range(leases)
        for at_us in [now_us - 2 * 86_400_000_000 - week_us * n // leases]
    )
    Lease.objects.bulk_create(rows, batch_size=5000)


if __name__ == "__main__":
    main()
