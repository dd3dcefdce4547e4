from typing import Any

import pytest

from simulator.keys import ApiKey, KeyBook, KeyChange, SecretNeededError, new_salt
from tests.simulator.stand_in import KEY, OTHER_KEY, SECRET


def make_book() -> KeyBook:
    book = KeyBook(salt=new_salt())
    book.put(change=KeyChange(key=KEY, secret=SECRET), default_cluster="eu1")
    return book


def change(book: KeyBook, **fields: Any) -> tuple[ApiKey, bool]:
    return book.put(change=KeyChange(key=KEY, **fields), default_cluster="us1")


def test_a_key_is_found_by_key_and_secret_together() -> None:
    book = make_book()
    assert book.find(key=KEY, secret=SECRET).last_four == KEY[-4:]
    assert book.find(key=KEY, secret=KEY) is None
    assert book.find(key=OTHER_KEY, secret=SECRET) is None


def test_a_new_key_has_every_right() -> None:
    permissions = make_book().find(key=KEY, secret=SECRET).permissions
    assert len(permissions) == 6
    assert all(granted for group in permissions.values() for granted in group.values())


def test_a_change_leaves_the_fields_that_it_does_not_name() -> None:
    book = make_book()
    before = book.find(key=KEY, secret=SECRET)
    after, is_new = change(book, permissions={"orders": {"write": False}})
    assert not is_new
    assert after.permissions["orders"] == {"read": True, "write": False}
    assert (after.cluster, after.shop_id, after.languages, after.is_enabled) == (
        before.cluster,
        before.shop_id,
        before.languages,
        before.is_enabled,
    )
    assert book.find(key=KEY, secret=SECRET) == after


def test_a_changed_right_does_not_reach_other_keys() -> None:
    book = make_book()
    book.put(change=KeyChange(key=OTHER_KEY, secret=SECRET), default_cluster="eu1")
    change(book, permissions={"orders": {"write": False}})
    assert book.find(key=OTHER_KEY, secret=SECRET).permissions["orders"]["write"]


def test_a_key_can_be_switched_off_and_on() -> None:
    book = make_book()
    assert not change(book, is_enabled=False)[0].is_enabled
    assert not change(book, shop_id=5)[0].is_enabled
    assert change(book, is_enabled=True)[0].is_enabled


def test_a_new_secret_replaces_the_old_one() -> None:
    book = make_book()
    change(book, secret="1ced" * 8)
    assert book.find(key=KEY, secret=SECRET) is None
    assert book.find(key=KEY, secret="1ced" * 8) is not None


def test_a_new_key_without_a_secret_is_refused() -> None:
    with pytest.raises(SecretNeededError):
        make_book().put(change=KeyChange(key=OTHER_KEY), default_cluster="eu1")


def test_a_change_that_cannot_be_recorded_does_not_happen() -> None:
    def fail(_: object) -> None:
        message = "no space left"
        raise OSError(message)

    book = KeyBook(salt=new_salt(), record=fail)
    with pytest.raises(OSError, match="no space left"):
        book.put(change=KeyChange(key=KEY, secret=SECRET), default_cluster="eu1")
    assert book.find(key=KEY, secret=SECRET) is None


def test_keys_do_not_show_that_they_share_a_secret() -> None:
    book = make_book()
    other, _ = book.put(change=KeyChange(key=OTHER_KEY, secret=SECRET), default_cluster="eu1")
    assert book.find(key=KEY, secret=SECRET).secret_hash != other.secret_hash


def test_a_key_shows_neither_itself_nor_its_secret() -> None:
    found = make_book().find(key=KEY, secret=SECRET)
    assert KEY not in repr(found)
    assert SECRET not in repr(found)
