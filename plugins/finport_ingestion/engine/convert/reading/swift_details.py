"""Information to the account owner (`:86:`) taken apart, where it is structured: by subfields or by code words.

Subfields have two digits behind a mark: `166?00GUTSCHRIFT?20EREF+...` (German banks), `020<00...<20...` or with `^` and
`~` (Polish banks). Code words stand between slashes: `/EREF/.../REMI/...`. SWIFT cuts lines anywhere, so the lines are
put together again without anything between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

_SUBFIELDS = re.compile(r"\s*([0-9]{3})?\s*([?<^~])(?=[0-9]{2})")
_SPLITS = {mark: re.compile(re.escape(mark) + r"([0-9]{2})") for mark in "?<^~"}
_WORDS = (
    "ACCW|ADDR|BENM|BIC|CHGS[0-9]?|CNTP|COAM|CREF|CSID|EI|EREF|EXCH|IBAN|ID|INFO|INIT|IREF|ISDT|KREF|MARF|MREF|NAME|OAMT"
    "|OCMT|ORDP|PREF|PURP|PY|REMI|RTRN|RTYP|SVWZ|TRCD|TRTP|ULTB|ULTC|ULTD"
)
_CODE_WORDS = re.compile(rf"/({_WORDS})/")
KEYS = frozenset(
    {"EREF", "KREF", "MREF", "CRED", "DEBT", "COAM", "OAMT", "SVWZ", "ABWA", "ABWE", "IBAN", "PURP", "RREF", "BREF"}
    | {"DDAT", "RTRN", "BIC"}
)
_KEYS_COLON = re.compile(rf"({'|'.join(sorted(KEYS))}): ?")
PURPOSE = frozenset(str(code) for code in (*range(20, 30), *range(60, 64)))
SUBFIELDS, CODE_WORDS = "subfields", "code_words"

COLUMNS = (
    "transaction_code",  # the three digits before the first subfield
    "posting_text",
    "prima_nota",
    "purpose",  # a line a subfield
    "counterparty_bank",
    "counterparty_account",
    "counterparty_name",
    "text_key_addition",
    "end_to_end_reference",
    "customer_payment_reference",
    "mandate_reference",
    "creditor_id",
    "remittance",
)
_Parts = dict[str, str]
NOTHING: tuple[str | None, ...] = (None,) * (2 + len(COLUMNS))


def details_of(text: str) -> tuple[str | None, ...]:
    """How the text is structured, its parts as JSON, and what COLUMNS name; nulls where it has no structure.

    Args:
        text: Without its line breaks.
    """
    found = _SUBFIELDS.match(text)
    if found:
        return _by_subfields(found[1], _gathered(_SPLITS[found[2]].split(text)))
    if text.startswith("/") and _CODE_WORDS.match(text):
        return _by_code_words(_gathered(_CODE_WORDS.split(text)))
    return NOTHING


def subfields_of(text: str) -> tuple[str, tuple[str, ...]] | None:
    """The mark and the codes of the subfields of a text without line breaks; None where it has none."""
    found = _SUBFIELDS.match(text)
    return (found[2], tuple(_SPLITS[found[2]].split(text)[1::2])) if found else None


def _gathered(pieces: list[str]) -> _Parts:
    """Values by the code that stands before each; those of one code are lines of one value."""
    parts = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    if 2 * len(parts) + 1 == len(pieces):
        return parts
    parts = {}
    for code, value in zip(pieces[1::2], pieces[2::2], strict=True):
        parts[code] = f"{parts[code]}\n{value}" if code in parts else value
    return parts


def _by_subfields(code: str | None, parts: _Parts) -> tuple[str | None, ...]:
    get = parts.get
    lines = [value for key, value in parts.items() if key in PURPOSE]
    named = keyed("".join(lines))
    name = get("32", "") + get("33", "")
    return (
        SUBFIELDS,
        orjson.dumps(parts).decode(),
        code,
        get("00"),
        get("10"),
        "\n".join(lines) if lines else None,
        get("30", named.get("BIC")),
        get("31", get("38", named.get("IBAN"))),
        name or None,
        get("34"),
        named.get("EREF"),
        named.get("KREF"),
        named.get("MREF"),
        named.get("CRED"),
        named.get("SVWZ"),
    )


def keyed(purpose: str) -> _Parts:
    """`EREF+...SVWZ+...` by its keys."""
    if "+" not in purpose:
        return _keyed_by_colons(purpose)
    parts: _Parts = {}
    key, value = "", ""
    for piece in purpose.split("+"):
        following = piece[-4:] if piece[-4:] in KEYS else piece[-3:]
        if following in KEYS:
            parts[key] = (value + piece[: -len(following)]).strip()
            key, value = following, ""
        else:
            value += piece + "+"
    parts[key] = value[:-1].strip()
    return parts


def keys_of(purpose: str) -> tuple[str, ...]:
    """The keys in order, where every plus sign stands behind one; nothing otherwise."""
    *before, last = purpose.split("+")
    keys = [piece[-4:] if piece[-4:] in KEYS else piece[-3:] for piece in before]
    whole = KEYS.issuperset(keys) and last[-4:] not in KEYS and last[-3:] not in KEYS
    return tuple(keys) if whole else ()


def _keyed_by_colons(purpose: str) -> _Parts:
    if not _KEYS_COLON.match(purpose):
        return {}
    split = _KEYS_COLON.split(purpose)
    return {key: value.strip() for key, value in zip(split[1::2], split[2::2], strict=True)}


def _by_code_words(parts: _Parts) -> tuple[str | None, ...]:
    get = parts.get
    account, bank, name = _counterparty(parts)
    return (
        CODE_WORDS,
        orjson.dumps(parts).decode(),
        *(None,) * 4,
        bank,
        account,
        name,
        None,
        get("EREF"),
        get("KREF", get("PREF")),
        get("MARF", get("MREF")),
        get("CSID"),
        _remittance(get("REMI", get("SVWZ"))),
    )


def _counterparty(parts: _Parts) -> Iterator[str | None]:
    """Account, bank and name: of `/CNTP/account/bank/name/city/`, or of code words of their own."""
    stated = [*parts.get("CNTP", "").split("/"), "", "", ""]
    for place, word in enumerate(("IBAN", "BIC", "NAME")):
        yield parts.get(word, stated[place]) or None


def _remittance(text: str | None) -> str | None:
    """Without the word that says that it is unstructured (`USTD//`), and the slash that ends it then."""
    if text is None or not text.startswith("USTD//"):
        return text
    return text.removeprefix("USTD//").removesuffix("/")
