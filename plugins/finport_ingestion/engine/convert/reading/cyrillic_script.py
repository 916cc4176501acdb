"""Which of the encodings of one byte a character spells Cyrillic text: by how often its letters stand in texts.

Detectors tell that bytes are Cyrillic, and not always in which encoding: those of Windows and of the Macintosh have the
same small letters, and a table has too few words for their statistics.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import cache

_ENCODINGS = ("cp1251", "koi8-r", "koi8-u", "iso8859-5", "cp866", "mac-cyrillic")
"""In order of preference, where two spell the same."""
# Of Russian in per mille; the letters of its neighbours are rarer there than any of them.
_LETTERS = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё" + "іїєґўјљњђћџѓќѕ"
_COUNTS = (
    *(110, 85, 80, 74, 67, 63, 55, 47, 45, 44, 35, 32, 30, 28, 26, 20, 19, 17, 17, 16, 16),
    *(14, 12, 10, 9, 7, 6, 5, 4, 3, 3, 1, 1),
    *(8, 5, 4, 0.5, 0.5, 0.5, 0.3, 0.3, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1),
)
_OFTEN = dict(zip(_LETTERS, _COUNTS, strict=True))
_SIGNS = frozenset("«»№\u2014\u2013“”„\u2019\u2018…§°·€•\xa0±©®™")
_SIGN, _CAPITAL, _CAPITAL_WITHIN, _OTHER = math.log(0.001), math.log(0.3), math.log(0.01), math.log(0.0002)
_MOST = 200_000


def cyrillic_encoding(content: bytes) -> str | None:
    """The encoding in which `content`, which is of Cyrillic letters, is the likeliest text; None where it has none."""
    content = content[:_MOST]
    # The letter before decides what a capital is worth: only the pairs count, and there are few different ones.
    pairs = Counter(zip(b" " + content, content, strict=False))
    high = {pair: count for pair, count in pairs.items() if pair[1] >= 0x80}
    if not high:
        return None
    return max(_ENCODINGS, key=lambda encoding: _likelihood(encoding, high))


def _likelihood(encoding: str, pairs: dict[tuple[int, int], int]) -> float:
    page = _page(encoding)
    return sum(count * _weight(page[before], page[byte]) for (before, byte), count in pairs.items())


def _weight(before: str, character: str) -> float:
    share = _OFTEN.get(character.lower())
    if share is None:
        return _SIGN if character in _SIGNS else _OTHER
    weight = math.log(share / 1000)
    if character.isupper():
        weight += _CAPITAL_WITHIN if before.islower() else _CAPITAL
    return weight


@cache
def _page(encoding: str) -> str:
    return bytes(range(256)).decode(encoding, "replace")
