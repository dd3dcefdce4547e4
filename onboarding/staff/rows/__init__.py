"""What staff see of each table: facts only, nothing to type into, never a secret."""

from onboarding.staff.rows import backends, keys, mails, notes, people, record, webhooks

__all__ = ["backends", "keys", "mails", "notes", "people", "record", "webhooks"]
