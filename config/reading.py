"""Reading the environment strictly.

A name with our prefix that `Environment` does not know, or a value that does not fit, stops the
start with every fault named at once. A value may stand in a file instead: where
`CREDENTIALS_DIRECTORY` is set (systemd's LoadCredential, a container's secrets), a file there that
bears a setting's name holds its value.
"""

import contextlib
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from pydantic import ValidationError
from pydantic_settings import SettingsError

from config.environment import NEEDED_IN_PRODUCTION, PREFIX, Environment, variable

# Of our own client (client/latchkey/pool.py): who tries it may well run commands in the same shell.
CLIENTS = ("LATCHKEY_URL", "LATCHKEY_TOKEN", "LATCHKEY_PRIVATE_KEY", "LATCHKEY_SIGNING_KEY")


def read_environment() -> Environment:
    """Read and check the environment; raises ImproperlyConfigured naming every fault."""
    known = {*CLIENTS, *(variable(name) for name in Environment.model_fields)}
    strays = sorted(
        name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known
    )
    faults = [f"{name}: no such setting" for name in strays]
    try:
        environment = Environment(_secrets_dir=os.environ.get("CREDENTIALS_DIRECTORY"))  # type: ignore[call-arg]  # the environment gives the values
    except ValidationError as error:
        faults += _faults_of(error)
    except (SettingsError, OSError) as error:
        faults.append(_unread(error))
    if faults:
        raise ImproperlyConfigured("Latchkey cannot start. " + "; ".join(faults))
    return environment


def _faults_of(error: ValidationError) -> list[str]:
    """Every fault by the name of its variable, and what production lacks besides.

    A value that does not fit keeps the whole from being checked, so that is done here.
    """
    faults = []
    for fault in error.errors(include_input=False, include_url=False):
        text = fault["msg"].removeprefix("Value error, ")
        if fault["loc"]:
            field = str(fault["loc"][0])
            name = variable(field) if field in Environment.model_fields else field
            faults.append(f"{name}: {text}")
        else:
            faults.append(text)
    if os.environ.get(variable("mode")) == "production":
        told = "; ".join(faults)
        faults += [
            f"{variable(name)}: production needs it"
            for name in NEEDED_IN_PRODUCTION
            if f"{variable(name)}: " not in told and not _is_given(variable(name))
        ]
    return faults


def _unread(error: SettingsError | OSError) -> str:
    """Why a file with a secret, or the folder of them, was not read."""
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(cause, UnicodeDecodeError):
        return "CREDENTIALS_DIRECTORY: a file there is not UTF-8"
    if isinstance(cause, OSError):
        path = cause.filename or os.environ.get("CREDENTIALS_DIRECTORY")
        return f"{path}: {cause.strerror}; the user that runs Latchkey must be able to read it"
    return str(error)


def _is_given(name: str) -> bool:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    in_file = folder is not None and (Path(folder) / name.lower()).is_file()
    return bool(os.environ.get(name)) or in_file


def development_secret_key(data_dir: Path) -> str:
    """Give this folder's own key, made once, so that nobody runs with a published one."""
    path = data_dir / "secret-key"
    data_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
    return path.read_text()
