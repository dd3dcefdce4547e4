"""Numbered findings on our own settings, and a production that has none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.checks import CheckMessage
from django.test import override_settings

from config import checks
from config.environment import BASE_DIR, Environment
from keyvault.kek.local import create_keyring, reload_keyring

# From <linux/prctl.h>.
PR_GET_DUMPABLE = 3
SECRET_KEY = "obviously-fake-key-of-more-than-fifty-characters-0123456789"


@pytest.fixture
def sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """A production without findings."""
    for name in ("DATABASE_URL", "PROMETHEUS_MULTIPROC_DIR"):
        monkeypatch.delenv(name, raising=False)
    data_dir = tmp_path / "data"
    static_dir, metrics_dir = data_dir / "static", tmp_path / "metrics"
    data_dir.mkdir(mode=0o700)
    static_dir.mkdir()
    metrics_dir.mkdir()
    (static_dir / "staticfiles.json").write_text("{}")
    create_keyring(data_dir / "keyring.json")
    return Environment(
        mode="production",
        secret_key=SECRET_KEY,
        hosts=["latchkey.example.test"],
        smtp_url="smtps://mail.example.test",
        database_url="postgresql://latchkey@db.example.test/latchkey",
        data_dir=data_dir,
        metrics_dir=metrics_dir,
        support_email="help@shop.example.test",
        mail_from="keys@shop.example.test",
        trusted_proxies=["127.0.0.1"],
    )


def _found(environment: Environment) -> list[CheckMessage]:
    with override_settings(
        ENVIRONMENT=environment,
        KEYVAULT_KEYRING=environment.data_dir / "keyring.json",
        STATIC_ROOT=environment.data_dir / "static",
    ):
        return checks.check_deployment(None)


def _ids(environment: Environment) -> list[str | None]:
    return [message.id for message in _found(environment)]


def test_a_sound_production_has_no_findings(sound: Environment) -> None:
    assert _found(sound) == []


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"mode": "development"}, checks.DEVELOPMENT),
        ({"database_url": None}, checks.SQLITE),
        ({"trusted_proxies": []}, checks.NO_PROXY),
        ({"metrics_dir": None}, checks.METRICS),
        ({"metrics_dir": Path("/nowhere/at/all")}, checks.METRICS),
        ({"support_email": "support@example.test"}, checks.SAMPLE_ADDRESS),
        ({"mail_from": "Latchkey <latchkey@example.test>"}, checks.SAMPLE_ADDRESS),
        ({"support_email": "help@example.test"}, checks.SAMPLE_ADDRESS),
        ({"mail_from": "Latchkey <keys@example.test>"}, checks.SAMPLE_ADDRESS),
        ({"hosts": ["latchkey.example.test", "localhost"]}, checks.LOCAL_HOST),
    ],
)
def test_a_doubtful_setting_is_found(
    changes: dict[str, object], finding: checks.Finding, sound: Environment
) -> None:
    assert _ids(sound.model_copy(update=changes)) == [finding.id]


def test_one_machine_that_means_it_may_use_sqlite(sound: Environment) -> None:
    assert _ids(sound.model_copy(update={"database_url": None, "single_machine": True})) == []


def test_a_keyring_that_is_not_there_is_an_error(sound: Environment) -> None:
    (sound.data_dir / "keyring.json").unlink()

    assert _ids(sound) == [checks.KEYRING.id]


def test_a_keyring_that_others_may_read_is_an_error(sound: Environment) -> None:
    (sound.data_dir / "keyring.json").chmod(0o644)

    assert _ids(sound) == [checks.KEYRING.id]


def test_static_files_that_are_not_collected_are_found(sound: Environment) -> None:
    (sound.data_dir / "static" / "staticfiles.json").unlink()

    assert _ids(sound) == [checks.NO_STATIC_FILES.id]


def test_a_folder_of_keys_that_is_open_to_all_is_found(sound: Environment) -> None:
    sound.data_dir.chmod(0o755)

    assert _ids(sound) == [checks.OPEN_FOLDER.id]


def test_every_finding_has_a_number_of_its_own_and_says_what_to_do() -> None:
    numbers = [finding.id for finding in checks.FINDINGS]

    assert len(set(numbers)) == len(numbers) == 11
    assert all(finding.hint for finding in checks.FINDINGS)


@pytest.mark.slow
def test_production_passes_djangos_own_checks_too(sound: Environment) -> None:
    """The whole of `check --deploy`, as an operator runs it."""
    done = _manage(sound, "check", "--deploy", "--fail-level", "WARNING")

    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_cookies_of_production_are_bound_to_the_host(sound: Environment) -> None:
    names = ("SESSION", "CSRF", "LANGUAGE")
    shown = "; ".join(
        f"print(s.{name}_COOKIE_NAME, s.{name}_COOKIE_SECURE, s.{name}_COOKIE_HTTPONLY)"
        for name in names
    )

    done = _manage(
        sound, "shell", "--no-imports", "-c", f"from django.conf import settings as s; {shown}"
    )

    assert done.stdout.splitlines() == [
        "__Host-session True True",
        "__Host-csrf True True",
        "__Host-language True True",
    ]


@pytest.mark.slow
def test_memory_of_production_is_neither_dumped_nor_traced(sound: Environment) -> None:
    shown = (
        "import ctypes, resource; "
        f"print(ctypes.CDLL(None).prctl({PR_GET_DUMPABLE}, 0, 0, 0, 0), "
        "*resource.getrlimit(resource.RLIMIT_CORE))"
    )

    done = _manage(sound, "shell", "--no-imports", "-c", shown)

    assert done.stdout.split() == ["0", "0", "0"]


@pytest.mark.slow
def test_a_server_without_its_keyring_does_not_start(sound: Environment) -> None:
    (sound.data_dir / "keyring.json").unlink()

    done = subprocess.run(
        [sys.executable, "-c", "import config.wsgi"],
        check=False,
        cwd=BASE_DIR,
        env=_variables(sound),
        capture_output=True,
        text=True,
    )

    assert done.returncode != 0
    assert "keyvault init" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (sound.data_dir / "keyring.json").exists()


def test_a_server_with_a_wrong_setting_says_so_in_one_line(sound: Environment) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import config.wsgi"],
        check=False,
        cwd=BASE_DIR,
        env=_variables(sound) | {"PORT": "http"},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Latchkey cannot start. PORT: ")
    assert done.stderr.count("\n") == 1


def _manage(environment: Environment, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        check=False,
        cwd=BASE_DIR,
        env=_variables(environment),
        capture_output=True,
        text=True,
    )


def _variables(environment: Environment) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "LATCHKEY_MODE": "production",
        "LATCHKEY_SECRET_KEY": SECRET_KEY,
        "LATCHKEY_HOSTS": "latchkey.example.test",
        "LATCHKEY_SMTP_URL": "smtps://mail.example.test",
        "LATCHKEY_TRUSTED_PROXIES": "127.0.0.1",
        "LATCHKEY_SUPPORT_EMAIL": environment.support_email,
        "LATCHKEY_MAIL_FROM": environment.mail_from,
        "DATABASE_URL": "postgresql://latchkey@db.example.test/latchkey",
        "DATA_DIR": str(environment.data_dir),
        "PROMETHEUS_MULTIPROC_DIR": str(environment.metrics_dir),
    }


@pytest.fixture(autouse=True)
def _keyring_of_the_tests() -> None:
    reload_keyring(Path(settings.KEYVAULT_KEYRING))
