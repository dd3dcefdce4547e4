import json
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simulator.journal import JournalError, open_journal
from simulator.keys import ApiKey, KeyBook, KeyChange
from tests.simulator.stand_in import KEY, OTHER_KEY, SECRET


def put(book: KeyBook, **fields: Any) -> ApiKey:
    return book.put(change=KeyChange(**{"key": KEY, **fields}), default_cluster="eu1")[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "simulator.jsonl"


def test_keys_survive_a_restart(path: Path) -> None:
    stored = put(open_journal(path), secret=SECRET, languages=("nl", "en"), cluster="us1")
    assert open_journal(path).find(key=KEY, secret=SECRET) == stored


def test_the_last_change_of_a_key_wins(path: Path) -> None:
    book = open_journal(path)
    put(book, secret=SECRET)
    put(book, permissions={"orders": {"write": False}})
    last = put(book, is_enabled=False)
    assert open_journal(path).find(key=KEY, secret=SECRET) == last


def test_opening_keeps_one_line_a_key(path: Path) -> None:
    book = open_journal(path)
    for shop_id in (1, 2, 3):
        put(book, secret=SECRET, shop_id=shop_id)
    open_journal(path)
    assert len(path.read_bytes().splitlines()) == 2


def test_the_file_holds_neither_key_nor_secret(path: Path) -> None:
    book = open_journal(path)
    put(book, secret=SECRET)
    put(book, key=OTHER_KEY, secret=SECRET)
    open_journal(path)
    text = path.read_text()
    for plain in (KEY, OTHER_KEY, SECRET):
        assert plain not in text
        assert plain[:8] not in text


def test_two_files_hash_one_key_differently(tmp_path: Path) -> None:
    hashes = {put(open_journal(tmp_path / name), secret=SECRET).key_hash for name in ("one", "two")}
    assert len(hashes) == 2


def test_only_the_owner_reads_the_file(path: Path) -> None:
    put(open_journal(path), secret=SECRET)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    put(open_journal(path), secret=SECRET)
    path.chmod(0o644)
    open_journal(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_that_a_crash_cut_short_is_left_out(path: Path) -> None:
    book = open_journal(path)
    stored = put(book, secret=SECRET)
    put(book, is_enabled=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert open_journal(path).find(key=KEY, secret=SECRET) == stored


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]\n",
        "{}\n",
        "nonsense\n",
        '{"version":1,"salt":"xy"}\n',
        '{"version":1,"salt":"00"}\n{}\n',
    ],
)
def test_a_damaged_file_is_refused_and_left_alone(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(JournalError, match="damaged"):
        open_journal(path)
    assert path.read_text() == text


def test_a_file_of_another_version_is_refused(path: Path) -> None:
    path.write_text(json.dumps({"version": 2, "salt": "00"}) + "\n")
    with pytest.raises(JournalError, match="another version"):
        open_journal(path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="No such file or directory"):
        open_journal(tmp_path / "missing" / "simulator.jsonl")


def test_a_failed_start_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "simulator.jsonl"
    folder.mkdir()
    with pytest.raises(JournalError):
        open_journal(folder)
    assert [entry.name for entry in tmp_path.iterdir()] == ["simulator.jsonl"]


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Lets no file grow beyond a size, as a full disk would; over before anybody reports a test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_that_does_not_fit_on_the_disk_is_taken_back(path: Path) -> None:
    book = open_journal(path)
    before = put(book, secret=SECRET)
    whole = path.read_bytes()
    with small_files(len(whole) + 20), pytest.raises(OSError, match="File too large"):
        put(book, is_enabled=False)
    assert path.read_bytes() == whole
    assert book.find(key=KEY, secret=SECRET) == before


def test_a_file_that_cannot_be_rewritten_stays_as_it_is(path: Path) -> None:
    put(open_journal(path), secret=SECRET)
    whole = path.read_bytes()
    with small_files(20), pytest.raises(JournalError, match="File too large"):
        open_journal(path)
    assert path.read_bytes() == whole
    assert list(path.parent.iterdir()) == [path]


def test_a_change_is_refused_once_the_file_is_gone(path: Path) -> None:
    book = open_journal(path)
    path.unlink()
    with pytest.raises(OSError, match="No such file"):
        put(book, secret=SECRET)
    assert book.find(key=KEY, secret=SECRET) is None
