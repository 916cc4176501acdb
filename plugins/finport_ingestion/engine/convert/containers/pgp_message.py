"""PGP: encrypted for a key of the keyring at GNUPGHOME, or with a passphrase, and opened by the gpg program."""

from __future__ import annotations

from collections.abc import Generator

from finport_ingestion.engine.convert.containers.interface import Member, Opening, Packed, name_inside

_ARMOUR = (b"-----BEGIN PGP MESSAGE-----", b"-----BEGIN PGP SIGNED MESSAGE-----")
_FOR_A_KEY, _BY_PASSPHRASE = 1, 3
_BEHIND = {1, 3, 9, 18, 20}  # tags that may follow: more recipients, or the data
_KEY_ALGORITHMS = {1, 2, 16, 18, 25}


class PgpContainer:
    """`.pgp`, `.gpg`, `.asc`: armoured or binary; a signature inside is checked where its key is known."""

    name = "pgp"
    suffixes = (".pgp", ".gpg", ".asc")

    def opens(self, packed: Packed, opening: Opening) -> bool:
        head = packed.head
        return head.lstrip().startswith(_ARMOUR) or _is_binary_message(head)

    def members(self, packed: Packed, opening: Opening) -> Generator[Member]:
        from finport_ingestion.engine.convert.containers.gpg_program import decrypted

        with decrypted(packed, opening) as stream:
            yield Member(name=name_inside(packed.name, self.suffixes), stream=stream)


def _is_binary_message(head: bytes) -> bool:
    """Whether the first packet (RFC 4880, 4.2) is a session key for a recipient or a passphrase, and data follows."""
    tag, at, length = _packet(head)
    body = head[at : at + length]
    if tag == _FOR_A_KEY:
        fits = 20 <= length <= 2100 and body[:1] == b"\x03" and len(body) > 9 and body[9] in _KEY_ALGORITHMS
    else:
        fits = tag == _BY_PASSPHRASE and 4 <= length <= 64 and body[:1] in (b"\x04", b"\x05")
    behind = head[at + length : at + length + 6]
    return fits and (not behind or _packet(behind)[0] in _BEHIND)


def _packet(head: bytes) -> tuple[int, int, int]:
    """Tag, place of the body and its length, of the packet that begins `head`; tag 0 for none."""
    if len(head) < 6 or not head[0] & 0x80:
        return 0, 0, 0
    if not head[0] & 0x40:
        size = {0: 1, 1: 2, 2: 4}.get(head[0] & 3, 0)
        return (head[0] >> 2) & 15, 1 + size, int.from_bytes(head[1 : 1 + size], "big")
    first = head[1]
    if first < 192:
        return head[0] & 63, 2, first
    if first < 224:
        return head[0] & 63, 3, ((first - 192) << 8) + head[2] + 192
    if first == 255:
        return head[0] & 63, 6, int.from_bytes(head[2:6], "big")
    return head[0] & 63, 2, 1 << (first & 31)
