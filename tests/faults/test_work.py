"""Workers: killed in a job, several at once, no mail server."""

import queue
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

from tests.faults.browser import Browser, merchant_of
from tests.faults.installation import Installation, free_port, wait_for

EXPIRE_CLAIMS = """
from django.utils import timezone
from onboarding.models import Submission
print(Submission.objects.filter(claimed_until__gt=timezone.now()).update(claimed_until=timezone.now()))
"""
STATE = """
from onboarding.models import Submission
print(Submission.objects.latest("created_at").state)
"""
CLAIMED = """
from django.utils import timezone
from onboarding.models import Submission
print(Submission.objects.filter(claimed_until__gt=timezone.now(), attempts__gt=1).count())
"""
MAKE_DUE = """
from django.utils import timezone
from onboarding.models import Submission, OutgoingMail
Submission.objects.filter(state="waiting").update(due_at=timezone.now())
OutgoingMail.objects.filter(sent_at=None).update(due_at=timezone.now())
"""


def test_a_worker_killed_in_a_check_leaves_it_to_the_next(site: Installation) -> None:
    site.start_simulator()
    site.start_web()
    browser = merchant_of(site)
    path = f"/stores/{site.facts['merchant']['store_id']}/keys/new/"
    site.tell_simulator("faults", {"path": "account/permissions", "kind": "500", "count": 1})
    pair = site.facts["good_key"]
    browser.post(path, {**browser.form(path), "key": pair["key"], "secret": pair["secret"]})
    assert site.shell(STATE) == "waiting"
    site.tell_simulator("faults", {"path": "", "kind": "hang", "count": 1})
    site.shell(MAKE_DUE)

    site.start_worker()
    wait_for(lambda: site.shell(CLAIMED) == "1", what="a worker is asking the vendor")
    site.kill("worker")
    assert site.shell(EXPIRE_CLAIMS) == "1"
    site.start_worker("second")

    wait_for(lambda: site.shell(STATE) == "passed", what="the next worker has checked it")


def test_two_workers_do_each_thing_once(site: Installation, mail_server: "_MailServer") -> None:
    site.variables["LATCHKEY_SMTP_URL"] = mail_server.url
    mail_server.start()
    for name in ("worker", "second", "third"):
        site.start_worker(name)
    enqueue = (
        "from onboarding.notices.outbox import enqueue; "
        "[enqueue(recipient=f'p{n}@example.test', subject=str(n), text='x') for n in range(40)]"
    )
    site.shell(enqueue)

    received = [mail_server.received.get(timeout=60) for _ in range(40)]
    assert sorted(received, key=int) == [str(n) for n in range(40)]
    for name in ("worker", "second", "third"):
        assert site.terminate(name) == 0
    assert mail_server.received.empty()
    assert site.manage("keyvault", "verify").returncode == 0


class _MailServer:
    """A mail server that can be absent."""

    def __init__(self) -> None:
        self.received: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._port = free_port()
        self._controller: Controller | None = None
        self.url = f"smtp://127.0.0.1:{self._port}"

    def start(self) -> None:
        received = self.received

        class Keep(Message):
            def handle_message(self, message: object) -> None:
                received.put(message["Subject"])  # type: ignore[index]

        self._controller = Controller(Keep(), hostname="127.0.0.1", port=self._port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()


@pytest.fixture
def mail_server() -> Iterator[_MailServer]:
    server = _MailServer()
    yield server
    server.stop()


def test_mail_waits_for_its_server_and_the_page_still_answers(
    site: Installation, mail_server: _MailServer
) -> None:
    site.variables["LATCHKEY_SMTP_URL"] = mail_server.url
    site.start_simulator()
    site.start_web()
    site.start_worker()
    browser = Browser(site)
    path = "/accounts/password/reset/"

    answer = browser.post(path, {**browser.form(path), "email": site.facts["merchant"]["email"]})
    problem = (
        "from onboarding.models import OutgoingMail as M; "
        "print(*M.objects.filter(sent_at=None).values_list('problem', flat=True))"
    )
    wait_for(lambda: bool(site.shell(problem)), what="sending has failed")
    assert answer.status == 200

    mail_server.start()
    site.shell(MAKE_DUE)
    assert mail_server.received.get(timeout=60)
    assert mail_server.received.empty()
    assert site.shell(problem) == ""
