"""docs/reference/configuration.md, written from `config.environment.Environment` itself."""

from pathlib import Path
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from config.checks import FINDINGS
from config.environment import BASE_DIR, NEEDED_IN_PRODUCTION, Environment, variable

PATH: Final = BASE_DIR / "docs" / "reference" / "configuration.md"

_HEAD: Final = """\
# Configuration

Written by `manage.py describe_settings --write` from the settings class; a test keeps it true.

Everything is set by environment variables. They are read once, at the start, and strictly: a
variable with the prefix `LATCHKEY_` that is not in this list, or a value that does not fit, stops
the start, and the message names every fault at once. An empty value counts as none. Secret values
are never shown, in no message.

A secret need not stand in the environment: where `CREDENTIALS_DIRECTORY` is set (systemd does it
for `LoadCredential=`, the compose file for its secrets), a file in that folder that bears the
variable's name in lower case, such as `latchkey_secret_key`, holds the value. The environment wins
over the file.

## Variables

| variable | what it holds | default | meaning |
|---|---|---|---|
"""

_FINDINGS: Final = """
**P**: production refuses to start without it.

Traces are turned on by OpenTelemetry's own variables: see [Send traces](../how-to/send-traces.md).

## What `manage.py check --deploy` may find

Besides Django's own findings. A number never changes its meaning; E must be mended, W wants a
reason.

| number | finding | what to do |
|---|---|---|
"""


def configuration() -> str:
    """The whole page."""
    fields = Environment.model_fields
    settings = [_row(name, field) for name, field in fields.items()]
    findings = [
        f"| {finding.id} | {finding.text}. | {_escaped(finding.hint)} |" for finding in FINDINGS
    ]
    return _HEAD + "\n".join(settings) + "\n" + _FINDINGS + "\n".join(findings) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    needed = " **P**" if name in NEEDED_IN_PRODUCTION else ""
    cells = (
        f"`{variable(name)}`{needed}",
        _kind(field),
        _default(field),
        _escaped(field.description or ""),
    )
    return f"| {' | '.join(cells)} |"


def _kind(field: FieldInfo) -> str:
    kinds = get_args(field.annotation) or (field.annotation,)
    if get_origin(field.annotation) is Literal:
        return " or ".join(f"`{kind}`" for kind in kinds)
    if field.annotation == list[str]:
        return "words, by commas"
    words: dict[Any, str] = {
        SecretStr: "text, secret",
        Path: "path",
        bool: "`true` or `false`",
        int: "whole number",
        str: "text",
    }
    return next(words[kind] for kind in kinds if kind is not NoneType)


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if default in (None, [], ""):
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, Path) and default.is_relative_to(BASE_DIR):
        return f"`{default.relative_to(BASE_DIR)}` beside `manage.py`"
    if isinstance(default, list):
        return f"`{','.join(default)}`"
    return f"`{default}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
