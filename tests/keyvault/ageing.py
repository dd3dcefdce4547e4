"""Time that passes for a key without anybody waiting for it."""

from django.db.models import F

from keyvault.models import Credential, Lease, PoolKey
from keyvault.models.lease import big


def age(key: Credential, by_us: int) -> None:
    """As if so much time had passed: everything that is known lies further back.

    A negative time is a clock that was set back.
    """
    PoolKey.objects.filter(credential=key).update(high_water_us=F("high_water_us") - big(by_us))
    row = PoolKey.objects.get(credential=key)
    row.windows = [
        [*each[:3], each[3] - by_us, *(at and at - by_us for at in each[4:])]
        for each in row.windows
    ]
    row.next_free_us -= by_us
    row.cooled_until_us = max(row.cooled_until_us - by_us, 0)
    row.foreign_seen_us = max(row.foreign_seen_us - by_us, 0)
    row.save()
    for name in ("granted_us", "use_by_us", "expires_us"):
        Lease.objects.filter(key=row).update(**{name: F(name) - big(by_us)})
