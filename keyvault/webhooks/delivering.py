"""Delivering events: signed, several at once, and no address holds up the others.

The POSTs run in threads, which touch no database; claims, signatures and outcomes stay on the
worker's own thread. It waits for them a moment only: what is slow is looked after at the next run,
so that the worker's other duties go on. An address gets a few threads, and one while it fails; all
that fail together get half of them, so that dead receivers never fill the worker.
"""

import logging
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Min, QuerySet
from django.utils import timezone
from standardwebhooks import Webhook

from keyvault import due
from keyvault.due import Duty
from keyvault.errors import VaultError
from keyvault.models import WebhookDelivery, WebhookEndpoint
from keyvault.webhooks.endpoints import signing_keys_of
from keyvault.webhooks.outcomes import record
from keyvault.webhooks.sending import ForbiddenAddressError, Sent, post

logger = logging.getLogger(__name__)

AT_A_TIME: Final = 16
AT_ONE_ADDRESS: Final = 4
FOR_FAILING: Final = AT_A_TIME // 2
# How long a run waits for what it has sent.
PATIENCE_SECONDS: Final = 0.2
# Longer than a POST can take and the next run after it.
CLAIM_SECONDS: Final = 60
KEPT: Final = timedelta(days=30)
# So many old events at a time hold up no other writer of an SQLite file.
PRUNED_AT_A_TIME: Final = 1000


class Deliverer:
    """Sends what is due; what is under way stays with it from run to run.

    Args:
        patience_seconds: how long a run waits for what it has sent.
    """

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="webhooks")
        self._under_way: dict[Future[Sent], WebhookDelivery] = {}

    def run(self, now: datetime) -> int:
        """Sends the events that are due, as many as there are threads.

        Returns:
            How many were sent on their way.
        """
        self._collect()
        claimed = self._claim(now)
        started = [self._start(each, now=now) for each in claimed]
        wait(started, timeout=self._patience)
        self._collect()
        _prune(now)
        return len(claimed)

    def end(self) -> None:
        """Waits for what is under way, so that nobody sends it a second time."""
        wait(self._under_way)
        self._collect()

    def _collect(self) -> None:
        for future in [each for each in self._under_way if each.done()]:
            delivery = self._under_way.pop(future)
            record(delivery, sent=_outcome(future, delivery=delivery), now=timezone.now())

    def _claim(self, now: datetime) -> list[WebhookDelivery]:
        """Claims for each address that has something due, whoever has waited longest first."""
        busy = Counter(each.endpoint_id for each in self._under_way.values())
        free = AT_A_TIME - busy.total()
        for_failing = FOR_FAILING - sum(map(_fails, self._under_way.values()))
        claimed: list[WebhookDelivery] = []
        for endpoint_id, is_failing in _waiting(now):
            allowed = min(1, for_failing) if is_failing else AT_ONE_ADDRESS
            limit = min(allowed - busy[endpoint_id], free)
            if limit > 0:
                mine = _not_held().filter(endpoint_id=endpoint_id).select_related("endpoint")
                got = due.claim(mine, now=now, claim_seconds=CLAIM_SECONDS, limit=limit)
                free -= len(got)
                for_failing -= len(got) if is_failing else 0
                claimed += got
        return claimed

    def _start(self, delivery: WebhookDelivery, *, now: datetime) -> Future[Sent]:
        try:
            headers = _headers(delivery, now=now)
        except VaultError as error:
            future: Future[Sent] = Future()
            future.set_exception(error)
        else:
            url, body = delivery.endpoint.url, delivery.body.encode()
            future = self._threads.submit(post, url=url, body=body, headers=headers)
        self._under_way[future] = delivery
        return future


def _prune(now: datetime) -> None:
    """Deletes some of what is older than it is kept, and addresses removed as long ago."""
    old = WebhookDelivery.objects.filter(created_at__lt=now - KEPT).order_by("created_at")
    some = list(old.values_list("pk", flat=True)[:PRUNED_AT_A_TIME])
    if some:
        WebhookDelivery.objects.filter(pk__in=some).delete()
    else:
        WebhookEndpoint.objects.filter(removed_at__lt=now - KEPT).delete()


def _fails(delivery: WebhookDelivery) -> bool:
    return delivery.endpoint.failing_since is not None


def _not_held() -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.exclude(WebhookDelivery.HELD)


def _waiting(now: datetime) -> list[tuple[UUID, bool]]:
    """Addresses with something due, and whether they fail; the longest due first."""
    waiting = (
        _not_held()
        .filter(due_at__lte=now)
        .values_list("endpoint_id", "endpoint__failing_since")
        .annotate(first_due_at=Min("due_at"))
        .order_by("first_due_at", "endpoint_id")
    )
    return [(endpoint_id, failing_since is not None) for endpoint_id, failing_since, _ in waiting]


def _headers(delivery: WebhookDelivery, *, now: datetime) -> dict[str, str]:
    message_id = f"msg_{delivery.pk.hex}"
    keys = signing_keys_of(delivery.endpoint, now=now)
    signers = [Webhook(key.get_secret_value()) for key in keys]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Latchkey",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(
            signer.sign(message_id, now, delivery.body) for signer in signers
        ),
    }


def _outcome(future: Future[Sent], *, delivery: WebhookDelivery) -> Sent:
    """How a try ended; what nobody foresaw is a failure of that event alone."""
    problem = future.exception()
    if problem is None:
        return future.result()
    # An address may hold a password of its receiver's, so it stands in no log.
    facts = {"endpoint": str(delivery.endpoint_id)}
    if isinstance(problem, ForbiddenAddressError):
        logger.warning("a webhook leads into our own network", extra=facts)
    elif isinstance(problem, VaultError):
        facts["code"] = problem.code
        logger.error("a webhook's signing key does not open", extra=facts)
    else:
        logger.error("a webhook could not be sent", extra=facts, exc_info=problem)
    return Sent(status=0)


_deliverer = Deliverer()
DELIVERIES = Duty(
    name="webhooks.deliver", interval_seconds=2, run=_deliverer.run, end=_deliverer.end
)
