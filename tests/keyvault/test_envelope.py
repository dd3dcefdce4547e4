"""The wire format, and that nothing but the record itself opens in its place."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import example, given
from hypothesis import strategies as st

from keyvault import envelope
from keyvault.errors import TamperedSecretError, UnsupportedFormatError

HEX = st.uuids().map(lambda value: value.hex)
PLACES = st.builds(
    lambda keychain, record, field, version: {
        "keychain": keychain,
        "record": record,
        "field": field,
        "version": version,
    },
    HEX,
    HEX,
    st.sampled_from(["credential", "draft", "grant", "kek:local:1"]),
    st.integers(1, 2**31),
)
DEK = AESGCM(bytes(range(32)))


def _opened(sealed: bytes, place: bytes) -> bytes:
    return envelope.open_sealed(cipher=DEK, sealed=sealed, place=place)


def test_the_worked_example_opens() -> None:
    place = envelope.place(keychain=f"{1:032x}", record=f"{2:032x}", field="credential")
    assert place == (
        b"latchkey|v1|00000000000000000000000000000001|"
        b"00000000000000000000000000000002|credential|1"
    )
    sealed = bytes.fromhex(
        "0101 a0a1a2a3a4a5a6a7a8a9aaab 8e7d10412a 7cc0747695323bb96f64877cded66725"
    )
    assert _opened(sealed, place) == b"hello"
    assert _opened(memoryview(sealed), place) == b"hello"  # type: ignore[arg-type]


@given(plaintext=st.binary(max_size=300), place=PLACES)
def test_what_was_sealed_opens_in_its_place(plaintext: bytes, place: dict[str, str]) -> None:
    where = envelope.place(**place)  # type: ignore[arg-type]
    sealed = envelope.seal(cipher=DEK, plaintext=plaintext, place=where)
    assert len(sealed) == len(plaintext) + envelope.OVERHEAD_BYTES
    assert _opened(sealed, where) == plaintext


@given(plaintext=st.binary(max_size=60), data=st.data())
def test_a_flipped_bit_never_opens(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(envelope.seal(cipher=DEK, plaintext=plaintext, place=b"here"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(TamperedSecretError):
        _opened(bytes(sealed), b"here")


@given(plaintext=st.binary(max_size=60), data=st.data())
def test_a_cut_or_lengthened_record_never_opens(plaintext: bytes, data: st.DataObject) -> None:
    sealed = envelope.seal(cipher=DEK, plaintext=plaintext, place=b"here")
    end = data.draw(st.integers(0, len(sealed) - 1))
    for altered in (sealed[:end], sealed[end + 1 :], sealed + b"\0", b"\0" + sealed):
        with pytest.raises(TamperedSecretError):
            _opened(altered, b"here")


@given(
    first=PLACES, second=PLACES, part=st.sampled_from(["keychain", "record", "field", "version"])
)
def test_a_record_never_opens_elsewhere(
    first: dict[str, str], second: dict[str, str], part: str
) -> None:
    elsewhere = {**first, part: second[part]}
    if elsewhere == first:
        return
    sealed = envelope.seal(cipher=DEK, plaintext=b"x", place=envelope.place(**first))  # type: ignore[arg-type]
    with pytest.raises(TamperedSecretError):
        _opened(sealed, envelope.place(**elsewhere))  # type: ignore[arg-type]


def test_another_dek_never_opens_it() -> None:
    sealed = envelope.seal(cipher=AESGCM(envelope.new_dek()), plaintext=b"x", place=b"here")
    with pytest.raises(TamperedSecretError):
        _opened(sealed, b"here")


@pytest.mark.parametrize("header", [b"\0\1", b"\2\1", b"\1\0", b"\1\2", b"\xff\xff"])
def test_an_unknown_version_or_algorithm_is_refused(header: bytes) -> None:
    sealed = envelope.seal(cipher=DEK, plaintext=b"x", place=b"here")
    with pytest.raises(UnsupportedFormatError, match="version"):
        _opened(header + sealed[2:], b"here")


@given(st.text(max_size=20))
@example("a|b")
@example("é")
def test_two_places_never_share_their_associated_data(field: str) -> None:
    if "|" in field or not field.isascii():
        with pytest.raises(ValueError, match=r"'\|'|ascii"):
            envelope.place(keychain="k", record="r", field=field)
    else:
        assert envelope.place(keychain="k", record="r", field=field).count(b"|") == 5


@given(st.text(max_size=20), st.sampled_from(["dek", "", "r"]))
@example("a|b", "dek")
@example("é", "dek")
def test_the_places_of_many_keychains_are_those_of_each(keychain: str, record: str) -> None:
    place_of = envelope.places(record=record, field="kek:local:1")
    if "|" in keychain or not keychain.isascii():
        with pytest.raises(ValueError, match=r"'\|'|ascii"):
            place_of(keychain)
    else:
        expected = envelope.place(keychain=keychain, record=record, field="kek:local:1")
        assert place_of(keychain) == expected


def test_a_dek_has_256_bits_of_its_own() -> None:
    deks = {envelope.new_dek() for _ in range(100)}
    assert len(deks) == 100
    assert {len(dek) * 8 for dek in deks} == {256}


def test_sealing_twice_gives_two_nonces() -> None:
    sealed = {envelope.seal(cipher=DEK, plaintext=b"", place=b"here") for _ in range(50)}
    assert len({record[2:14] for record in sealed}) == 50


def test_the_error_names_the_record_and_no_plaintext() -> None:
    place = envelope.place(keychain=f"{1:032x}", record=f"{2:032x}", field="draft")
    sealed = envelope.seal(cipher=DEK, plaintext=b"canary-3f9a", place=place)
    with pytest.raises(TamperedSecretError) as caught:
        _opened(sealed[:-1] + b"\0", place)
    assert f"{2:032x}" in str(caught.value)
    assert "canary" not in repr(caught.value)
    assert caught.value.__cause__ is None
