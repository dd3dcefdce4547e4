import pytest

from lightspeed import wire


@pytest.mark.parametrize("value", [False, None, [], "shop", {"shop": False}, {"shop": [1]}, {}])
def test_false_stands_for_an_absent_object(value: object) -> None:
    assert wire.child(value, "shop") is None


def test_an_object_is_found_under_its_name() -> None:
    assert wire.child({"shop": {"id": 1}}, "shop") == {"id": 1}


@pytest.mark.parametrize(("value", "number"), [(5, 5), (-1, -1), ("42", 42), ("0042", 42)])
def test_a_whole_number_may_be_written_as_digits(value: object, number: int) -> None:
    assert wire.whole_number(value) == number


@pytest.mark.parametrize("value", [True, False, None, 1.5, "", "1.5", "-1", "x", "٣", "9" * 19, []])
def test_nothing_else_is_a_whole_number(value: object) -> None:
    assert wire.whole_number(value) is None


def test_a_text_has_no_control_characters_and_an_end() -> None:
    assert wire.text(" Bäckerei\r\n\x1b[31m\u202e ") == "Bäckerei[31m"
    assert wire.text("x" * 300) == "x" * 255


@pytest.mark.parametrize("value", [None, False, 5, "", " \n "])
def test_nothing_to_read_is_no_text(value: object) -> None:
    assert wire.text(value) is None
