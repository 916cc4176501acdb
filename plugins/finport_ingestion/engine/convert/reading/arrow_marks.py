"""How Arrow's file and stream begin."""

from __future__ import annotations

import struct

FILE = b"ARROW1\x00\x00"
FEATHER_1 = b"FEA1"
_CONTINUED = b"\xff\xff\xff\xff"
_SCHEMA = 1
_HEADER_TYPE_SLOT = 6  # bytes into the table of field offsets: header_type is the second field of a Message
_LARGEST_SCHEMA_BYTES = 64 << 20


def begins_with_schema(head: bytes) -> bool:
    """Whether `head` is the length of a message and a flatbuffer that says that it holds a schema."""
    at = 4 if head.startswith(_CONTINUED) else 0
    if len(head) < at + 16:
        return False
    (length,) = struct.unpack_from("<i", head, at)
    if length % 4 or not 0 < length <= _LARGEST_SCHEMA_BYTES:
        return False
    return _header_type(head[at + 4 : at + 4 + length]) == _SCHEMA


def _header_type(message: bytes) -> int | None:
    """https://flatbuffers.dev/internals: root offset, table, its offsets two bytes each."""
    try:
        (root,) = struct.unpack_from("<I", message, 0)
        (back,) = struct.unpack_from("<i", message, root)
        offsets = root - back
        (size,) = struct.unpack_from("<H", message, offsets)
        if offsets < 0 or size < _HEADER_TYPE_SLOT + 2 or size > 64:
            return None
        (field,) = struct.unpack_from("<H", message, offsets + _HEADER_TYPE_SLOT)
        return message[root + field] if field else None
    except (struct.error, IndexError):
        return None
