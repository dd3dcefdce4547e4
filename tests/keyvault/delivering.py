"""A worker that sends events, and waits for all of them."""

from datetime import datetime

from keyvault.webhooks.delivering import Deliverer

LONG_ENOUGH_SECONDS = 60


def deliver(now: datetime) -> int:
    """Sends what is due, and sees what comes of it."""
    return Deliverer(patience_seconds=LONG_ENOUGH_SECONDS).run(now)
