"""Readers that do what broken native libraries do, for the tests of isolation."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, Head, Likeness, Origin, RawFile
from finport_ingestion.engine.errors import FormatError, QualityGateFailed
from finport_ingestion.engine.options import FormatOptions

ROWS = 1_000


class HostileOptions(FormatOptions):
    """What goes wrong, and after how many batches."""

    format: Literal["hostile"]
    does: str
    after: int = 0


class HostileReader:
    """Numbers, until it does something."""

    Options = HostileOptions
    typed = True
    whole_file = False
    isolated = True
    main_table = "second"
    suffixes = (".hostile",)
    media_types = ("application/hostile",)

    def __init__(self, options: HostileOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return Likeness(0.9, "hostile") if head.content.startswith(b"hostile") else None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        for number in range(self.options.after):
            yield _batch(number)
        yield from getattr(self, f"_{self.options.does}")(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        yield _batch(size_bytes)

    def _nothing(self, raw: RawFile) -> Iterator[Batch]:
        return iter(())

    def _segfault(self, raw: RawFile) -> Iterator[Batch]:
        os.kill(os.getpid(), signal.SIGSEGV)
        yield _batch(0)

    def _leave(self, raw: RawFile) -> Iterator[Batch]:
        os._exit(7)
        yield _batch(0)

    def _loop(self, raw: RawFile) -> Iterator[Batch]:
        while True:
            pass
        yield _batch(0)

    def _eat(self, raw: RawFile) -> Iterator[Batch]:
        eaten = [b"x" * (64 << 20)]
        while True:
            eaten.append(bytes(bytearray(eaten[0])))
        yield _batch(0)

    def _print(self, raw: RawFile) -> Iterator[Batch]:
        os.write(1, b"a library that prints\n")
        print("and Python", flush=True)
        yield _batch(0)

    def _refuse(self, raw: RawFile) -> Iterator[Batch]:
        raise FormatError(f"{raw.uri}: no.", offset_bytes=17, hint="ask again")
        yield _batch(0)

    def _gate(self, raw: RawFile) -> Iterator[Batch]:
        raise QualityGateFailed("worse", hint="better")
        yield _batch(0)

    def _bug(self, raw: RawFile) -> Iterator[Batch]:
        raise KeyError("a mistake of ours")
        yield _batch(0)

    def _disk(self, raw: RawFile) -> Iterator[Batch]:
        raise OSError(28, "No space left on device")
        yield _batch(0)

    def _everything(self, raw: RawFile) -> Iterator[Batch]:
        yield Batch(
            columns=pa.RecordBatch.from_pydict({"a": ["x", None], "b": pa.array([[1], []], pa.list_(pa.int8()))}),
            rows=pa.array([3, 5]),
            table="entries",
            bad=(
                BadRecord(row=4, rule="shape", reason="line 4: no", text="\ud800 b\x00d", column="a", table="entries"),
            ),
            origins={"a": frozenset({Origin.STRING, Origin.NUMBER})},
            types={"a": "text"},
            originals={"a": " A"},
            size_bytes=12,
            notes=("a note",),
            warnings=("a warning",),
            facts={"encoding": "utf-8"},
        )

    def _no_columns(self, raw: RawFile) -> Iterator[Batch]:
        nothing = pa.RecordBatch.from_arrays([], names=[])
        yield Batch(columns=nothing, rows=pa.array([], pa.int64()))

    def _environment(self, raw: RawFile) -> Iterator[Batch]:
        names = pa.array(sorted(os.environ), pa.string())
        yield Batch(columns=pa.record_batch([names], names=["name"]), rows=pa.array(range(len(names)), pa.int64()))

    def _process(self, raw: RawFile) -> Iterator[Batch]:
        yield _batch(os.getpid())

    def _mark(self, raw: RawFile) -> Iterator[Batch]:
        """A line in the file for each batch made."""
        for number in range(20):
            with Path(str(raw.path)).open("a") as stream:
                stream.write(f"{number}\n")
            yield _batch(number)

    def _slow(self, raw: RawFile) -> Iterator[Batch]:
        time.sleep(30)
        yield _batch(0)


def _batch(number: int) -> Batch:
    values = pa.array([number] * ROWS)
    return Batch(columns=pa.record_batch([values], names=["n"]), rows=pa.array(range(1, ROWS + 1), pa.int64()))
