"""Fifty callers in four processes find their token expired: what does the vendor see, what do they?

    python -m benchmarks.renewal [--quick] [--repetitions N]

The far side is the simulator's token endpoint of X-Series, which ends a refresh token with its
first use and the whole grant when a dead one is shown: one call too many loses the family. The
database is that of this environment's `DATABASE_URL`, else SQLite in a temporary folder.

1. N repetitions with an answer after 150 ms, ten (one) with an answer after 12 s.
2. `kill -9` between the vendor's answer and the commit, where the old token lives on (R-Series):
   the next caller must bring the grant back.

The last line is JSON. `vs_one_call` is the time from the start of a repetition until all fifty
hold the new token, against one bare token call in the same run (medians).
"""

import argparse
import json
import multiprocessing
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from simulator.running import RunningSimulator

PROCESSES = 4
CALLERS = 50
# As a server's: they live on, and so do their connections to the database.
CALLING = ThreadPoolExecutor(max_workers=CALLERS)
FAST_SECONDS = 0.15
SLOW_SECONDS = 12.0


@dataclass(frozen=True)
class Repetition:
    """What came of one."""

    upstream_calls: int
    served: int
    seconds: float
    one_call_seconds: float


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within a minute")
    parser.add_argument("--repetitions", type=int)
    arguments = parser.parse_args()
    fast = arguments.repetitions or (60 if arguments.quick else 1000)
    slow, kills = (1, 3) if arguments.quick else (10, 20)
    with tempfile.TemporaryDirectory(prefix="latchkey-renewal-") as folder:
        os.environ.setdefault("DATA_DIR", folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        print(json.dumps(run(fast=fast, slow=slow, kills=kills)))


def run(*, fast: int, slow: int, kills: int) -> dict[str, object]:
    """Measures everything beside one simulator."""
    from simulator.running import RunningSimulator  # noqa: PLC0415 - after the environment

    with RunningSimulator() as simulator:
        prepare(simulator.url_eu1)
        workers = [Worker(url=simulator.url_eu1) for _ in range(PROCESSES)]
        try:
            bench = Bench(simulator=simulator, workers=workers)
            repeated = bench.repeat(times=fast, answer_seconds=FAST_SECONDS)
            slowly = bench.repeat(times=slow, answer_seconds=SLOW_SECONDS)
            recovered = bench.kill(times=kills)
        finally:
            for worker in workers:
                worker.stop()
        done = [*repeated, *slowly]
        ratios = sorted(each.seconds / each.one_call_seconds for each in repeated)
        print(f"{len(repeated)} x {FAST_SECONDS} s and {len(slowly)} x {SLOW_SECONDS} s")
        print(f"time over one call: p50 {statistics.median(ratios):.2f}, worst {ratios[-1]:.2f}")
        print(f"kill -9 between answer and commit: {recovered} of {kills} brought back")
        return {
            "repetitions": len(done),
            "upstream_calls_max": max(each.upstream_calls for each in done),
            "served_min": min(each.served for each in done),
            "families_lost": bench.lost + kills - recovered,
            "vs_one_call": round(
                statistics.median(each.seconds for each in repeated)
                / statistics.median(each.one_call_seconds for each in repeated),
                2,
            ),
            "kills": kills,
        }


def prepare(url: str) -> None:
    """Sets Django up against the simulator; in each process once."""
    import django  # noqa: PLC0415 - after the environment
    from django.conf import settings  # noqa: PLC0415

    django.setup()
    place = url.removeprefix("http://")
    settings.LIGHTSPEED_OAUTH_ORIGIN = url
    settings.LIGHTSPEED_ALLOWED_ADDRESSES = [place]
    settings.KEYVAULT_ENDPOINTS = {
        **settings.KEYVAULT_ENDPOINTS,
        "retail-r": f"{url}/",
        "retail-x": f"{url}/",
    }


class Bench:
    """The main process: makes grants expire, starts the callers, counts."""

    def __init__(self, *, simulator: "RunningSimulator", workers: list["Worker"]) -> None:
        from django.core.management import call_command  # noqa: PLC0415 - Django is set up

        self._simulator = simulator
        self._workers = workers
        self.lost = 0
        call_command("migrate", verbosity=0)
        make_keyring()
        register_clients()
        self._grants = {series: connect(simulator, series) for series in ("x", "r")}

    def repeat(self, *, times: int, answer_seconds: float) -> list[Repetition]:
        """Lets all callers come at expiry, again and again."""
        return [self._once(answer_seconds) for _ in range(times)]

    def _once(self, answer_seconds: float) -> Repetition:
        self._rule("x", token_seconds=answer_seconds)
        keychain_id, credential_id = self._grants["x"]
        expire(credential_id)
        one_call = self._bare_call()
        before = self._simulator.stats()["token_calls"]
        started = time.monotonic()
        share = [CALLERS // PROCESSES + (n < CALLERS % PROCESSES) for n in range(PROCESSES)]
        for worker, callers in zip(self._workers, share, strict=True):
            worker.ask("serve", keychain_id, credential_id, callers)
        answers = [worker.answer() for worker in self._workers]
        seconds = time.monotonic() - started
        served = sum(bool(token) for each in answers for token in each)
        if not is_alive(credential_id):
            self.lost += 1
            self._grants["x"] = connect(self._simulator, "x")
        return Repetition(
            upstream_calls=self._simulator.stats()["token_calls"] - before,
            served=served,
            seconds=seconds,
            one_call_seconds=one_call,
        )

    def kill(self, *, times: int) -> int:
        """Kills the process that holds the vendor's answer; the next caller must recover."""
        self._rule("r", token_seconds=FAST_SECONDS)
        recovered = 0
        for _ in range(times):
            keychain_id, credential_id = self._grants["r"]
            expire(credential_id)
            victim = Worker(url=self._simulator.url_eu1)
            victim.ask("die", keychain_id, credential_id)
            victim.wait()
            let_claim_run_out(credential_id)
            self._workers[0].ask("serve", keychain_id, credential_id, 1)
            (token,) = self._workers[0].answer()
            if token and is_alive(credential_id):
                recovered += 1
            else:
                self._grants["r"] = connect(self._simulator, "r")
        return recovered

    def _rule(self, series: str, **rules: object) -> None:
        self._simulator.retail(lambda control: control.set_rules({"series": series, **rules}))

    def _bare_call(self) -> float:
        """The time of one token call on a grant of its own, through the same client."""
        from pydantic import SecretStr  # noqa: PLC0415 - Django is set up

        from keyvault.renewal import AccountRef  # noqa: PLC0415
        from onboarding.oauth.renewer import RENEWER  # noqa: PLC0415

        pair = self._simulator.retail(lambda control: control.consent({"series": "x"}))
        account = AccountRef(provider="retail-x", account="corner-shop", shop="corner-shop")
        started = time.monotonic()
        RENEWER.renew(account=account, refresh_token=SecretStr(pair["refresh_token"]), seconds=30)
        return time.monotonic() - started


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
    """What a lease does: renew when the token is over, then open it."""
    from django.utils import timezone  # noqa: PLC0415 - Django is set up

    from keyvault import vault  # noqa: PLC0415
    from keyvault.audit import SYSTEM  # noqa: PLC0415
    from keyvault.renewal import freshen  # noqa: PLC0415

    freshen(keychain_id=keychain_id)
    row = vault.openable_credentials(keychain_id=keychain_id).get(pk=credential_id)
    if row.valid_until is None or row.valid_until <= timezone.now():
        return ""
    secret = vault.open_credential(credential=row, actor=SYSTEM)
    return secret.access_token.get_secret_value()  # type: ignore[union-attr]


def die(keychain_id: UUID, credential_id: UUID) -> None:
    """Renews, and is killed when the answer is there and nothing is committed."""
    from django.conf import settings  # noqa: PLC0415 - Django is set up

    settings.KEYVAULT_RENEWER = "benchmarks.renewal.DEADLY"
    token_for_use(keychain_id, credential_id)


class DeadlyRenewer:
    """Asks the vendor and does not live to tell."""

    def is_single_use(self, provider: str) -> bool:
        """As the vendor's."""
        from onboarding.oauth.renewer import RENEWER  # noqa: PLC0415 - Django is set up

        return RENEWER.is_single_use(provider)

    def renew(self, **asked: Any) -> None:
        """Gets the pair and ends here."""
        from onboarding.oauth.renewer import RENEWER  # noqa: PLC0415 - Django is set up

        RENEWER.renew(**asked)
        os.kill(os.getpid(), signal.SIGKILL)


DEADLY = DeadlyRenewer()


def make_keyring() -> None:
    """A keyring, where there is none."""
    from django.conf import settings  # noqa: PLC0415 - Django is set up

    from keyvault.kek.local import create_keyring  # noqa: PLC0415

    path = Path(settings.KEYVAULT_KEYRING)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        create_keyring(path)


def register_clients() -> None:
    """The simulator's own clients as the operator's."""
    from pydantic import SecretStr  # noqa: PLC0415 - Django is set up

    from onboarding.models import User  # noqa: PLC0415
    from onboarding.oauth.providers import register_client  # noqa: PLC0415
    from simulator.retail.clients import DEFAULT_SECRET  # noqa: PLC0415

    user, _ = User.objects.get_or_create(email="benchmark@example.test")
    for series in ("r", "x"):
        register_client(
            provider=f"retail-{series}",
            client_id=f"latchkey-{series}",
            secret=SecretStr(DEFAULT_SECRET),
            is_open=True,
            user=user,
        )


def connect(simulator: "RunningSimulator", series: str) -> tuple[UUID, UUID]:
    """A store with a grant; gives keychain and credential."""
    import secrets  # noqa: PLC0415

    from pydantic import SecretStr  # noqa: PLC0415 - Django is set up

    from keyvault import vault  # noqa: PLC0415
    from keyvault.audit import SYSTEM  # noqa: PLC0415
    from keyvault.models import Keychain  # noqa: PLC0415
    from keyvault.renewal import AccountRef, TokenPair, store_grant  # noqa: PLC0415

    given = simulator.retail(lambda control: control.consent({"series": series}))
    keychain = vault.create_keychain(kind=Keychain.Kind.STORE, label="Benchmark", actor=SYSTEM)
    credential = store_grant(
        keychain_id=keychain.pk,
        account=AccountRef(
            provider=f"retail-{series}",
            account=f"benchmark-{secrets.token_hex(8)}",
            shop="corner-shop" if series == "x" else "",
        ),
        account_name="Corner Shop",
        pair=TokenPair(
            access_token=SecretStr(given["access_token"]),
            refresh_token=SecretStr(given["refresh_token"]),
            expires_in_seconds=given["expires_in"],
        ),
        name="Corner Shop",
        limits=((90, 90),),
        actor=SYSTEM,
    )
    return keychain.pk, credential.pk


def expire(credential_id: UUID) -> None:
    """Makes the present access token count as over."""
    from datetime import timedelta  # noqa: PLC0415

    from django.utils import timezone  # noqa: PLC0415 - Django is set up

    from keyvault.models import Credential, Grant  # noqa: PLC0415

    past = timezone.now() - timedelta(seconds=1)
    Grant.objects.filter(pk=credential_id).update(access_expires_at=past)
    Credential.objects.filter(pk=credential_id).update(valid_until=past)


def let_claim_run_out(credential_id: UUID) -> None:
    """Spares the wait for a dead process's claim."""
    from django.utils import timezone  # noqa: PLC0415 - Django is set up

    from keyvault.models import Grant  # noqa: PLC0415

    Grant.objects.filter(pk=credential_id).update(claimed_until=timezone.now())


def is_alive(credential_id: UUID) -> bool:
    """Whether the grant can go on being renewed."""
    from keyvault.models import Grant  # noqa: PLC0415 - Django is set up

    return Grant.objects.get(pk=credential_id).state == Grant.State.ACTIVE


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
