"""Which of the encodings of one byte a character spells text of Latin letters: by the letters that languages have.

Detectors are trained on pages of prose. A table of names and numbers has few letters with marks, each alone among
ASCII: there a detector finds Chinese in Danish towns. What tells is which letters there are, and where they stand.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from enum import IntEnum

import numpy as np

# In order of preference: where two fit alike, they mostly spell the same.
_LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "cp1252": (
        *("äöüß", "àâçèéêëîïôùûüœæ", "áéíñóúü", "ãáâàçéêíóôõúü", "àèéìòùíóú", "éëïöüèáó"),
        *("åäöéàü", "æøåéöäü", "äöåõüšž", "áðéíóúýþæö"),
    ),
    "iso8859_15": ("äöüß", "àâçèéêëîïôùûüœæ", "äöåõüšž"),
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áčďéíľňóôšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž"),
    "iso8859_2": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áčďéíľňóôšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž"),
    "cp1254": ("çğıöşüâîû",),
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž"),
    "mac_roman": (
        *("äöüß", "àâçèéêëîïôùûüœæ", "áéíñóúü", "ãáâàçéêíóôõú", "àèéìòùíóú", "éëïöüèáó"),
        *("åäöéàü", "æøåéöäü"),
    ),
    "cp850": ("äöüß", "àâçèéêëîïôùûüæ", "áéíñóúü", "ãáâàçéêíóôõúü", "àèéìòùíóú", "åäöéàü", "æøåéöäü"),
    "cp852": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áéíóöőúüű"),
}
_MIXED = "".join(dict.fromkeys("".join(_LANGUAGES["cp1252"][:-1])))
_WESTERN = frozenset({"cp1252", "mac_roman", "cp850"})
_MIXED_WEIGHT = 0.95
"""Of a table of towns in many western countries: a language of its own is likelier."""
_PROOFS = {"ąćęłńóśźż": 2, "áčďéěíňóřšťúůýž": 3, "áčďéíľňóôšťúýž": 3, "ăâîşţ": 2, "čćđšž": 3}
_PROOFS |= {"áéíóöőúüű": 1, "çğıöşüâîû": 1, "ąčęėįšųūž": 4, "āčēģīķļņšūž": 4}
"""How many letters that western languages do not have prove a language; è and ø of two towns are no Czech."""
_UNPROVED_WEIGHT = 0.92
_QUOTES_AND_DASHES = "\u2018\u2019\u201a\u201c\u201d\u201e\u2013\u2014"
_FRACTIONS = "½¼¾"
_SYMBOLS = frozenset(f"€£¥§°²³¹µ«»\u2039\u203a…•·†‡‰®©™±\xd7ºª¿¡\xa0\xad{_FRACTIONS}{_QUOTES_AND_DASHES}")
_WITHIN_WORDS = frozenset("\u2018\u2019·\xad\xa0")
_RARE, _RARE_WEIGHT = frozenset("îïëõûùý"), 0.98  # where another encoding has ö, ò, æ or ø
_CATALAN_POINT, _CATALAN_WEIGHT = "·", 0.8  # Stra·e is no Catalan
_LOWER_I = "\u0131"  # of Turkish: without a dot
# "ÄÖÜ äöüß" stands in many a file that was made to try umlauts, and no word of another script is of these bytes alone.
_UMLAUTS = np.frombuffer("äöüßåæøÄÖÜÅÆØ".encode("cp1252"), np.uint8)
_FEW = 0.2
_ENOUGH = 0.9
_MOST = 20_000


class _Beside(IntEnum):
    """What stands before or behind a byte above 127."""

    OTHER = 0
    DIGIT = 1
    LOWER = 2
    UPPER = 3
    HIGH = 4

    @property
    def is_letter(self) -> bool:
        return self >= _Beside.LOWER


def _classes() -> np.ndarray:
    found = np.zeros(256, np.uint8)
    for kind, first, last in ((1, "0", "9"), (2, "a", "z"), (3, "A", "Z")):
        found[ord(first) : ord(last) + 1] = kind
    found[128:] = _Beside.HIGH
    return found


_CLASSES = _classes()
_Places = Mapping[tuple[int, _Beside, _Beside], int]
"""How often each byte stands between what."""


def latin_encoding(content: bytes) -> str | None:
    """The encoding in which `content` is text of Latin letters; None where it is of another script, or bytes of UTF-8.

    A few letters may fit several encodings; then it is the most usual one, and what it spells is plausible.
    """
    places = _places(content)
    if not places:
        return None
    scores = {encoding: _score(encoding, places) for encoding in _LANGUAGES}
    best = max(scores, key=lambda encoding: scores[encoding])
    return best if scores[best] >= _ENOUGH else None


def has_latin_words(content: bytes) -> bool:
    """Whether bytes above 127 stand in words beside ASCII letters, or in none: then it is no other script."""
    return _share_of_other_words(np.frombuffer(b" " + content + b" ", np.uint8)) <= _FEW


def _places(content: bytes) -> _Places:
    """Empty where words are of nothing but such bytes, as they are in other scripts."""
    padded = np.frombuffer(b" " + content + b" ", np.uint8)
    at = np.flatnonzero(padded >= 128)
    if len(at) == 0:
        return {}
    if _share_of_other_words(padded) > _FEW:
        return {}
    at = at[:: len(at) // _MOST + 1]
    keys = padded[at].astype(np.int64) * 64 + _CLASSES[padded[at - 1]] * 8 + _CLASSES[padded[at + 1]]
    found, counts = np.unique(keys, return_counts=True)
    return {
        (key // 64, _Beside(key // 8 % 8), _Beside(key % 8)): count
        for key, count in zip(found.tolist(), counts.tolist(), strict=True)
    }


def _share_of_other_words(padded: np.ndarray) -> float:
    """Of the words with bytes above 127: how many have no other ones; single letters, signs, umlauts do not count."""
    kinds = _CLASSES[padded]
    letters = kinds >= _Beside.LOWER
    edges = np.flatnonzero(letters[1:] != letters[:-1]) + 1
    begins, ends = edges[0::2], edges[1::2]
    high = np.add.reduceat(kinds == _Beside.HIGH, edges, dtype=np.int64)[0::2]
    strange = np.add.reduceat((kinds == _Beside.HIGH) & ~np.isin(padded, _UMLAUTS), edges, dtype=np.int64)[0::2]
    words = (high > 0) & (ends - begins > 1) & ((high < ends - begins) | (strange > 0))
    return float(np.mean((high == ends - begins)[words])) if words.any() else 0.0


def _score(encoding: str, places: _Places) -> float:
    """The share of the bytes that are well placed letters of one language, or signs."""
    signs, letters = 0.0, dict[str, int]()
    for (byte, before, behind), count in places.items():
        try:
            spelled = bytes([byte]).decode(encoding)
        except UnicodeDecodeError:
            continue
        if unicodedata.category(spelled).startswith("L") and spelled not in _SYMBOLS:
            if _is_letter_there(spelled, before, behind):
                letter = _LOWER_I if spelled == "İ" else spelled.lower()
                letters[letter] = letters.get(letter, 0) + count
        elif spelled in _SYMBOLS and _is_sign_there(spelled, before, behind):
            signs += count * (_CATALAN_WEIGHT if spelled == _CATALAN_POINT and before.is_letter else 1.0)
    alphabets = [(alphabet, _weight(alphabet, letters)) for alphabet in _LANGUAGES[encoding]]
    if encoding in _WESTERN:
        alphabets.append((_MIXED, _MIXED_WEIGHT))
    common = {letter: count * (_RARE_WEIGHT if letter in _RARE else 1.0) for letter, count in letters.items()}
    most = max(weight * sum(common.get(letter, 0) for letter in alphabet) for alphabet, weight in alphabets)
    return (most + signs) / sum(places.values())


def _weight(alphabet: str, letters: Mapping[str, int]) -> float:
    own = sum(letter in letters for letter in alphabet if letter not in _MIXED)
    return 1.0 if own >= _PROOFS.get(alphabet, 0) else _UNPROVED_WEIGHT


def _is_sign_there(spelled: str, before: _Beside, behind: _Beside) -> bool:
    if spelled in _FRACTIONS:
        return not before.is_letter and not behind.is_letter  # ½uvre is œuvre in another encoding
    return spelled in _WITHIN_WORDS or not (before.is_letter and behind.is_letter)


def _is_letter_there(spelled: str, before: _Beside, behind: _Beside) -> bool:
    beside = (before, behind)
    if not any(kind.is_letter for kind in beside):
        return _Beside.DIGIT not in beside  # a word of one letter: à
    if spelled.isupper():
        return before is not _Beside.LOWER and not (before is _Beside.UPPER and behind is _Beside.LOWER)
    return behind is not _Beside.UPPER or spelled == "ß"
