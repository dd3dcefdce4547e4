"""The chain of checkpoints: each holds the hash of the one before, and the last one is signed."""

from typing import Any

from keyvault.audit import checkpoints, signing
from keyvault.audit.findings import Problem, Report
from keyvault.models import AuditCheckpoint


class Chain:
    """Follows the checkpoints and reports what does not fit.

    The last signature vouches for all before it, so the others are looked at only when in doubt.
    """

    def __init__(
        self, *, keys: dict[str, bytes], report: Report, anchor: dict[str, Any] | None
    ) -> None:
        self._keys = keys
        self._report = report
        self._anchor = anchor
        self._last: AuditCheckpoint | None = None
        self._tip = checkpoints.Tip(0, checkpoints.GENESIS)
        self._is_doubtful = False

    def add(self, checkpoint: AuditCheckpoint) -> None:
        """Takes the next checkpoint, in the order of ids."""
        expected = self._tip.id + 1
        if checkpoint.pk != expected:
            self._blame(expected, f"checkpoint {expected} is missing")
        elif bytes(checkpoint.previous) != self._tip.digest:
            if not self._is_doubtful:
                self._check_earlier(before=checkpoint.pk)
            self._blame(checkpoint.pk, f"checkpoint {expected} does not follow the one before it")
        if self._is_doubtful:
            self._check_signature(checkpoint)
        self._last = checkpoint
        self._tip = checkpoints.Tip(checkpoint.pk, checkpoints.digest_of(checkpoint))
        self._report.checkpoints += 1
        self._compare_with_anchor()

    def finish(self) -> None:
        """Checks the end: its signature, and that it lies no earlier than the anchor."""
        if self._last is not None and not self._is_doubtful:
            self._check_signature(self._last)
            if self._is_doubtful:
                self._check_earlier(before=self._last.pk)
        if self._anchor is not None and int(self._anchor["id"]) > self._tip.id:
            message = (
                f"the database ends at checkpoint {self._tip.id}, but {self._anchor['id']} was "
                "written outside: it was rolled back or cut short"
            )
            self._report.problems.append(
                Problem("rolled-back", message, checkpoint_id=self._tip.id + 1)
            )
        self._report.tip = self._tip.digest.hex() if self._tip.id else ""

    def _check_signature(self, checkpoint: AuditCheckpoint) -> None:
        key = self._keys.get(checkpoint.key_id)
        body = checkpoints.body_of(checkpoint)
        if not signing.is_signed(body, public_key=key, signature=bytes(checkpoint.signature)):
            self._is_doubtful = True
            why = "is not signed by us" if key else f"names the unknown key {checkpoint.key_id}"
            self._blame(checkpoint.pk, f"checkpoint {checkpoint.pk} {why}")

    def _check_earlier(self, *, before: int) -> None:
        """The signature at the end no longer vouches for the rest: look at each one."""
        self._is_doubtful = True
        earlier = AuditCheckpoint.objects.defer("leaves").filter(pk__lt=before).order_by("id")
        for checkpoint in earlier.iterator(chunk_size=500):
            self._check_signature(checkpoint)

    def _compare_with_anchor(self) -> None:
        anchor = self._anchor
        if anchor is None or int(anchor["id"]) != self._tip.id:
            return
        if anchor["hash"] != self._tip.digest.hex():
            message = f"checkpoint {self._tip.id} is not the one that was written outside"
            self._report.problems.append(
                Problem("rolled-back", message, checkpoint_id=self._tip.id)
            )

    def _blame(self, checkpoint_id: int, message: str) -> None:
        self._report.problems.append(Problem("checkpoint", message, checkpoint_id=checkpoint_id))
