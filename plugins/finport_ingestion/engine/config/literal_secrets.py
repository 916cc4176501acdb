"""Secrets that stand in a document: found by the names of keys, by known shapes and by how random a text is.

The rule is told, never the value.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from typing import Any

from finport_ingestion.engine.config.environment import REFERENCE
from finport_ingestion.engine.config.mistakes import KeyPath

FIX = "write ${VARIABLE}, or leave it to the connection"

_SECRET_KEY = re.compile(
    r"(?:password|passwd|pwd|passphrase|secret|token|apikey|privatekey|secretkey|accesskey|sharedkey|accountkey|"
    r"signingkey|encryptionkey|licensekey|credentials?|authorization|cookie|sharedaccesssignature)s?$"
)
_NO_SECRET_KEY = re.compile(r"(?:page|next|continuation|cursor|csrf|max|total)tokens?$")
_CHECKSUM_KEY = re.compile(r"sha\d+|md5|checksum|digest|hash|fingerprint|thumbprint|etag")
_SCHEME = re.compile(r"^(?:bearer|basic|token|apikey)?\s*$", re.IGNORECASE)

_SHAPES = re.compile(
    r"(?P<AWS_access_key>\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[0-9A-Z]{16}\b)"
    r"|(?P<PEM_private_key>-----BEGIN [A-Z ]*PRIVATE KEY)"
    r"|(?P<JSON_web_token>\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*)"
    r"|(?P<password_in_a_URL>\b[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@)"
    r"|(?P<secret_in_a_URL>[?&](?:api_?key|apikey|access_?token|token|sig|signature|secret|password|x-amz-signature)="
    r"[^\s&]+)"
    r"|(?P<secret_in_a_connection_string>\b(?:password|pwd|accountkey|sharedaccesskey)\s*=\s*[^\s;]+)"
    r"|(?P<bearer_token>\bbearer\s+[\w.~+/-]{16,})"
    r"|(?P<vendor_token>\b(?:gh[pousr]_\w{30,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}"
    r"|[sr]k_live_\w{16,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|hooks\.slack\.com/services/\w+))",
    re.IGNORECASE,
)
_PUBLIC = re.compile(r"-----BEGIN (?:CERTIFICATE|PUBLIC KEY)-----.*?-----END [A-Z ]+-----", re.DOTALL)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_LONG = re.compile(r"(?<![\w./~-])[A-Za-z0-9+/_=-]{20,}(?!\.[A-Za-z]{1,7}\b)")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9]{1,12}(?:[-_][A-Za-z0-9]{1,12})+")
_AWS_SECRET = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9/+]{40}")
_HEX = re.compile(r"[0-9a-f]+", re.IGNORECASE)
_SHORTEST = 16
_HEX_BITS, _OTHER_BITS, _AWS_BITS = 3.0, 3.6, 4.4
_CHANGES = 0.3


def find_secrets(values: Any) -> list[tuple[KeyPath, str]]:
    """Each place that holds a literal secret, with the rule that says so."""
    found: list[tuple[KeyPath, str]] = []
    _search(values, "", [], found)
    return found


def _search(value: Any, key: str, path: list[str | int], found: list[tuple[KeyPath, str]]) -> None:
    # One list is the way to the value: a path is only made of it where there is something to tell.
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            name_of_item = name if isinstance(name, str) else key
            if _is_short(item) and not _names_secret(name_of_item):
                continue
            path.append(name)
            _search(item, name_of_item, path, found)
            path.pop()
    elif value is not None and value is not True and value is not False:
        rule = _rule(str(value), key)
        if rule is not None:
            found.append((tuple(path), rule))


def _is_short(value: Any) -> bool:
    """Whether only the name of its key can make a secret of a value."""
    return len(value) < _SHORTEST if isinstance(value, str) else not isinstance(value, dict | list)


def _rule(text: str, key: str) -> str | None:
    literal = REFERENCE.sub(_default, text) if "${" in text else text
    if _names_secret(key) and not _SCHEME.match(literal):
        return f"key name '{key}'"
    if len(literal) < _SHORTEST:
        return None
    shape = _SHAPES.search(literal)
    if shape is not None:
        return str(shape.lastgroup).replace("_", " ")
    if _has_random_text(literal) and not _CHECKSUM_KEY.search(_fold(key)):
        return "long random text"
    return None


@lru_cache(maxsize=4096)
def _names_secret(key: str) -> bool:
    folded = _fold(key)
    return bool(_SECRET_KEY.search(folded)) and not _NO_SECRET_KEY.search(folded)


def _fold(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


def _default(reference: re.Match[str]) -> str:
    """What of a variable stands in the document itself: its default."""
    return reference.group(2) or ""


def _has_random_text(text: str) -> bool:
    if len(text) < 20 or not _LONG.search(text):
        return False
    left = _URL.sub(" ", _PUBLIC.sub(" ", text))
    return any(_is_random(found) for found in _LONG.findall(left))


def _is_random(token: str) -> bool:
    """Whether letters and digits are mixed as chance mixes them; words, names, paths and dates are not."""
    if token.startswith("/") or _UUID.fullmatch(token) or _NAME.fullmatch(token):
        return False
    if _AWS_SECRET.fullmatch(token) and _entropy(token) >= _AWS_BITS:
        return True
    if "/" in token and not any(_is_mixed(part) for part in token.split("/")):
        return False
    joined = re.sub(r"[-_/+=]", "", token)
    if len(joined) < 18 or not _is_mixed(joined):
        return False
    bits = _HEX_BITS if _HEX.fullmatch(joined) else _OTHER_BITS
    return _entropy(joined) >= bits


def _is_mixed(text: str) -> bool:
    """Whether small letters, capitals and digits change places often. `camelCaseWords` change once a word."""
    kinds = "".join("0" if letter.isdigit() else "A" if letter.isupper() else "a" for letter in text)
    changes = sum(before != after and before + after != "Aa" for before, after in pairwise(kinds))
    return changes >= _CHANGES * (len(text) - 1) and changes > 3


def _entropy(text: str) -> float:
    """Bits of each character, by how often each stands in the text."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())
