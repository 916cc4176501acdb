"""EBCDIC code pages: those of Python, and those that differ from them in a few places."""

from __future__ import annotations

import codecs
from functools import cache

_EURO = {"cp1141": "cp273", "cp1148": "cp500"}
"""The same page with the euro sign for the currency sign."""
_CP1047 = {0x15: "\n", 0x25: "\x85", 0x5F: "^", 0xAD: "[", 0xB0: "\xac", 0xBA: "\xdd", 0xBB: "\xa8", 0xBD: "]"}
"""Where the page of z/OS Unix differs from cp037."""
BLANK = 0x40


@cache
def page(name: str) -> str:
    """The 256 characters of a code page.

    Raises:
        LookupError: There is no such page, or it is none of EBCDIC.
    """
    plain = name.lower().replace("ibm", "cp").replace("-", "").replace("_", "")
    plain = plain if plain.startswith("cp") else f"cp{plain}"
    if plain in ("cp1047", "cp01047"):
        characters = list(_decoded("cp037"))
        for byte, character in _CP1047.items():
            characters[byte] = character
        return "".join(characters)
    if plain in _EURO:
        return _decoded(_EURO[plain]).replace("\xa4", "\u20ac")
    found = _decoded({"cp37": "cp037"}.get(plain, plain))
    if found[0xF0:0xFA] != "0123456789" or found[BLANK] != " ":
        raise LookupError(name)
    return found


def _decoded(codec: str) -> str:
    characters = codecs.lookup(codec).incrementaldecoder("replace").decode(bytes(range(256)), final=True)
    if len(characters) != 256:
        raise LookupError(codec)
    return characters
