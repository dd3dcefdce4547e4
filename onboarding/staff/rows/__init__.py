"""What staff see of each table: facts only, nothing to type into, never a secret."""

from onboarding.staff.rows import backends, keys, people, record, webhooks

__all__ = ["backends", "keys", "people", "record", "webhooks"]
