"""Borrow a store's API credentials from Latchkey, a few requests at a time."""

from latchkey.connection import Connection
from latchkey.errors import (
    LatchkeyError,
    LeaseRefusedError,
    PoolEmptyError,
    UnavailableError,
)
from latchkey.pool import Pool, pool

__all__ = [
    "Connection",
    "LatchkeyError",
    "LeaseRefusedError",
    "Pool",
    "PoolEmptyError",
    "UnavailableError",
    "pool",
]
