"""Real servers for the remote KEK providers: OpenBao, and moto's KMS."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import hvac
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from keyvault.kek.aws import AwsSettings
from keyvault.kek.transit import TransitSettings

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
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "HOME": home},
            process_group=0,
        )
        try:
            client = hvac.Client(url=address, token=TOKEN)
            _read_until_ready(process)
            client.sys.enable_secrets_engine("transit")
            client.secrets.transit.create_key("latchkey", derived=True)
            yield TransitSettings(address=address, token=SecretStr(TOKEN), key="latchkey")
        finally:
            client.adapter.close()
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _read_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert any(line.startswith("Root Token") for line in process.stdout), "bao did not start"


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


class _Answering(BaseHTTPRequestHandler):
    status: int
    body: bytes

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(self.status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Nothing: tests read what the product logs."""


@contextlib.contextmanager
def answering(body: bytes, *, status: int = 200) -> Iterator[str]:
    """The address of a server that has one answer to everything."""
    handler = type("Handler", (_Answering,), {"status": status, "body": body})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def kms_at(endpoint: str) -> AwsSettings:
    """A KMS at an address that stands in for Amazon's."""
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "testing")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "testing")
    return AwsSettings(alias="alias/ours", region="eu-west-1", endpoint=endpoint)


@contextlib.contextmanager
def refusing_kms(code: str) -> Iterator[AwsSettings]:
    """A KMS that answers every request with one error."""
    body = json.dumps({"__type": code, "message": "no"}).encode()
    with answering(body, status=400) as endpoint:
        yield kms_at(endpoint)
