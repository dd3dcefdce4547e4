"""How often a token may ask: a setting, off by default."""

import time

from django.conf import settings
from django.db import connection

from keyvault.errors import TooManyRequestsError
from keyvault.models import TokenUse

_COUNT = (
    "INSERT INTO keyvault_tokenuse (token_id, minute, count) "
    "SELECT id, %s, 1 FROM keyvault_backendtoken WHERE digest = %s "
    "ON CONFLICT (token_id, minute) DO UPDATE SET count = keyvault_tokenuse.count + 1 "
    "RETURNING count"
)


def count_request(*, digest: str) -> None:
    """Counts a request of a token, over all processes; one statement, none while there is no limit.

    Raises:
        TooManyRequestsError: it has used up settings.KEYVAULT_TOKEN_REQUESTS_PER_MINUTE.
    """
    most = getattr(settings, "KEYVAULT_TOKEN_REQUESTS_PER_MINUTE", 0)
    if not most:
        return
    minute, second = divmod(int(time.time()), 60)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [minute, digest])
        found = cursor.fetchone()
    if found is not None and found[0] > most:
        raise TooManyRequestsError(retry_after_seconds=60 - second)
    if found is not None and found[0] == 1:
        TokenUse.objects.filter(minute__lt=minute - 1).delete()
