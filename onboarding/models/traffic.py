"""What is assumed of apps' traffic, and the busiest moments that were measured."""

from django.conf import settings
from django.db import models

from onboarding.models.store import Store


class TrafficFactors(models.Model):
    """The planner's factors as staff tuned them: for one store, or for all without their own."""

    # Null: for everybody.
    store = models.OneToOneField(Store, models.CASCADE, null=True, related_name="traffic_factors")
    requests_a_visit = models.DecimalField(max_digits=5, decimal_places=1)
    requests_an_order = models.DecimalField(max_digits=5, decimal_places=1)
    busiest_hour_percent = models.DecimalField(max_digits=4, decimal_places=1)
    five_minute_burst = models.DecimalField(max_digits=4, decimal_places=1)
    second_burst = models.DecimalField(max_digits=4, decimal_places=1)
    reserve_percent = models.DecimalField(max_digits=4, decimal_places=1)
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(store__isnull=True),
                name="onboarding_one_row_of_factors_for_all",
            )
        ]

    def __str__(self) -> str:
        return f"factors of {self.store or 'all stores'}"


class DailyPeak(models.Model):
    """The busiest moments of a store's keys on one day; the pool's log forgets them after a day."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="daily_peaks")
    day = models.DateField()
    five_minutes = models.PositiveIntegerField()
    five_minutes_at = models.DateTimeField()
    hour = models.PositiveIntegerField()
    hour_at = models.DateTimeField()
    total = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "day"], name="onboarding_one_peak_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.store} on {self.day}"
