"""What stands in deploy/ is well formed, and speaks of things that exist."""

import json
import logging.config
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client

from config.environment import BASE_DIR, Environment, variable

DEPLOY = BASE_DIR / "deploy"
RULES = DEPLOY / "prometheus" / "latchkey.rules.yaml"
DASHBOARD = DEPLOY / "grafana" / "latchkey.json"
METRIC = re.compile(r"\blatchkey_[a-z_]+")


def _read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def _text(path: str) -> str:
    return (DEPLOY / path).read_text()


@pytest.mark.django_db
@pytest.mark.parametrize("path", [RULES, DASHBOARD], ids=["alerts", "dashboard"])
def test_alerts_and_panels_speak_of_measures_that_exist(path: Path) -> None:
    told = Client().get("/metrics").content.decode()
    families = set(re.findall(r"^# TYPE (\S+)", told, re.MULTILINE))

    named = set(METRIC.findall(path.read_text())) - {"latchkey_web"}

    assert named
    assert {name.removesuffix("_bucket") for name in named} <= families


@pytest.mark.django_db
def test_what_alerts_look_for_is_counted_from_nought() -> None:
    """Prometheus knows of no rise when a count is first seen as 1."""
    told = Client().get("/metrics").content.decode()
    chosen = re.findall(r'(latchkey_\w+)\{(\w+)=~?"([^"]+)"\}', RULES.read_text())

    assert len(chosen) > 4
    for name, label, values in chosen:
        for value in values.split("|"):
            assert f'{name}{{{label}="{value}"}}' in told


def test_every_alert_says_what_happened_and_what_to_do() -> None:
    rules = [rule for group in _read_yaml(RULES)["groups"] for rule in group["rules"]]

    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "action"}
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_the_rules_stand_where_prometheus_looks_for_them() -> None:
    scrape = _read_yaml(DEPLOY / "prometheus" / "scrape.example.yaml")

    assert scrape["rule_files"] == [RULES.name]
    assert scrape["scrape_configs"][0]["job_name"] == "latchkey"


def test_the_dashboard_can_be_imported() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]

    assert len(set(ids)) == len(ids) > 5
    assert all(panel["targets"][0]["expr"] for panel in dashboard["panels"])
    assert dashboard["templating"]["list"][0]["type"] == "datasource"


@pytest.mark.parametrize("path", ["container/latchkey.env.example", "systemd/latchkey.env.example"])
def test_sample_settings_are_settings(path: str) -> None:
    names = set(re.findall(r"^([A-Z_]+)=", _text(path), re.MULTILINE))
    known = {variable(name) for name in Environment.model_fields}

    assert {name for name in names if not name.startswith("WEB_")} <= known


def test_the_image_holds_all_that_production_imports_and_nothing_else() -> None:
    copied = set(re.findall(r"^COPY (\w+)/ ", _text("container/Containerfile"), re.MULTILINE))

    assert copied == {
        "config",
        "keyvault",
        "lightspeed",
        "onboarding",
        "templates",
        "locale",
        "static",
    }


def test_the_image_sets_only_what_the_settings_know() -> None:
    block = _text("container/Containerfile").split("ENV PATH", 1)[1].split("USER", 1)[0]
    names = set(re.findall(r"\b((?:LATCHKEY|DATA)_[A-Z_]+)=", block))

    assert names <= {variable(name) for name in Environment.model_fields}


def test_the_compose_file_runs_app_worker_and_database() -> None:
    compose = _read_yaml(DEPLOY / "container" / "compose.yaml")
    services = compose["services"]

    assert set(services) == {"database", "migrate", "app", "worker"}
    assert compose["networks"]["inside"]["internal"] is True
    for name in ("app", "worker"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"}
        }
    assert services["database"]["networks"] == ["inside"]
    # The image's first start serves the socket alone for a moment, before anybody can connect.
    assert "--host" in services["database"]["healthcheck"]["test"][1]


def test_secrets_come_as_files_in_both_ways_of_running() -> None:
    compose = _read_yaml(DEPLOY / "container" / "compose.yaml")
    targets = {secret.get("target") for secret in compose["services"]["app"]["secrets"]}
    unit = _text("systemd/latchkey-web@.service")
    secret = {"latchkey_secret_key", "latchkey_smtp_url", "database_url"}

    assert targets == secret
    assert set(re.findall(r"^LoadCredential=(\w+):", unit, re.MULTILINE)) == secret


@pytest.mark.parametrize("unit", ["latchkey-web@.service", "latchkey-worker@.service"])
def test_the_units_give_the_processes_as_little_as_they_need(unit: str) -> None:
    lines = set(_text(f"systemd/{unit}").splitlines())

    assert lines >= {
        "User=latchkey",
        "StateDirectoryMode=0700",
        "UMask=0077",
        "LimitCORE=0",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
    }


def test_the_servers_log_file_can_be_loaded() -> None:
    logging.config.dictConfig(json.loads(_text("granian-logs.json")))


def test_the_proxy_lets_no_word_of_the_client_through() -> None:
    conf = _text("nginx/latchkey.conf")

    assert "proxy_set_header X-Forwarded-For $remote_addr;" in conf
    assert "$proxy_add_x_forwarded_for" not in conf
    assert conf.count("{") == conf.count("}")
    # Debian's nginx 1.22 does not know the directive that came with 1.25.1.
    assert "http2 on" not in conf


def test_no_sample_carries_a_secret() -> None:
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            assert not re.search(r"(?i)(password|secret_key)=\S", path.read_text()), path
