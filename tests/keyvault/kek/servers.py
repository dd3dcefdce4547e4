"""Real servers for the remote KEK providers: OpenBao, and moto's KMS."""

import contextlib
import importlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Iterator
from pathlib import Path

import boto3
import hvac
import requests
from pydantic import SecretStr

from keyvault.kek.aws import AwsSettings
from keyvault.kek.transit import TransitSettings

# moto's server wants flask-cors for its web page, which nobody opens here.
_without_cors = types.ModuleType("flask_cors")
_without_cors.CORS = lambda *_, **__: None  # type: ignore[attr-defined]
sys.modules.setdefault("flask_cors", _without_cors)
ThreadedMotoServer = importlib.import_module("moto.server").ThreadedMotoServer

TOKEN = "root-of-a-test"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def openbao() -> Iterator[TransitSettings]:
    """A `bao server -dev` with a derived transit key."""
    binary = shutil.which("bao", path=str(Path(sys.executable).parent)) or "bao"
    address = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as home:
        arguments = ["server", "-dev", f"-dev-root-token-id={TOKEN}", "-dev-no-store-token"]
        process = subprocess.Popen(
            [binary, *arguments, f"-dev-listen-address={address.removeprefix('http://')}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": home},
            process_group=0,
        )
        try:
            client = hvac.Client(url=address, token=TOKEN)
            _wait_for(client)
            client.sys.enable_secrets_engine("transit")
            client.secrets.transit.create_key("latchkey", derived=True)
            yield TransitSettings(address=address, token=SecretStr(TOKEN), key="latchkey")
        finally:
            client.adapter.close()
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(client: hvac.Client) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError):
            if client.sys.is_initialized() and not client.sys.is_sealed():
                return
        time.sleep(0.05)
    message = "bao did not start"
    raise RuntimeError(message)


@contextlib.contextmanager
def kms() -> Iterator[AwsSettings]:
    """moto's KMS with a key behind our alias."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "testing")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "testing")
    host, port = server.get_host_and_port()
    alias = f"alias/latchkey-{secrets.token_hex(4)}"  # moto keeps one state per process
    settings = AwsSettings(alias=alias, region="eu-west-1", endpoint=f"http://{host}:{port}")
    try:
        client = boto3.client("kms", region_name=settings.region, endpoint_url=settings.endpoint)
        made = client.create_key(Description="first")["KeyMetadata"]["KeyId"]
        client.create_alias(AliasName=alias, TargetKeyId=made)
        client.close()
        yield settings
    finally:
        server.stop()
