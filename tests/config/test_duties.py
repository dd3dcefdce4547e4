"""What the settings list for the worker runs as it is listed."""

from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from keyvault.due import load_duties
from keyvault.models import DutyRun


@pytest.mark.django_db(transaction=True)
def test_every_duty_runs_on_a_site_where_nothing_is_due(
    caplog: pytest.LogCaptureFixture, settings: Settings, tmp_path: Path
) -> None:
    # The sealer refuses to go on from the checkpoints of another test's database.
    settings.KEYVAULT_CHECKPOINTS = tmp_path / "checkpoints.jsonl"
    call_command("worker", "--once")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    ran = set(DutyRun.objects.filter(problem="").values_list("name", flat=True))
    assert ran == {duty.name for duty in load_duties(settings.KEYVAULT_DUTIES)}


def test_no_two_duties_share_a_name(settings: Settings) -> None:
    names = [duty.name for duty in load_duties(settings.KEYVAULT_DUTIES)]
    assert len(set(names)) == len(names)
