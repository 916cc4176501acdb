"""Identifiers of securities, companies and accounts, told by their values: pattern and check digits of every one.

ISIN, CUSIP, SEDOL, LEI and IBAN carry check digits, a BIC the code of a country. A column is proved one place of the
character after the other for all of its values, on the bytes that Arrow lays end to end. Only what is written as for
machines counts: capitals, and no blanks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

ISIN, CUSIP, SEDOL, LEI, IBAN, BIC = "isin", "cusip", "sedol", "lei", "iban", "bic"
KINDS = frozenset({ISIN, CUSIP, SEDOL, LEI, IBAN, BIC})
ENOUGH = 6
"""Other numbers, if they are distinct, pass one check digit all together once in a million columns."""
_SEVERAL = 3
_BY_LENGTH = (IBAN, LEI, ISIN, BIC, CUSIP, SEDOL)  # where two fit, the longer pattern says more
_BY_CHANCE = frozenset({LEI, BIC, CUSIP, SEDOL})  # other codes and words look like these, and numbers too
_PATTERNS = {
    ISIN: re.compile("[A-Z]{2}[A-Z0-9]{9}[0-9]"),
    CUSIP: re.compile("[A-Z0-9*@#]{8}[0-9]"),
    SEDOL: re.compile("[0-9]{7}|[B-DF-HJ-NP-TV-Z][0-9B-DF-HJ-NP-TV-Z]{5}[0-9]"),
    LEI: re.compile("[A-Z0-9]{18}[0-9]{2}"),
    IBAN: re.compile("[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}"),
    BIC: re.compile("[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?"),
}
_LENGTHS = {ISIN: (12,), CUSIP: (9,), SEDOL: (7,), LEI: (20,), IBAN: tuple(range(15, 34)), BIC: (8, 11)}
_COUNTRIES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA "
    "CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA "
    "GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP "
    "KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS "
    "MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS "
    "RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW "
    "TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
# EZ is for derivatives over the counter, XT for digital tokens; AN and CS are no countries any more.
_ISSUERS = f"{_COUNTRIES} AN CS EU EZ QS QT XA XB XC XD XF XK XS XT"
_BANKS = f"{_COUNTRIES} XK"
# Of the registry of ISO 13616, release 101.
_ACCOUNTS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
    "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 "
    "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 "
    "PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 "
    "YE30"
)
_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*@#"  # by value
_ALPHANUMERIC, _CONSONANTS = _CHARACTERS[:36], re.sub("[AEIOU]", "", _CHARACTERS[:36])
_NONE = 255  # in a table: no such character
_OTHER = 128  # beside a character of ASCII: it counts otherwise
_ZERO, _LETTER_A = ord("0"), ord("A")
_LETTER_BIT = 64  # that the letters of ASCII have, and the digits have not
_MODULUS = 97
_MAX_REMAINDER = 65_535  # uint16
_FEW_VALUES, _MANY_VALUES = 64, 16_384

Places = npt.NDArray[np.uint8]
"""Characters of shape (places, values): each row holds the same place of all values."""


def could_be(text: str, among: Collection[str] = KINDS) -> frozenset[str]:
    """The kinds whose pattern `text` has; a cheap first look at one value."""
    return frozenset(kind for kind, pattern in _PATTERNS.items() if kind in among and pattern.fullmatch(text))


def are_all(values: pa.StringArray, kind: str) -> bool:
    """Whether every value (nulls apart) is an identifier of `kind`."""
    texts = values.drop_null() if values.null_count else values
    return all(_proves(part, kind) for part in _parts(texts))


def distinct(values: pa.StringArray) -> frozenset[str] | None:
    """The distinct values, as long as they are fewer than ENOUGH; None for more. The same whatever the cut."""
    found = set(values.slice(0, _FEW_VALUES).drop_null().to_pylist())
    if len(found) < ENOUGH:
        found = set(pc.unique(values.drop_null()).slice(0, ENOUGH).to_pylist())
    return merged(frozenset(found), frozenset())


def merged(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """The distinct values of two halves of a column."""
    if one is None or other is None:
        return None
    both = one | other
    return both if len(both) < ENOUGH else None


def counts_values(alive: Collection[str]) -> bool:
    """Whether it matters for what is `alive` how many distinct values there are."""
    return not _BY_CHANCE.isdisjoint(alive)


def told_by(alive: Collection[str], values: frozenset[str] | None, words: Collection[str]) -> str | None:
    """What a column holds, if it is one kind of identifier beyond chance.

    Args:
        alive: The kinds that all of its values are.
        values: What `distinct` gives of them.
        words: Of its name, in lower case: a name that says it leaves nothing to chance.
    """
    return next((kind for kind in _BY_LENGTH if kind in alive and _beyond_chance(kind, values, words)), None)


def _beyond_chance(kind: str, values: frozenset[str] | None, words: Collection[str]) -> bool:
    if kind in words or (kind == BIC and "swift" in words):
        return True
    if kind not in _BY_CHANCE or values is None:
        return True
    return len(values) >= _SEVERAL and not all(value.isdigit() for value in values)


def _parts(texts: pa.StringArray) -> Iterator[pa.StringArray]:
    """First a few values, since most columns that are none show it there; then what the processor's cache holds."""
    yield texts.slice(0, _FEW_VALUES)
    for start in range(_FEW_VALUES, len(texts), _MANY_VALUES):
        yield texts.slice(start, _MANY_VALUES)


def _proves(texts: pa.StringArray, kind: str) -> bool:
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    sizes = np.diff(offsets)
    allowed, proof = _LENGTHS[kind], _PROOFS[kind]
    if not len(sizes):
        return True
    if int(sizes.min()) < allowed[0] or int(sizes.max()) > allowed[-1]:
        return False
    content = np.frombuffer(texts.buffers()[2], dtype=np.uint8)
    return all(
        size in allowed and int(places.max()) < _OTHER and proof(places)
        for size, places in _by_size(content, offsets, sizes)
    )


def _by_size(
    content: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int32], sizes: npt.NDArray[np.int32]
) -> Iterator[tuple[int, Places]]:
    """The places of the values of each length."""
    first = int(sizes[0])
    if bool((sizes == first).all()):
        yield first, np.ascontiguousarray(content[offsets[0] : offsets[-1]].reshape(-1, first).T)
        return
    for size in np.flatnonzero(np.bincount(sizes)).tolist():
        starts = offsets[:-1][sizes == size].astype(np.intp)
        yield size, content[starts + np.arange(size)[:, None]]


def _is_isin(places: Places) -> bool:
    if not _begins_with(places, _ISSUER_CODES) or not _are_digits(places[-1]):
        return False
    # Luhn's sum runs over digits, and a letter has two: whether the last one of a character is doubled depends on
    # how many characters of one digit follow.
    single = ~places & np.uint8(_LETTER_BIT)
    single += single  # _OTHER for digits, 0 for letters
    marked = places.copy()
    doubled = np.zeros_like(single[0])
    for place in reversed(range(len(places) - 1)):
        doubled ^= single[place + 1]
        marked[place] |= doubled
    return _sums_to_tens(_translated(marked, _LUHN))


def _is_cusip(places: Places) -> bool:
    marked = places.copy()
    marked[1:-1:2] |= np.uint8(_OTHER)
    return _are_digits(places[-1]) and _sums_to_tens(_translated(marked, _DOUBLED_EVERY_OTHER))


def _is_sedol(places: Places) -> bool:
    if not _are_digits(places[-1]):
        return False
    numeric = places < _LETTER_A
    if bool((numeric[0] & ~numeric.all(axis=0)).any()):
        return False  # a letter comes first, or none
    units = _translated(places, _UNITS)
    return int(units.max()) != _NONE and _sums_to_tens(units * _SEDOL_WEIGHTS)


def _is_lei(places: Places) -> bool:
    return _are_digits(places[-2:]) and _leaves_one(places)


def _is_iban(places: Places) -> bool:
    if not _begins_with(places, _ACCOUNT_CODES[len(places)]) or not _are_digits(places[2:4]):
        return False
    return _leaves_one(np.concatenate([places[4:], places[:4]]))


def _is_bic(places: Places) -> bool:
    letters = places[:6] - np.uint8(_LETTER_A)
    if int(letters.max()) >= 26 or not _begins_with(places[4:6], _BANK_CODES):
        return False
    return int(_translated(places[6:], _VALUES).max()) != _NONE


def _are_digits(places: Places) -> bool:
    return int((places - np.uint8(_ZERO)).max()) < 10


def _begins_with(places: Places, codes: npt.NDArray[np.bool_]) -> bool:
    """Whether the first two places are a code of two letters that is true in `codes`."""
    letters = places[:2] - np.uint8(_LETTER_A)
    if int(letters.max()) >= 26:
        return False
    return bool(codes[letters[0].astype(np.intp) * 26 + letters[1]].all())


def _translated(places: Places, table: bytes) -> Places:
    # The interpreter's own loop for that is several times faster than numpy's choice by index.
    return np.frombuffer(places.tobytes().translate(table), dtype=np.uint8).reshape(places.shape)


def _sums_to_tens(counts: Places) -> bool:
    """Whether what the characters count is a multiple of ten for each value. No sum of them exceeds a byte."""
    if int(counts.max()) == _NONE:
        return False
    sums = np.add.reduce(counts, axis=0, dtype=np.uint8)
    return bool((sums // np.uint8(10) * np.uint8(10) == sums).all())


def _leaves_one(places: Places) -> bool:
    """Whether each value, its letters written as 10 to 35, is 1 modulo 97."""
    values = _translated(places, _VALUES)
    if int(values.max()) == _NONE:
        return False
    remainder, bound = np.zeros(values.shape[1], dtype=np.uint16), 0
    for place in values:
        letters = place > 9
        some = bool(letters.any())
        most = 100 if some else 10
        if (bound + 1) * most > _MAX_REMAINDER:
            remainder, bound = _reduced(remainder), _MODULUS - 1
        # A letter takes two digits.
        factor = letters * np.uint16(90) + np.uint16(10) if some else np.uint16(10)
        remainder *= factor
        remainder += place
        bound = (bound + 1) * most
    return bool((_reduced(remainder) == 1).all())


def _reduced(numbers: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    # numpy vectorises the division by a constant, not the remainder.
    return numbers - numbers // np.uint16(_MODULUS) * np.uint16(_MODULUS)


def _codes(text: str) -> npt.NDArray[np.bool_]:
    found = np.zeros(26 * 26, dtype=np.bool_)
    found[[(ord(code[0]) - _LETTER_A) * 26 + ord(code[1]) - _LETTER_A for code in text.split()]] = True
    return found


def _table(characters: str, count: Callable[[int], int], other: Callable[[int], int] | None = None) -> bytes:
    """What each character counts by its value, and what it counts beside _OTHER."""
    found = bytearray([_NONE]) * 256
    for value, character in enumerate(_CHARACTERS):
        if character in characters:
            found[ord(character)] = count(value)
            found[ord(character) | _OTHER] = other(value) if other else _NONE
    return bytes(found)


def _digits(number: int) -> int:
    """The sum of its digits."""
    return sum(map(int, str(number)))


_PROOFS: Mapping[str, Callable[[Places], bool]] = {
    ISIN: _is_isin,
    CUSIP: _is_cusip,
    SEDOL: _is_sedol,
    LEI: _is_lei,
    IBAN: _is_iban,
    BIC: _is_bic,
}
_ISSUER_CODES, _BANK_CODES = _codes(_ISSUERS), _codes(_BANKS)
_ACCOUNT_CODES = {
    size: _codes(" ".join(entry[:2] for entry in _ACCOUNTS.split() if int(entry[2:]) == size))
    for size in _LENGTHS[IBAN]
}
_VALUES = _table(_ALPHANUMERIC, int)
_LUHN = _table(
    _ALPHANUMERIC,
    lambda value: _digits(value // 10 * 2) + value % 10,
    lambda value: value // 10 + _digits(value % 10 * 2),
)
_DOUBLED_EVERY_OTHER = _table(_CHARACTERS, _digits, lambda value: _digits(value * 2))
_UNITS = _table(_CONSONANTS, lambda value: value % 10)
_SEDOL_WEIGHTS = np.array([1, 3, 1, 7, 3, 9, 1], dtype=np.uint8)[:, None]
