"""Damaged files of every format: a conversion ends, soon, with a report, and leaves nothing of what it refused.

The seeds are the small files of the reference corpus, where it is there, and each format's own sample. Damage is drawn
by the name of the seed: a failure comes again.
"""

from __future__ import annotations

import functools
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from _pytest.mark import ParameterSet
from upath import UPath

from finport_ingestion.engine.convert.file_conversion import Wish, convert_file
from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput
from finport_ingestion.engine.convert.recognise import recognise
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.convert.report import FileReport, Outcome
from finport_ingestion.engine.errors import FinportError
from finport_ingestion.engine.options import FormatOptions
from tests.conformance.formats.adapters import Message, Row, Sample, all_samples
from tests.conformance.formats.golden.corpus import corpus_files

LARGEST_BYTES = 200_000
SLOWEST_SECONDS = 30  # of one conversion, on a machine that does other things too
ROWS: list[Row] = [{"id": f"{number:05d}", "name": f"näme {number}", "amount": f"{number}.25"} for number in range(40)]


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A file to damage."""

    name: str
    content: bytes
    options: FormatOptions | None  # of its format; what is damaged is recognised by itself, too


def seeds() -> Iterator[ParameterSet]:
    for file in corpus_files():
        if 0 < file.delivered.stat().st_size <= LARGEST_BYTES:
            yield pytest.param(functools.partial(of_corpus, file.delivered), id=file.path)
    for name, samples in sorted(all_samples().items()):
        for number, sample in enumerate(samples):
            made = functools.partial(of_sample, name, sample)
            yield pytest.param(made, id=f"sample {number} of {name}")


def of_corpus(path: Path) -> Seed:
    raw = RawFile(path=UPath(path), uri=path.name, size_bytes=path.stat().st_size, name=path.name)
    try:
        name = recognise(raw).format
    except FinportError:  # what is hostile already
        return Seed(name=path.name, content=path.read_bytes(), options=None)
    return Seed(name=path.name, content=path.read_bytes(), options=options_of(name))


def of_sample(name: str, sample: Sample | Message) -> Seed:
    options = options_of(name, **sample.options)
    return Seed(name=f"{name}{sample.suffix}", content=content_of(sample), options=options)


def content_of(sample: Sample | Message) -> bytes:
    return sample.content if isinstance(sample, Message) else sample.write(ROWS)


def options_of(name: str, **stated: object) -> FormatOptions:
    options: FormatOptions = FORMATS.get(name).Options.model_validate({"format": name, **stated})
    return options


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def last_bytes_lost(content: bytes, chance: random.Random) -> bytes:
    return content[: -chance.randint(1, 16)]


def beginning_lost(content: bytes, chance: random.Random) -> bytes:
    return content[chance.randint(1, max(len(content) // 2, 1)) :]


def block_lost(content: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.choices(range(len(content)), k=2))
    return content[:start] + content[end:]


def bytes_flipped(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.choice((1, 8, 64))):
        damaged[chance.randrange(len(damaged))] ^= chance.randint(1, 255)
    return bytes(damaged)


def head_flipped(content: bytes, chance: random.Random) -> bytes:
    """Where most formats keep their counts and offsets."""
    return bytes_flipped(content[:256], chance) + content[256:]


def tail_flipped(content: bytes, chance: random.Random) -> bytes:
    return content[:-256] + bytes_flipped(content[-256:], chance)


def block_doubled(content: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.choices(range(len(content)), k=2))
    return content[:end] + content[start:]


def nuls_within(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes(chance.choice((1, 64, 4096))) + content[at:]


def largest_numbers_within(content: bytes, chance: random.Random) -> bytes:
    """Counts and lengths as large as they can be."""
    at = chance.randrange(len(content))
    return content[:at] + chance.choice((b"\xff" * 8, b"\xff\xff\xff\x7f", b"9" * 40)) + content[at + 8 :]


def spliced_with_another(content: bytes, chance: random.Random) -> bytes:
    other = content_of(chance.choice([sample for found in all_samples().values() for sample in found]))
    return content[: chance.randrange(len(content))] + other[chance.randrange(len(other)) :]


DAMAGES = [
    cut,
    cut,
    last_bytes_lost,
    beginning_lost,
    block_lost,
    bytes_flipped,
    bytes_flipped,
    head_flipped,
    tail_flipped,
    block_doubled,
    nuls_within,
    largest_numbers_within,
    spliced_with_another,
]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", seeds())
def test_damage_is_a_report(seed: Callable[[], Seed], tmp_path: Path) -> None:
    source, out = seed(), tmp_path / "out"
    chance = random.Random(source.name)
    for number, damage in enumerate(DAMAGES):
        content = damage(source.content, chance)
        # Every other one as the policy that knows the format has it: recognition cannot refuse it.
        report = converted(source, content, out, stated=number % 2 == 0)
        said = f"{damage.__name__} ({number}): {report}"
        assert report.seconds < SLOWEST_SECONDS, said
        if report.outcome is Outcome.REFUSED:
            assert report.error, said
            assert list(out.rglob("*")) == [], said
        else:
            assert written_rows(report) == told_rows(report), said


def converted(seed: Seed, content: bytes, out: Path, *, stated: bool) -> FileReport:
    out.mkdir(exist_ok=True)
    path = out.with_name(seed.name)
    path.write_bytes(content)
    for left in out.iterdir():
        shutil.rmtree(left)
    raw = RawFile(path=UPath(path), uri=seed.name, size_bytes=len(content), name=seed.name)
    return convert_file(raw, out, wish=Wish(output=ParquetOutput(), options=seed.options if stated else None))


def told_rows(report: FileReport) -> list[int]:
    # Parquet cannot count records that have no columns: `{}`.
    return [table.rows if table.columns else 0 for table in report.tables]


def written_rows(report: FileReport) -> list[int]:
    return [sum(pq.read_metadata(part.path).num_rows for part in table.parts) for table in report.tables]
