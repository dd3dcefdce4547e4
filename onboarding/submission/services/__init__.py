"""The way of a pair: pasted, checked, stored or deleted; and the re-check of what is stored."""

from onboarding.submission.services.check import check_submission
from onboarding.submission.services.pair import (
    accept_shop,
    ask_otherwise,
    delete_expired_submissions,
    delete_submission,
    submit_pair,
)
from onboarding.submission.services.replace import retire_old_keys, undo_replacement
from onboarding.submission.services.store import store_submission
from onboarding.submission.services.verify import verify_credential

__all__ = [
    "accept_shop",
    "ask_otherwise",
    "check_submission",
    "delete_expired_submissions",
    "delete_submission",
    "retire_old_keys",
    "store_submission",
    "submit_pair",
    "undo_replacement",
    "verify_credential",
]
