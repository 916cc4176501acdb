"""Identifiers by their values: every one must pass, as an independent library checks them one by one."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import bic, cusip, iban, isin, lei, numdb
from stdnum.gb import sedol
from stdnum.iso7064 import mod_97_10

from finport_ingestion.engine.config.models.contract import Contract
from finport_ingestion.engine.convert.cast import Reading
from finport_ingestion.engine.convert.identifiers import (
    BIC,
    CUSIP,
    ENOUGH,
    IBAN,
    ISIN,
    KINDS,
    LEI,
    SEDOL,
    are_all,
    could_be,
    distinct,
    merged,
    told_by,
)
from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.convert.numerals import NumberStyle
from finport_ingestion.engine.convert.settle import AnyEvidence, Seen, Terms, observe, settle

_DIGITS, _ALNUM = string.digits, string.digits + string.ascii_uppercase
_CONSONANTS = re.sub("[AEIOU]", "", string.ascii_uppercase)
_OWN_ISSUERS = ("EZ", "XT")  # younger than the library's list
_TERMS = Terms(contract=Contract(), reading=Reading(style=NumberStyle.POINT, date_order=None), typed=False)


def _some(chance: random.Random, characters: str, count: int) -> str:
    return "".join(chance.choice(characters) for _ in range(count))


def _isin(chance: random.Random) -> str:
    issuer = chance.choice(["US", "DE", "GB", "XS", "KY", "EU", *_OWN_ISSUERS])
    body = issuer + _some(chance, chance.choice([_DIGITS, _ALNUM]), 9)
    return body + isin.calc_check_digit(body)


def _cusip(chance: random.Random) -> str:
    body = _some(chance, chance.choice([_DIGITS, _ALNUM, _ALNUM + "*@#"]), 8)
    return body + cusip.calc_check_digit(body)


def _sedol(chance: random.Random) -> str:
    old = chance.random() < 0.5
    body = _some(chance, _DIGITS, 6) if old else chance.choice(_CONSONANTS) + _some(chance, _CONSONANTS + _DIGITS, 5)
    return body + sedol.calc_check_digit(body)


def _lei(chance: random.Random) -> str:
    body = _some(chance, chance.choice([_DIGITS, _ALNUM]), 18)
    return body + mod_97_10.calc_check_digits(body)


def _iban(chance: random.Random) -> str:
    country = chance.choice(["DE", "FR", "GB", "NO", "RU", "MT", "NL", "AT", "SC"])
    structure = numdb.get("iban").info(country)[0][1]["bban"]
    kinds = {"n": _DIGITS, "a": string.ascii_uppercase, "c": _ALNUM}
    bban = "".join(_some(chance, kinds[kind], int(size)) for size, kind in re.findall("([0-9]+)!([nac])", structure))
    return country + iban.calc_check_digits(f"{country}00{bban}") + bban


def _bic(chance: random.Random) -> str:
    bank = _some(chance, string.ascii_uppercase, 4) + chance.choice(["DE", "US", "XK", "CH"])
    return bank + _some(chance, _ALNUM, chance.choice([2, 5]))


_MAKERS: dict[str, Callable[[random.Random], str]] = {
    ISIN: _isin,
    CUSIP: _cusip,
    SEDOL: _sedol,
    LEI: _lei,
    IBAN: _iban,
    BIC: _bic,
}


def _checked(kind: str, text: str) -> bool:
    """What python-stdnum says of `text` as it stands: it would forgive blanks and small letters."""
    if not re.fullmatch(r"[A-Z0-9*@#]+", text):
        return False
    if kind == ISIN and text[:2] in _OWN_ISSUERS:
        return len(text) == 12 and text.isalnum() and isin.calc_check_digit(text[:-1]) == text[-1]
    if kind == LEI:
        return re.fullmatch("[A-Z0-9]{18}[0-9]{2}", text) is not None and bool(lei.is_valid(text))
    if kind == IBAN:  # by country only the length is checked, not which places are letters
        known = numdb.get("iban").info(text)[0][1]
        size = sum(map(int, re.findall("([0-9]+)!", known.get("bban", "")))) + 4
        return len(text) == size and text[2:4].isdigit() and bool(mod_97_10.is_valid(text[4:] + text[:4]))
    library = {CUSIP: cusip, SEDOL: sedol, BIC: bic, ISIN: isin}[kind]
    return bool(library.is_valid(text))


def _proved(kind: str, text: str) -> bool:
    return are_all(pa.array([text]), kind)


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_valid_ones_and_damaged_ones_are_told_apart_as_the_library_does(kind: str, seed: int) -> None:
    chance = random.Random(seed)
    values = [_MAKERS[kind](chance) for _ in range(100)]
    assert all(_checked(kind, value) for value in values)
    assert are_all(pa.array([*values, None]), kind)
    assert all(kind in could_be(value) for value in values)
    for value in values:
        at = chance.randrange(len(value))
        damaged = value[:at] + chance.choice(_ALNUM + "*@# a-é") + value[at + 1 :]
        assert _proved(kind, damaged) == _checked(kind, damaged), damaged
        if _proved(kind, damaged):
            assert kind in could_be(damaged)


@pytest.mark.parametrize("kind", [ISIN, CUSIP, SEDOL, LEI, IBAN])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_wrong_digit_is_always_found(kind: str, seed: int) -> None:
    chance = random.Random(seed)
    for value in [_MAKERS[kind](chance) for _ in range(40)]:
        at = chance.choice([at for at, character in enumerate(value) if character.isdigit()])
        other = chance.choice([digit for digit in _DIGITS if digit != value[at]])
        assert not _proved(kind, value[:at] + other + value[at + 1 :])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ISIN, "US0378331005"),
        (ISIN, "AU0000XVGZA3"),
        (CUSIP, "037833100"),
        (CUSIP, "38259P508"),
        (SEDOL, "0263494"),
        (SEDOL, "B0WNLY7"),
        (LEI, "5493001KJTIIGC8Y1R12"),
        (IBAN, "GB82WEST12345698765432"),
        (IBAN, "NO9386011117947"),
        (BIC, "DEUTDEFF"),
        (BIC, "CHASUS33XXX"),
    ],
)
def test_published_examples_are_what_they_are_called_and_nothing_else(kind: str, value: str) -> None:
    assert {found for found in KINDS if _proved(found, value)} == {kind}


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("text", ["", "x", "é" * 6, "\x00" * 12, "\xb1" * 9, "0" * 40, "US" * 200, "0,78331005"])
def test_other_texts_are_none(kind: str, text: str) -> None:
    assert not _proved(kind, text)
    valid = _MAKERS[kind](random.Random(1))
    assert not are_all(pa.array([valid] * 100 + [text]), kind)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_bytes_beyond_ascii_never_pass_for_a_marked_character(kind: str) -> None:
    size = 8 if kind == BIC else len(_MAKERS[kind](random.Random(2)))
    for character in ("\xb0", "\xb1", "\xc1"):
        assert not _proved(kind, character * (size // 2) + "0" * (size % 2))


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("at", [0, 63, 64, 16_447, 16_448, 39_999])
def test_one_bad_value_anywhere_is_enough(kind: str, at: int) -> None:
    chance = random.Random(3)
    pool = [_MAKERS[kind](chance) for _ in range(50)]
    values = [pool[row % 50] for row in range(40_000)]
    assert are_all(pa.array(values), kind)
    values[at] = values[at][:-1] + "?"
    assert not are_all(pa.array(values), kind)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_slices_and_nulls_are_seen_as_they_are(kind: str) -> None:
    chance = random.Random(4)
    values = ["bad", *(_MAKERS[kind](chance) for _ in range(300)), None, "bad"]
    array = pa.array(values, pa.string())
    assert are_all(array.slice(1, 301), kind)
    assert not are_all(array.slice(1), kind)
    assert not are_all(array.slice(0, 5), kind)
    # A null may have bytes of its own beneath it.
    bits = pa.array([position not in (0, 302) for position in range(303)]).buffers()[1]
    filled = pa.array(["bad" if value is None else value for value in values])
    hidden = pa.Array.from_buffers(pa.string(), 303, [bits, *filled.buffers()[1:]])
    assert not are_all(hidden, kind)
    assert are_all(hidden.slice(0, 301), kind)
    assert are_all(pa.nulls(3, pa.string()), kind)


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.one_of(st.none(), st.integers(0, 9).map(str)), max_size=100), cuts=st.lists(st.integers(0, 100))
)
def test_distinct_values_are_counted_the_same_whatever_the_cut(values: list[str | None], cuts: list[int]) -> None:
    found = set(values) - {None}
    bounds = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    whole: frozenset[str] | None = frozenset()
    for start, end in pairwise(bounds):
        whole = merged(whole, distinct(pa.array(values[start:end], pa.string())))
    assert whole == (frozenset(found) if len(found) < ENOUGH else None)


def test_few_distinct_values_behind_many_equal_ones_are_found() -> None:
    assert distinct(pa.array(["1"] * 1000 + ["2"])) == frozenset("12")
    assert distinct(pa.array(["1"] * 1000 + list("23456"))) is None


def test_the_longer_pattern_wins_and_chance_does_not() -> None:
    assert told_by({LEI, IBAN}, None, []) == IBAN
    assert told_by({SEDOL}, frozenset({"0263494"}), []) is None
    assert told_by({SEDOL}, frozenset({"0263494"}), ["sedol"]) == SEDOL
    assert told_by({BIC}, frozenset({"DIVIDEND"}), ["kind"]) is None
    assert told_by({BIC}, frozenset({"DIVIDEND"}), ["swift", "code"]) == BIC
    assert told_by({ISIN}, frozenset(), []) == ISIN


def _settled(name: str, *batches: list[str | None], origin: Origin = Origin.FIELD) -> tuple[str, str | None]:
    known: AnyEvidence | None = None
    for batch in batches:
        known, _ = observe(
            pa.array(batch, pa.string()), key=name, known=known, origins=frozenset({origin}), terms=_TERMS
        )
    assert known is not None
    column = settle([Seen(uri="x", evidence={name: known})], _TERMS, final=True).schema.columns[0]
    return column.spelling, column.label


def test_a_column_that_its_name_makes_an_identifier_is_labelled_by_its_values() -> None:
    assert _settled("isin", ["US0378331005"], [None, "AU0000XVGZA3"]) == ("identifier", "isin")
    assert _settled("isin", ["US0378331005"], ["US0378331006"]) == ("identifier", "identifier")
    assert _settled("isin", ["US0378331006"], ["US0378331005"]) == ("identifier", "identifier")
    assert _settled("account_id", ["037833100"]) == ("identifier", "identifier")
    assert _settled("cusip", ["037833100"]) == ("identifier", "cusip")
    assert _settled("cusip", ["37833100"]) == ("identifier", "identifier")
    assert _settled("cusip", ["037833100"], origin=Origin.NUMBER) == ("identifier", "cusip")
    assert _settled("security", ["US0378331005"], origin=Origin.STRING) == ("identifier", "isin")
