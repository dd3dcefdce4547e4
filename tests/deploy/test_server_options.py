"""What the samples tell the server, the server understands; what they name is there."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from granian.cli import cli

from config.environment import BASE_DIR, Environment, variable
from lightspeed.oauth.tokens import TOKEN_SECONDS

DEPLOY = BASE_DIR / "deploy"
COMPOSE = DEPLOY / "container" / "compose.yaml"
CONTAINERFILE = (DEPLOY / "container" / "Containerfile").read_text()
UNIT = (DEPLOY / "systemd" / "latchkey-web@.service").read_text()
SETTINGS = {variable(name) for name in Environment.model_fields}
# What only a container's or a unit's own machinery reads.
OTHERS = {"CREDENTIALS_DIRECTORY", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


def _options(arguments: list[str], variables: dict[str, str]) -> dict[str, Any]:
    """What granian makes of a command line and an environment; it refuses what it does not know."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return cli.make_context("granian", arguments, auto_envvar_prefix="GRANIAN").params


def _image_variables() -> dict[str, str]:
    block = CONTAINERFILE.split("ENV ", 1)[1].split("\nUSER", 1)[0]
    return dict(word.split("=", 1) for word in shlex.split(block.replace("\\\n", " ")))


def _unit_arguments() -> list[str]:
    line = re.search(r"^ExecStart=(.+?[^\\])$", UNIT, re.MULTILINE | re.DOTALL)
    assert line
    words = shlex.split(line[1].replace("\\\n", " "))
    values = {"%i": "8000", "${WEB_WORKERS}": "1", "${WEB_THREADS}": "256"}
    return [
        str(DEPLOY / "granian-logs.json") if word.endswith("granian-logs.json") else word
        for word in (values.get(word, word) for word in words[words.index("granian") + 1 :])
    ]


def _compose() -> Any:
    return yaml.safe_load(COMPOSE.read_text())


def test_image_and_unit_start_the_same_server() -> None:
    variables = _image_variables()
    logs = {"GRANIAN_LOG_CONFIG": str(DEPLOY / "granian-logs.json")}
    given = {name: value for name, value in variables.items() if name.startswith("GRANIAN_")}
    image = _options(["config.wsgi:application"], given | logs)
    unit = _options(_unit_arguments(), {})
    known = {f"GRANIAN_{name.upper()}" for name in image}
    assert set(given) <= known
    for name in ("interface", "http", "websockets", "blocking_threads", "log_config"):
        assert image[name] == unit[name], name
    assert image["http1_header_read_timeout"] == unit["http1_header_read_timeout"] == 10_000
    assert image["workers_kill_timeout"] == unit["workers_kill_timeout"]


def test_whoever_ends_a_server_lets_it_finish_what_it_has_in_hand() -> None:
    patience = _options(_unit_arguments(), {})["workers_kill_timeout"]
    kept = dict(line.split("=", 1) for line in UNIT.splitlines() if re.match(r"\w+=", line))
    services = _compose()["services"]

    # A lease whose token is over takes as long as the vendor takes to renew it.
    assert patience > TOKEN_SECONDS
    assert int(kept["TimeoutStopSec"]) > patience
    assert int(services["app"]["stop_grace_period"].removesuffix("s")) > patience
    # Its own processes are ended by the server, each once it has finished.
    assert kept["KillMode"] == "mixed"
    assert "\nSTOPSIGNAL SIGTERM\n" in CONTAINERFILE
    assert not {"KillSignal", "RestartKillSignal"} & set(kept)


def test_a_worker_that_is_ended_has_the_time_of_the_longest_call() -> None:
    unit = (DEPLOY / "systemd" / "latchkey-worker@.service").read_text()
    seconds = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    grace = _compose()["services"]["worker"]["stop_grace_period"]

    assert seconds
    assert int(seconds[1]) > TOKEN_SECONDS
    assert int(grace.removesuffix("s")) > TOKEN_SECONDS
    assert "\nKillMode=mixed\n" in unit
    assert "KillSignal" not in unit


def test_the_rolling_restart_goes_on_only_when_an_instance_is_ready(tmp_path: Path) -> None:
    """With stand-ins for what it calls: the second instance never becomes ready."""
    called = tmp_path / "called"
    for name, code in (
        ("systemctl", f'echo "$@" >> {called}'),
        ("curl", 'case "$*" in *:8000/readyz) exit 0;; *) exit 7;; esac'),
        ("sleep", ":"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{code}\n")
        (tmp_path / name).chmod(0o755)

    done = subprocess.run(
        ["/bin/sh", str(DEPLOY / "systemd" / "rolling-restart")],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path)},
    )

    assert done.returncode == 1
    assert called.read_text().split("\n") == [
        "restart latchkey-web@8000.service",
        "restart latchkey-web@8001.service",
        "",
    ]
    assert "does not become ready" in done.stderr


def test_every_variable_of_image_compose_file_and_units_is_read_by_somebody() -> None:
    named = set(_image_variables())
    for service in _compose()["services"].values():
        if "build" in service:
            named |= set(service.get("environment", {}))
    for unit in (DEPLOY / "systemd").iterdir():
        for line in re.findall(r"^Environment=(.+)$", unit.read_text(), re.MULTILINE):
            named |= {word.split("=", 1)[0] for word in line.split()}
        named |= set(re.findall(r"--setenv=([A-Z_]+)=", unit.read_text()))
    ours = {name for name in named if not name.startswith("GRANIAN_")}
    assert ours - OTHERS <= SETTINGS


def test_compose_file_names_only_what_it_declares() -> None:
    compose = _compose()
    secrets, volumes, networks = (set(compose[name]) for name in ("secrets", "volumes", "networks"))
    for service in compose["services"].values():
        for secret in service.get("secrets", []):
            assert (secret["source"] if isinstance(secret, dict) else secret) in secrets
        assert {volume.split(":", 1)[0] for volume in service.get("volumes", [])} <= volumes
        assert set(service["networks"]) <= networks
        assert set(service.get("depends_on", {})) <= set(compose["services"])


def test_secrets_of_the_compose_file_are_those_that_the_guide_makes() -> None:
    guide = (BASE_DIR / "docs" / "how-to" / "install-in-production.md").read_text()
    for secret in _compose()["secrets"].values():
        assert secret["file"] in guide
    for name in re.findall(r"LoadCredential=(\w+):(\S+)", UNIT):
        assert name[1].removeprefix("/etc/latchkey/secrets/") in guide
        assert name[0].upper() in SETTINGS


def test_what_the_image_copies_is_there() -> None:
    copies = re.findall(r"^COPY (?!--from)(\S+) ", CONTAINERFILE, re.MULTILINE)
    assert copies
    assert [path for path in copies if not Path(BASE_DIR, path).exists()] == []


def test_builder_is_given_what_the_image_copies_and_no_keyring() -> None:
    lines = (BASE_DIR / ".dockerignore").read_text().splitlines()
    given = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(\S+) ", CONTAINERFILE, re.MULTILINE)
    assert lines[1] == "*"
    assert given == {path.rstrip("/") for path in copies}


def test_image_runs_as_nobody_in_particular_and_installs_by_hash() -> None:
    user = re.findall(r"^USER (\S+)", CONTAINERFILE, re.MULTILINE)
    assert user == ["latchkey"]
    assert "--require-hashes" in CONTAINERFILE
    assert "HEALTHCHECK" in CONTAINERFILE
