"""Processes full of callers, and one that is killed at the worst moment."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

from benchmarks.renewal_scene import prepare

# As a server's: they live on, and so do their connections to the database.
CALLING = ThreadPoolExecutor(max_workers=64)
# Plain, as the statement of a lease is.
SEALED = """
SELECT c.kind, c.endpoint, c.version, c.sealed, dek.kek_id, dek.wrapped
FROM keyvault_credential c JOIN keyvault_wrappeddek dek ON dek.keychain_id = c.keychain_id
WHERE c.id = %s AND c.valid_until > %s
"""


class Worker:
    """One process with callers in threads."""

    def __init__(self, *, url: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, url), daemon=True)
        self._process.start()
        self._pipe.recv()

    def ask(self, *task: object) -> None:
        """Give it something to do."""
        self._pipe.send(task)

    def answer(self) -> list[str]:
        """Wait for what came of it."""
        served: list[str] = self._pipe.recv()
        return served

    def wait(self) -> None:
        """Wait until it has ended by itself."""
        self._process.join()

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.join()


def work(pipe: Connection, url: str) -> None:
    """What a worker process does."""
    prepare(url)
    tasks: dict[str, Callable[..., object]] = {"serve": serve, "die": die}
    pipe.send("ready")
    while True:
        name, *rest = pipe.recv()
        pipe.send(tasks[name](*rest))


def serve(keychain_id: UUID, credential_id: UUID, callers: int) -> list[str]:
    """Lets callers come at once; gives the token that each got, "" for none."""
    start = threading.Barrier(callers)

    def call(_: int) -> str:
        start.wait()
        return token_for_use(keychain_id, credential_id)

    return list(CALLING.map(call, range(callers)))


def token_for_use(keychain_id: UUID, credential_id: UUID) -> str:
    """What a lease does: renew when the token is over, then read and open it in one statement."""
    from django.db import connection  # noqa: PLC0415 - Django is set up
    from django.utils import timezone  # noqa: PLC0415

    from keyvault import vault  # noqa: PLC0415
    from keyvault.audit import SYSTEM  # noqa: PLC0415
    from keyvault.pool.engine import datetime_value, uuid_value  # noqa: PLC0415
    from keyvault.renewal import freshen  # noqa: PLC0415

    freshen(keychain_id=keychain_id)
    with connection.cursor() as cursor:
        cursor.execute(SEALED, [uuid_value(credential_id), datetime_value(timezone.now())])
        found = cursor.fetchone()
    if found is None:
        return ""
    kind, endpoint, version, sealed, kek_id, wrapped = found
    credential = vault.SealedCredential(
        id=credential_id,
        keychain_id=keychain_id,
        kind=kind,
        endpoint=endpoint,
        language="",
        version=version,
        is_honeytoken=False,
        sealed=sealed,
        kek_id=kek_id,
        wrapped=wrapped,
    )
    secret = vault.open_sealed_credential(credential=credential, actor=SYSTEM)
    return secret.access_token.get_secret_value()  # type: ignore[union-attr]


def die(keychain_id: UUID, credential_id: UUID, moment: str) -> None:
    """Renews, and is killed "before" the vendor is asked or "after" it has answered."""
    from django.conf import settings  # noqa: PLC0415 - Django is set up

    settings.KEYVAULT_RENEWER = f"benchmarks.renewal_callers.DEADLY_{moment.upper()}"
    token_for_use(keychain_id, credential_id)


class DeadlyRenewer:
    """Asks the vendor and does not live to tell."""

    def __init__(self, *, asks: bool) -> None:
        self._asks = asks

    def is_single_use(self, provider: str) -> bool:
        """As the vendor's."""
        from onboarding.oauth.renewer import RENEWER  # noqa: PLC0415 - Django is set up

        return RENEWER.is_single_use(provider)

    def renew(self, **asked: Any) -> None:
        """Gets the pair, or does not even ask, and ends here: nothing is committed."""
        from onboarding.oauth.renewer import RENEWER  # noqa: PLC0415 - Django is set up

        if self._asks:
            RENEWER.renew(**asked)
        os.kill(os.getpid(), signal.SIGKILL)


DEADLY_BEFORE = DeadlyRenewer(asks=False)
DEADLY_AFTER = DeadlyRenewer(asks=True)
