"""When each duty of the workers ran last, and how it failed."""

from django.db import models


class DutyRun(models.Model):
    """One duty, over all workers; what `manage.py worker` notes now and then."""

    name = models.CharField(primary_key=True, max_length=60)
    ran_at = models.DateTimeField()
    # Failures since it last went well.
    failures = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField(null=True)
    # The last failure's class, never its text: that may hold an address or an answer of a server.
    problem = models.CharField(max_length=60, blank=True)

    def __str__(self) -> str:
        return self.name
