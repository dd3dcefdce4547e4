"""Connections that the database has hung up on: found without asking it, and left.

The pool could ask the database before it lends a connection, at the price of a round trip in every
request. A server that went away has closed its end, and the kernel knows that: the socket of an
idle connection has something to read. Only then the connection is put to the test.
"""

import select
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver


@receiver(connection_created, dispatch_uid="config.connections")
def leave_dead_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Change a connection of the pool that is dead for another, until one is alive.

    Raises:
        OperationalError: the database does not answer.
    """
    if connection.vendor != "postgresql":
        return
    if _has_news(connection.connection.fileno()) and not connection.is_usable():
        connection.close()
        connection.connect()


def _has_news(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
