"""The configuration page says what the settings class says."""

from io import StringIO

from django.core.management import call_command

from config.environment import BASE_DIR, Environment, variable
from config.reference import PATH, configuration


def test_the_page_is_what_the_settings_say() -> None:
    assert PATH.read_text() == configuration(), "run: manage.py describe_settings --write"


def test_every_variable_has_its_row_and_a_meaning() -> None:
    page = configuration()

    for name, field in Environment.model_fields.items():
        assert f"| `{variable(name)}`" in page
        assert field.description


def test_the_page_names_no_path_of_the_machine_that_wrote_it() -> None:
    assert str(BASE_DIR) not in configuration()


def test_the_command_shows_the_page() -> None:
    shown = StringIO()

    call_command("describe_settings", stdout=shown)

    assert shown.getvalue() == configuration()
