"""Headers of tar entries: ustar, GNU long names and sizes, pax records.

Read by hand, since the standard library's reader takes an archive that was cut between two entries for a whole one,
holds headers of any length in memory, and can be made to run for ever by a few bytes (CVE-2024-6232, CVE-2025-8194).
"""

from __future__ import annotations

from dataclasses import dataclass

BLOCK_BYTES = 512
ZERO_BLOCK = bytes(BLOCK_BYTES)
_CHECKSUM = slice(148, 156)
_USTAR = b"ustar"


class BrokenHeader(ValueError):
    """What is wrong with a block that should be a header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One block that begins an entry."""

    name: str
    size_bytes: int
    kind: bytes  # one byte; b"0" is a file
    link: str = ""

    @property
    def padded_bytes(self) -> int:
        return -(-self.size_bytes // BLOCK_BYTES) * BLOCK_BYTES


def is_header(block: bytes) -> bool:
    """Whether `block` begins a tar archive: the checksum is right, and there is a name."""
    return len(block) >= BLOCK_BYTES and block[0] != 0 and _checksum_is_right(block[:BLOCK_BYTES])


def parsed(block: bytes) -> Header:
    """The header that `block` is.

    Raises:
        BrokenHeader: It is none.
    """
    if not _checksum_is_right(block):
        raise BrokenHeader("a header has a wrong checksum")
    name = text(block[:100])
    if block[257:262] == _USTAR and block[262:263] == b"\0" and block[345]:
        name = f"{text(block[345:500])}/{name}"
    kind = block[156:157]
    # Before POSIX a directory was a file whose name ends so.
    kind = b"0" if kind in (b"\0", b"7") else kind
    kind = b"5" if kind == b"0" and name.endswith("/") else kind
    return Header(name=name, size_bytes=_number(block[124:136]), kind=kind, link=text(block[157:257]))


def pax_records(content: bytes) -> dict[str, str]:
    """The records `<length> <key>=<value>\\n` of a pax header.

    Raises:
        BrokenHeader: A length is wrong.
    """
    records: dict[str, str] = {}
    at = 0
    while at < len(content) and content[at]:
        digits, space, _ = content[at : at + 12].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record = content[at : at + length]
        key, equals, value = record[len(digits) + 1 :].partition(b"=")
        if not equals or len(record) != length or not value.endswith(b"\n"):
            raise BrokenHeader("an extended header is broken")
        records[text(key)] = text(value[:-1])
        at += length
    return records


def text(raw: bytes) -> str:
    """A name up to its NUL; UTF-8 as a rule, and of older systems what they wrote in its place."""
    raw = raw.partition(b"\0")[0]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def decimal_size(digits: str) -> int:
    """A size as pax spells it.

    Raises:
        BrokenHeader: It is none.
    """
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise BrokenHeader("a size is no number")
    return int(digits)


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        # GNU writes large numbers in base 256; the next bit is the sign.
        if field[0] & 0x40:
            raise BrokenHeader("a size is negative")
        return int.from_bytes(bytes([field[0] & 0x3F]) + field[1:], "big")
    digits = field.partition(b"\0")[0].strip(b" ")
    if digits.strip(b"01234567"):
        raise BrokenHeader("a size is no octal number")
    return int(digits or b"0", 8)


def _checksum_is_right(block: bytes) -> bool:
    digits = block[_CHECKSUM].partition(b"\0")[0].strip(b" ")
    if not digits or digits.strip(b"01234567"):
        return False
    rest = block[:148] + b" " * 8 + block[156:BLOCK_BYTES]
    signed = sum(byte - 256 if byte > 127 else byte for byte in rest)
    return int(digits, 8) in (sum(rest), signed)
