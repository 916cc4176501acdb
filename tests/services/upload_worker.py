"""Writes one object as the engine does, in a process of its own, so that it can be killed half-way.

Arguments: a JSON object with `url` and `options` of a UPath, `size_bytes`, and `end`: what comes when half of it is
written: `well`, `raises` or `waits` (until it is killed).
"""

from __future__ import annotations

import json
import sys
from typing import BinaryIO

from upath import UPath

from finport_ingestion.engine.files import write_atomically

BYTE = b"n"
_PIECE_BYTES = 1 << 20


def main() -> None:
    """Write it. Prints `half-way` when it is, and what of the store cannot be taken back."""
    wish = json.loads(sys.argv[1])
    half = wish["size_bytes"] // 2
    try:
        with write_atomically(UPath(wish["url"], **wish["options"])) as file:
            _write(file, half)
            print("half-way", flush=True)
            if wish["end"] == "waits":
                sys.stdin.read()
            if wish["end"] == "raises":
                raise ZeroDivisionError
            _write(file, half)
    except ZeroDivisionError as error:
        print(*getattr(error, "__notes__", ()), sep="\n")


def _write(file: BinaryIO, size_bytes: int) -> None:
    file.writelines(BYTE * min(_PIECE_BYTES, size_bytes - at) for at in range(0, size_bytes, _PIECE_BYTES))


if __name__ == "__main__":
    main()
