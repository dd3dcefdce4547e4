"""What waits to be done, as measures: read from the tables at each scrape; no worker is asked."""

from collections.abc import Iterator
from datetime import datetime

from django.apps import apps
from django.db import DatabaseError
from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from keyvault.due import DueRow
from keyvault.models import AuditEntry, AuditPending, AuditSealer


class BacklogCollector:
    """Due work of every kind, by table; one query each, over the index of `due_at`."""

    def collect(self) -> Iterator[Metric]:
        """The measures of this moment; without a database only that there is none."""
        try:
            measures = self._measures()
        except DatabaseError:
            measures = []
        yield GaugeMetricFamily(
            "latchkey_database_up", "Whether the database answers", value=bool(measures)
        )
        yield from measures

    def _measures(self) -> list[Metric]:
        waiting = GaugeMetricFamily("latchkey_due_rows", "Rows that are due", labels=["kind"])
        oldest = GaugeMetricFamily(
            "latchkey_due_oldest_seconds", "Age of the row that is due longest", labels=["kind"]
        )
        failing = GaugeMetricFamily(
            "latchkey_due_failing_rows", "Rows that failed at least once", labels=["kind"]
        )
        now = timezone.now()
        for model in due_models():
            kind = model._meta.label_lower  # noqa: SLF001  # Django's documented model API
            due = model._default_manager.filter(due_at__lte=now).exclude(model.HELD)  # noqa: SLF001  # as above
            found = due.aggregate(
                rows=Count("pk"), first=Min("due_at"), failing=Count("pk", filter=Q(attempts__gt=1))
            )
            age = (now - found["first"]).total_seconds() if found["first"] else 0.0
            waiting.add_metric([kind], found["rows"])
            oldest.add_metric([kind], age)
            failing.add_metric([kind], found["failing"])
        return [waiting, oldest, failing, *_unsealed(now)]


def due_models() -> list[type[DueRow]]:
    """Every table whose rows are work; a sealer's row is a lock that is always due."""
    return [
        model
        for model in apps.get_models()
        if issubclass(model, DueRow) and model is not AuditSealer
    ]


def _unsealed(now: datetime) -> list[Metric]:
    pending = AuditPending.objects.aggregate(entries=Count("pk"), first=Min("pk"))
    first = AuditEntry.objects.filter(pk=pending["first"]).values_list("at", flat=True).first()
    return [
        GaugeMetricFamily(
            "latchkey_audit_unsealed_entries",
            "Entries that no checkpoint covers yet",
            value=pending["entries"],
        ),
        GaugeMetricFamily(
            "latchkey_audit_unsealed_seconds",
            "Age of the oldest entry that no checkpoint covers yet",
            value=(now - first).total_seconds() if first else 0.0,
        ),
    ]
