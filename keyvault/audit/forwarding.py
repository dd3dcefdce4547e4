"""Further copies of checkpoints: to the log, and to a webhook. The file sink is the sealer's own.

Each sink has a claimable row with the last checkpoint that it got, so that none is left out, one
worker sends at a time, and a receiver that is down is tried again at growing intervals. It gets
checkpoints as the file sink holds them, and no entry.
"""

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx2
from django.conf import settings

from keyvault import due
from keyvault.audit import checkpoints
from keyvault.due import Duty
from keyvault.models import AuditCheckpoint, AuditSealer

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 100
CLAIM_SECONDS = 120.0
TIMEOUT_SECONDS = 10.0

Send = Callable[[dict[str, object]], None]


def forward_checkpoints(now: datetime) -> int:
    """Sends new checkpoints to every sink that the settings switch on.

    Args:
        now: the present time.

    Returns:
        How many checkpoints were sent.
    """
    sinks: dict[str, Send] = {}
    if settings.KEYVAULT_CHECKPOINT_LOG:
        sinks["log"] = _log
    if settings.KEYVAULT_CHECKPOINT_WEBHOOK:
        sinks["webhook"] = _post
    return sum(_forward(name, send, now=now) for name, send in sinks.items())


def _forward(name: str, send: Send, *, now: datetime) -> int:
    AuditSealer.objects.get_or_create(name=name, defaults={"due_at": now})
    mine = AuditSealer.objects.filter(name=name)
    for row in due.claim(mine, now=now, claim_seconds=CLAIM_SECONDS):
        new = AuditCheckpoint.objects.defer("leaves").filter(pk__gt=row.sent).order_by("id")
        count, sent = 0, row.sent
        try:
            for checkpoint in new[:MOST_AT_ONCE]:
                send(checkpoints.as_line(checkpoint))
                count, sent = count + 1, checkpoint.pk
        except httpx2.HTTPError as error:
            pause = due.backoff_seconds(row.attempts)
            logger.warning("checkpoint sink fails", extra={"sink": name, "error": str(error)})
            due.retry(row, due_at=now + timedelta(seconds=pause), sent=sent)
        else:
            due.finish(row, due_at=now, sent=sent)
        return count
    return 0


def _log(line: dict[str, object]) -> None:
    logger.info("audit checkpoint", extra={"checkpoint": json.dumps(line)})


def _post(line: dict[str, object]) -> None:
    answer = httpx2.post(
        str(settings.KEYVAULT_CHECKPOINT_WEBHOOK),
        json=line,
        timeout=TIMEOUT_SECONDS,
        follow_redirects=False,
    )
    answer.raise_for_status()


FORWARDING = Duty(name="audit.forward", interval_seconds=2, run=forward_checkpoints)
