import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed.labels import MAX_TEXT_CHARACTERS, Found, Part, find_values
from lightspeed.pasted import Pasted, Remark, RemarkKind, read_pasted

A = "0f1e" * 8
B = "9a8b" * 8
C = "7c6d" * 8

BOTH_IN_ONE = Remark(kind=RemarkKind.BOTH_IN_ONE)
EXCHANGED = Remark(kind=RemarkKind.EXCHANGED)
SAME = Remark(kind=RemarkKind.SAME)
TEXT_CUT = Remark(kind=RemarkKind.TEXT_CUT)


def about(part: Part, kind: RemarkKind) -> Remark:
    return Remark(kind=kind, part=part)


def values(pasted: Pasted) -> tuple[str | None, str | None]:
    return (
        pasted.key and pasted.key.get_secret_value(),
        pasted.secret and pasted.secret.get_secret_value(),
    )


def test_two_clean_values_are_taken_as_they_are() -> None:
    pasted = read_pasted(key_text=A, secret_text=B)
    assert values(pasted) == (A, B)
    assert pasted.remarks == ()
    assert pasted.is_checkable


@pytest.mark.parametrize(
    ("key_text", "secret_text"),
    [
        (f" {A}\r\n", f"\t{B} "),
        (f"\u200b{A}\ufeff", f"\u00a0{B}\u2060"),
        (f'"{A}"', f"\u201c{B}\u201d"),
        (f"'{A}',", f"`{B}`"),
        (f"API key: {A}", f"API secret: {B}"),
        (f"API-sleutel\n{A}", f"Geheim\t=\t{B}"),
        (A[:16] + "\n" + A[16:], " ".join(B[i : i + 4] for i in range(0, 32, 4))),
        (f"API key: {A[:16]} {A[16:]}", f"api secret {B[:8]} {B[8:]}"),
        (A[:5] + "\u00ad" + A[5:], B[:5] + "\x00" + B[5:]),
    ],
)
def test_what_does_not_belong_to_a_value_is_stripped(key_text: str, secret_text: str) -> None:
    pasted = read_pasted(key_text=key_text, secret_text=secret_text)
    assert values(pasted) == (A, B)
    assert pasted.remarks == ()


TEXTS_WITH_BOTH = [
    f"{A}\n{B}",
    f"{A}:{B}",
    f"API key: {A}\nAPI secret: {B}",
    f"API secret: {B}\nAPI key: {A}",
    f"API Key\tAPI Secret\n{A}\t{B}",
    f"API Secret\tAPI Key\n{B}\t{A}",
    f"Secret\tKey\n{B}\t{A}",
    f"API-sleutel: \u201c{A}\u201d\r\nGeheim: '{B}'",
    f"Naam: App\nAPI-sleutel {A}\nAPI-geheim {B}\nStatus: aan",
    f"Schl\u00fcssel {A}\nGeheimnis {B}",
    f"Cl\u00e9 API : {A}\nCl\u00e9 secr\u00e8te : {B}",
    f"Cle\u0301 API : {A}\nCle\u0301 secre\u0300te : {B}",
    f"Secret key: {B} API key: {A}",
    f"Geheime sleutel: {B}\nSleutel: {A}",
    f"key={A}&secret={B}",
    f'{{"api_key":"{A}","api_secret":"{B}"}}',
    f"<p>API key: <b>{A}</b></p><p>API secret: <b>{B}</b></p>",
    f"**API Key**: {A} **API Secret**: {B}",
    f"https://{A}:{B}@api.webshopapp.com/en/",
    f"The API key and secret are: {A} and {B}.",
    f"{A} is the key, {B} is the secret",
    f"{A}\n{B}\nThese are my API key and secret",
    f"Key 1: {A} Secret 1: {B}",
    f"key {A} key {A} secret {B}",
    f"{A} {B} {A}",
    f"API key: {A} API secret: {B} (shop {C})",
    f"API key: {A} and then {B}",
    f"secret {B} and {A}",
    f"""From: Jan <jan@bakery.example>
To: support@operator.example

Hi,

as you asked, here's the key for our shop https://bakery.webshopapp.com/admin/developers:
{A}
and the secret is {B}. Call 0612345678 when it does not work, order 2026112200001 is urgent!

Sent from my iPhone-15-Pro""",
]


@pytest.mark.parametrize("text", TEXTS_WITH_BOTH)
@pytest.mark.parametrize("field", ["key_text", "secret_text"])
def test_a_text_that_holds_both_values_fills_both_and_says_so(text: str, field: str) -> None:
    fields = {"key_text": "", "secret_text": "", field: text}
    pasted = read_pasted(**fields)
    assert values(pasted) == (A, B)
    assert pasted.remarks == (BOTH_IN_ONE,)
    assert pasted.is_checkable


@pytest.mark.parametrize("text", TEXTS_WITH_BOTH)
def test_the_same_text_in_both_fields_gives_both_values(text: str) -> None:
    pasted = read_pasted(key_text=text, secret_text=text)
    assert values(pasted) == (A, B)
    assert pasted.remarks == ()


def test_a_value_in_its_own_field_wins_over_one_that_came_along() -> None:
    both = f"key {A} secret {B}"
    assert values(read_pasted(key_text=both, secret_text=C)) == (A, C)
    assert values(read_pasted(key_text=both, secret_text=f"secret: {C}")) == (A, C)
    assert values(read_pasted(key_text=C, secret_text=both)) == (C, B)
    assert values(read_pasted(key_text=f"key: {C}", secret_text=both)) == (C, B)


@pytest.mark.parametrize(
    ("key_text", "secret_text"),
    [
        (f"API secret: {B}", f"API key: {A}"),
        (f"API secret: {B}", A),
        (B, f"API key: {A}"),
    ],
)
def test_labels_that_say_the_other_way_round_exchange_the_two(
    key_text: str, secret_text: str
) -> None:
    pasted = read_pasted(key_text=key_text, secret_text=secret_text)
    assert values(pasted) == (A, B)
    assert pasted.remarks == (EXCHANGED,)


@pytest.mark.parametrize("label", ["key", "secret"])
def test_the_same_label_twice_exchanges_nothing(label: str) -> None:
    pasted = read_pasted(key_text=f"{label}: {A}", secret_text=f"{label}: {B}")
    assert values(pasted) == (A, B)
    assert pasted.remarks == ()


def test_a_secret_alone_in_the_field_for_the_key_leaves_the_key_missing() -> None:
    pasted = read_pasted(key_text=f"API secret: {B}")
    assert values(pasted) == (None, B)
    assert pasted.remarks == (EXCHANGED, about(Part.KEY, RemarkKind.MISSING))
    assert not pasted.is_checkable


@pytest.mark.parametrize("empty", ["", "   \n", "\u200b\ufeff", '""', "API key:", "API key", "key"])
def test_a_field_without_a_value_is_missing(empty: str) -> None:
    assert read_pasted(key_text=empty, secret_text=B).remarks == (
        about(Part.KEY, RemarkKind.MISSING),
    )
    assert read_pasted(key_text=A, secret_text=empty).remarks == (
        about(Part.SECRET, RemarkKind.MISSING),
    )


@pytest.mark.parametrize("twin", [A, A.upper(), f"API secret: {A}"])
def test_the_key_pasted_twice_is_noticed(twin: str) -> None:
    pasted = read_pasted(key_text=A, secret_text=twin)
    assert SAME in pasted.remarks
    assert not pasted.is_checkable


def test_one_text_that_names_the_same_value_twice_is_noticed() -> None:
    pasted = read_pasted(key_text=f"key: {A} secret: {A}")
    assert pasted.remarks == (BOTH_IN_ONE, SAME)


@pytest.mark.parametrize(
    ("text", "kind", "is_checkable"),
    [
        ("jan@bakery.example", RemarkKind.EMAIL, False),
        ("API key: jan@bakery.example", RemarkKind.EMAIL, False),
        ("https://bakery.webshopapp.com/admin/developers", RemarkKind.ADDRESS, False),
        ("www.bakery.example", RemarkKind.ADDRESS, False),
        (C[:31], RemarkKind.CUT_SHORT, True),
        (f"key: {C[:20]}", RemarkKind.CUT_SHORT, True),
        (C.upper(), RemarkKind.UNUSUAL, True),
        (C + "0", RemarkKind.UNUSUAL, True),
        ("hunter2", RemarkKind.UNUSUAL, True),
        ("this is what I found", RemarkKind.UNUSUAL, True),
    ],
)
def test_what_looks_odd_is_named_for_the_field_that_it_is_in(
    text: str, kind: RemarkKind, *, is_checkable: bool
) -> None:
    pasted = read_pasted(key_text=text, secret_text=B)
    assert pasted.remarks == (about(Part.KEY, kind),)
    assert pasted.is_checkable is is_checkable
    assert pasted.key is not None


def test_an_oddity_of_the_secret_is_told_about_the_secret() -> None:
    pasted = read_pasted(key_text=A, secret_text="jan@bakery.example")
    assert pasted.remarks == (about(Part.SECRET, RemarkKind.EMAIL),)


def test_a_cut_value_is_found_by_its_label() -> None:
    pasted = read_pasted(key_text=f"API key: {A}\nAPI secret: {B[:20]}")
    assert values(pasted) == (A, B[:20])
    assert pasted.remarks == (BOTH_IN_ONE, about(Part.SECRET, RemarkKind.CUT_SHORT))
    pasted = read_pasted(key_text=f"API key: {A[:20]}\nAPI secret: {B}")
    assert values(pasted) == (A[:20], B)
    assert pasted.remarks == (BOTH_IN_ONE, about(Part.KEY, RemarkKind.CUT_SHORT))


def test_unusual_values_are_found_by_their_labels() -> None:
    pasted = read_pasted(key_text="API key: Kx93-aaQ1 API secret: zz_81LLpq")
    assert values(pasted) == ("Kx93-aaQ1", "zz_81LLpq")


def test_a_name_in_brackets_does_not_take_the_place_of_the_key() -> None:
    pasted = read_pasted(key_text=f"API key (Mobile-app-2024): {A}", secret_text=B)
    assert values(pasted) == (A, B)


@pytest.mark.parametrize(
    "text",
    [
        f"{A} {B} {C}",
        f"key {A} {B} {C}",
        f"key {A} key {B}",
        f"key {A} secret {B} key {C} secret {A}",
        f"secret {A} and secret {B}",
    ],
)
def test_more_values_than_can_be_told_apart_are_left_to_the_merchant(text: str) -> None:
    pasted = read_pasted(key_text=text, secret_text=B)
    assert values(pasted) == (None, B)
    assert pasted.remarks == (about(Part.KEY, RemarkKind.AMBIGUOUS),)
    assert not pasted.is_checkable


@pytest.mark.parametrize("length", [256, MAX_TEXT_CHARACTERS])
def test_a_value_that_is_far_too_long_is_carried_no_further(length: int) -> None:
    pasted = read_pasted(key_text="x" * length, secret_text=B)
    assert values(pasted) == (None, B)
    assert pasted.remarks == (about(Part.KEY, RemarkKind.TOO_LONG),)


def test_two_texts_that_are_too_long_are_not_kept_however_alike() -> None:
    pasted = read_pasted(key_text="x" * 500, secret_text="x" * 500)
    assert values(pasted) == (None, None)
    assert not pasted.is_checkable


TEN_MEGABYTES = 10 * 1024 * 1024


@pytest.mark.parametrize(
    "filler",
    [
        *("a", "key ", ":", " ", "a1", "a.b", "a@", "https://a:"),
        *("\u0301", "\ud800", f"{A} ", f"key {A} "),
    ],
)
def test_ten_megabytes_are_cut_and_read_in_linear_time(filler: str) -> None:
    text = filler * (TEN_MEGABYTES // len(filler))
    pasted = read_pasted(key_text=text, secret_text=text)
    assert TEXT_CUT in pasted.remarks
    assert not pasted.is_checkable


def test_values_at_the_beginning_of_a_long_text_are_found() -> None:
    pasted = read_pasted(key_text=f"key {A} secret {B}" + " x" * MAX_TEXT_CHARACTERS)
    assert values(pasted) == (A, B)
    assert pasted.remarks == (BOTH_IN_ONE, TEXT_CUT)
    assert pasted.is_checkable


def test_values_behind_the_beginning_of_a_long_text_are_not_read() -> None:
    pasted = read_pasted(key_text=" " * MAX_TEXT_CHARACTERS + A, secret_text=B)
    assert values(pasted) == (None, B)
    assert pasted.remarks == (TEXT_CUT, about(Part.KEY, RemarkKind.MISSING))


def test_of_several_labels_the_nearest_counts() -> None:
    pasted = read_pasted(key_text=f"Here are key and secret. Key: {A}", secret_text=B)
    assert values(pasted) == (A, B)
    assert pasted.remarks == ()


def test_what_was_pasted_shows_in_no_repr() -> None:
    pasted = read_pasted(key_text=A, secret_text="hunter2")
    assert A not in repr(pasted)
    assert "hunter2" not in repr(pasted)
    found = find_values(f"key {A} secret {B}")
    assert found == Found(key=A, secret=B)
    assert A not in repr(found)


@given(key_text=st.text(), secret_text=st.text())
def test_no_text_upsets_the_reader(key_text: str, secret_text: str) -> None:
    pasted = read_pasted(key_text=key_text, secret_text=secret_text)
    assert pasted.is_checkable is not any(remark.kind.is_fatal for remark in pasted.remarks)


@given(
    before=st.text(alphabet=" \t\n\u00a0\u200b\ufeff'\"", max_size=5),
    after=st.text(alphabet=" \t\n\u00a0\u200b\ufeff'\"", max_size=5),
    value=st.text(alphabet="0123456789abcdef", min_size=32, max_size=32),
)
def test_whatever_surrounds_a_value_it_comes_out_clean(before: str, after: str, value: str) -> None:
    assert values(read_pasted(key_text=before + value + after)) == (value, None)
