"""Reading the environment: strict, and every fault at once."""

import contextlib
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.engines import database, mail
from config.environment import BASE_DIR
from config.reading import development_secret_key, read_environment

SECRET_KEY = "obviously-fake-key-of-more-than-fifty-characters-0123456789"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("DATABASE_URL", "PORT", "SIMULATOR_PORT"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_development_needs_nothing(bare: pytest.MonkeyPatch) -> None:
    environment = read_environment()

    assert (environment.mode, environment.port, environment.simulator_port) == (
        "development",
        8000,
        8001,
    )


def test_half_configured_production_names_every_missing_value(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("LATCHKEY_MODE", "production")

    with pytest.raises(ImproperlyConfigured) as caught:
        read_environment()

    for name in ("LATCHKEY_HOSTS", "LATCHKEY_SECRET_KEY", "LATCHKEY_SMTP_URL"):
        assert f"{name}: production needs it" in str(caught.value)


def test_a_value_that_does_not_fit_hides_nothing_that_is_missing(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("LATCHKEY_MODE", "production")
    bare.setenv("PORT", "http")
    bare.setenv("LATCHKEY_HOSTS", "https://latchkey.example.test")
    bare.setenv("LATCHKEY_SMTPURL", "smtps://mail.example.test")

    with pytest.raises(ImproperlyConfigured) as caught:
        read_environment()

    for fault in (
        "PORT: ",
        "LATCHKEY_HOSTS: 'https://latchkey.example.test' is not the name of one host",
        "LATCHKEY_SMTPURL: no such setting",
        "LATCHKEY_SECRET_KEY: production needs it",
        "LATCHKEY_SMTP_URL: production needs it",
    ):
        assert str(caught.value).count(fault) == 1


@pytest.mark.parametrize("name", ["LATCHKEY_SECRETKEY", "latchkey_hots", "LATCHKEY_PORT"])
def test_unknown_name_with_our_prefix_is_reported(name: str, bare: pytest.MonkeyPatch) -> None:
    bare.setenv(name, SECRET_KEY)

    with pytest.raises(ImproperlyConfigured, match=f"{name}: no such setting"):
        read_environment()


def test_commands_run_in_the_shell_of_who_tries_the_client(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("LATCHKEY_URL", "http://127.0.0.1:8000")
    bare.setenv("LATCHKEY_TOKEN", "lk_made-up")

    assert read_environment().mode == "development"


def test_an_empty_value_is_no_value(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("DATABASE_URL", "")

    assert read_environment().database_url is None


@pytest.mark.parametrize(
    "text", ["a.example.test, b.example.test", '["a.example.test", "b.example.test"]']
)
def test_hosts_are_listed_by_commas_or_as_json(text: str, bare: pytest.MonkeyPatch) -> None:
    bare.setenv("LATCHKEY_HOSTS", text)

    assert read_environment().hosts == ["a.example.test", "b.example.test"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LATCHKEY_HOSTS", "*"),
        ("LATCHKEY_HOSTS", ".example.test"),
        ("LATCHKEY_HOSTS", "[broken"),
        ("LATCHKEY_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("LATCHKEY_TRUSTED_PROXIES", "::/0"),
        ("LATCHKEY_TRUSTED_PROXIES", "proxy.example.test"),
        ("DATABASE_URL", "mysql://latchkey@db.example.test/latchkey"),
        ("DATABASE_URL", "postgresql://latchkey@db.example.test:port/latchkey"),
        ("DATABASE_URL", "postgresql://latchkey@db.example.test:5432"),
        ("LATCHKEY_SMTP_URL", "mail.example.test:25"),
        ("LATCHKEY_SUPPORT_EMAIL", "help"),
        ("LATCHKEY_VENDOR_LATENCY_MS", "0"),
        ("LATCHKEY_TOKEN_REQUESTS_PER_MINUTE", "-1"),
        ("LATCHKEY_FIXED_WINDOWS", "perhaps"),
        ("LATCHKEY_MAIL_FROM", "Latchkey <a@example.test>\nBcc: b@example.test"),
    ],
)
def test_a_value_that_would_be_a_hole_or_a_mistake_stops_the_start(
    name: str, text: str, bare: pytest.MonkeyPatch
) -> None:
    bare.setenv(name, text)

    with pytest.raises(ImproperlyConfigured, match=name):
        read_environment()


def test_a_password_in_a_wrong_address_is_not_shown(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("DATABASE_URL", "postgres:latchkey:canary-word@db.example.test")

    with pytest.raises(ImproperlyConfigured) as caught:
        read_environment()

    assert "canary-word" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["keyvault status", "worker --once", "check"])
@pytest.mark.parametrize(
    "url", ["postgres//x", "foo://", "postgresql://:99999/x", "postgresql://a:canary-word@b/"]
)
def test_a_wrong_address_of_the_database_ends_a_command_in_a_sentence(
    url: str, command: str, bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare.setenv("DATABASE_URL", url)
    bare.setenv("DATA_DIR", str(tmp_path / "none"))
    bare.setenv("DJANGO_SETTINGS_MODULE", "config.settings")
    done = subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), *command.split()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Latchkey cannot start. DATABASE_URL: ")
    assert done.stderr.count("\n") == 1
    assert "postgresql://user:password@host:5432/name" in done.stderr
    assert "canary-word" not in done.stderr + done.stdout
    assert not (tmp_path / "none").exists()


def test_secrets_may_stand_in_files(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "latchkey_secret_key").write_text(f"{SECRET_KEY}\n")
    (tmp_path / "database_url").write_text("postgresql://latchkey@db.example.test/latchkey")
    bare.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    environment = read_environment()

    assert environment.secret_key is not None
    assert environment.secret_key.get_secret_value() == SECRET_KEY
    assert database(environment)["HOST"] == "db.example.test"


def test_a_secret_that_cannot_be_read_is_named(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "latchkey_secret_key").write_text(SECRET_KEY)
    bare.setenv("CREDENTIALS_DIRECTORY", str(folder))

    with _shut(folder), pytest.raises(ImproperlyConfigured) as caught:
        read_environment()

    assert str(folder) in str(caught.value)
    assert "Permission denied; the user that runs Latchkey must be able to" in str(caught.value)


def test_a_secret_that_is_no_text_is_not_shown(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "latchkey_secret_key").write_bytes(b"canary\xff")
    bare.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    with pytest.raises(ImproperlyConfigured, match="not UTF-8") as caught:
        read_environment()

    assert "canary" not in str(caught.value)


def test_options_of_the_operator_stand_beside_our_own(bare: pytest.MonkeyPatch) -> None:
    url = "postgresql://latchkey@db.example.test/latchkey?options=-c%20lock_timeout%3D5000"
    bare.setenv("DATABASE_URL", url)

    options = database(read_environment())["OPTIONS"]["options"]

    assert options == "-c jit=off -c lock_timeout=5000"


def test_a_database_whose_machine_is_gone_is_given_up_in_seconds(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("DATABASE_URL", "postgresql://latchkey@db.example.test/x?tcp_user_timeout=4000")

    options = database(read_environment())["OPTIONS"]

    assert options["connect_timeout"] <= 5
    assert (
        options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"]
        <= 30
    )
    assert options["tcp_user_timeout"] == "4000"


def test_without_its_driver_the_next_step_is_named(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("DATABASE_URL", "postgresql://latchkey@db.example.test/latchkey")
    bare.setitem(sys.modules, "psycopg", None)

    with pytest.raises(ImproperlyConfigured, match=r"bootstrap\.py prod"):
        database(read_environment())


def test_a_wrong_value_is_named_but_never_shown(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("LATCHKEY_SECRET_KEY", "too-short-canary")
    bare.setenv("PORT", "99999")

    with pytest.raises(ImproperlyConfigured) as caught:
        read_environment()

    assert "PORT" in str(caught.value)
    assert "too-short-canary" not in str(caught.value)


def test_a_port_that_is_no_number_stops_the_start(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("PORT", "http")

    with pytest.raises(ImproperlyConfigured, match="PORT"):
        read_environment()


def test_without_an_address_the_database_is_sqlite_that_loses_no_commit(
    bare: pytest.MonkeyPatch,
) -> None:
    options = database(read_environment())["OPTIONS"]

    assert "synchronous=FULL" in options["init_command"]
    assert options["transaction_mode"] == "IMMEDIATE"


def test_database_url_is_taken_apart(bare: pytest.MonkeyPatch) -> None:
    bare.setenv(
        "DATABASE_URL", "postgresql://vault%40x:p%2Fw@db.example.test:5433/latch?sslmode=require"
    )

    found = database(read_environment())

    assert found["ENGINE"].endswith("postgresql")
    assert (found["USER"], found["PASSWORD"]) == ("vault@x", "p/w")
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example.test", 5433, "latch")
    assert found["OPTIONS"]["sslmode"] == "require"


def test_a_socket_folder_may_stand_in_the_query(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("DATABASE_URL", "postgresql://latchkey@/postgres?host=%2Frun%2Fpg")

    assert database(read_environment())["HOST"] == "/run/pg"


@pytest.mark.parametrize(
    ("url", "ssl", "tls"),
    [
        ("smtps://me:word@mail.example.test", True, False),
        ("smtp://me:word@mail.example.test:587", False, True),
        ("smtp://127.0.0.1:2525", False, False),
    ],
)
def test_mail_is_encrypted_whenever_a_password_is_sent(
    bare: pytest.MonkeyPatch, url: str, ssl: bool, tls: bool
) -> None:
    bare.setenv("LATCHKEY_SMTP_URL", url)

    found = mail(read_environment())

    assert (found["EMAIL_USE_SSL"], found["EMAIL_USE_TLS"]) == (ssl, tls)


def test_without_a_mail_server_mails_are_printed(bare: pytest.MonkeyPatch) -> None:
    assert mail(read_environment())["EMAIL_BACKEND"].endswith("console.EmailBackend")


def test_development_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    first = development_secret_key(folder)

    assert development_secret_key(folder) == first
    assert len(first) > 50
    assert stat.S_IMODE((folder / "secret-key").stat().st_mode) == 0o600


def test_an_app_needs_every_box_unless_told_otherwise(bare: pytest.MonkeyPatch) -> None:
    assert len(read_environment().required_permissions) == 12
    bare.setenv("LATCHKEY_REQUIRED_PERMISSIONS", "orders.write, products.read,products.read")
    assert read_environment().required_permissions == ["products.read", "orders.write"]


@pytest.mark.parametrize("value", ["orders.delete", "orders", "[]", ","])
def test_a_box_that_no_key_has_stops_the_start(bare: pytest.MonkeyPatch, value: str) -> None:
    bare.setenv("LATCHKEY_REQUIRED_PERMISSIONS", value)
    with pytest.raises(ImproperlyConfigured, match="LATCHKEY_REQUIRED_PERMISSIONS: "):
        read_environment()


def test_what_the_pool_reckons_with_is_said_from_outside(
    bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare.setenv("DATA_DIR", str(tmp_path))
    bare.setenv("LATCHKEY_FIXED_WINDOWS", "true")
    bare.setenv("LATCHKEY_VENDOR_LATENCY_MS", "250")
    bare.setenv("LATCHKEY_TOKEN_REQUESTS_PER_MINUTE", "90")
    names = ("FIXED_WINDOWS", "TRANSIT_SECONDS", "TOKEN_REQUESTS_PER_MINUTE")
    asked = f"print(*(getattr(settings, 'KEYVAULT_' + name) for name in {names}))"
    done = subprocess.run(
        [sys.executable, "-c", f"import config.settings as settings; {asked}"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "0.25", "90"]


@contextlib.contextmanager
def _shut(folder: Path) -> Iterator[None]:
    """Nobody may look into it; root, who may look anywhere, is somebody else meanwhile."""
    user = os.geteuid()
    folder.chmod(0)
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o700)
