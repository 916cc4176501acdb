"""How often a file is taken for what it is: real files, renamed, cut, re-encoded. Skipped where the corpus is absent.

Of the well-formed files of the corpus at least 98 in 100 have to be right, in each of the ways they are delivered here.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.recognise import ENOUGH, Recognition, recognise
from finport_ingestion.engine.errors import FinportError

CORPUS = Path(os.environ.get("FINPORT_CORPUS", Path(__file__).parents[4] / "shared" / "data"))
LEAST_SHARE = 0.98
CUT_BYTES = 4096
OURS = {
    "arrow-ipc-file": "arrow",
    "arrow-ipc-stream": "arrow_stream",
    "csv(space)": "csv",
    "feather-v2": "arrow",
    "fixed-width": "fixed_width",
    "json(sdmx)": "sdmx_json",
    "parquet(encrypted)": "parquet",
    "sas-xport": "sas_transport",
    "sas7bdat": "sas",
    "spss-sav": "spss",
    "spss-zsav": "spss",
    "swift-mt": "swift_mt",
    "swift-mt940": "mt940",
    "xml(sdmx)": "sdmx",
}
"""The manifest's name of a format where ours is another one."""
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no reference corpus at {CORPUS}")


@dataclass(frozen=True)
class Sample:
    name: str
    format: str
    content: bytes
    text: str | None  # of a text format without compression


def samples() -> Iterator[Sample]:
    for file in json.loads((CORPUS / "manifest.json").read_text(encoding="utf-8"))["files"]:
        if file["path"].startswith("malformed/"):
            continue
        content = (CORPUS / "data" / file["path"]).read_bytes()
        name = OURS.get(file["format"], file["format"])
        yield Sample(Path(file["path"]).name, name, content, text_of(file, content))


def text_of(file: dict[str, Any], content: bytes) -> str | None:
    if not file["encoding"] or file["compression"]:
        return None
    stated = str(file["encoding"]).split("/")[0].split(" ")[0]
    for encoding in ("utf-8-sig", "utf-16" if stated.startswith("utf-16") else stated, "latin-1"):
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode(encoding)
    return None


def as_delivered(sample: Sample) -> tuple[str, bytes]:
    return sample.name, sample.content


def without_suffix(sample: Sample) -> tuple[str, bytes]:
    return "delivery", sample.content


def with_a_wrong_suffix(sample: Sample) -> tuple[str, bytes]:
    return "delivery.json" if sample.name.endswith(".csv") else "delivery.csv", sample.content


def cut(sample: Sample) -> tuple[str, bytes]:
    return "delivery", sample.content[:CUT_BYTES]


def as_utf_16(sample: Sample) -> tuple[str, bytes] | None:
    return sample.text and ("delivery", sample.text.encode("utf-16"))


def as_utf_16_without_mark(sample: Sample) -> tuple[str, bytes] | None:
    return sample.text and ("delivery", sample.text.encode("utf-16-le"))


def as_cp1252(sample: Sample) -> tuple[str, bytes] | None:
    return sample.text and ("delivery", sample.text.encode("cp1252", "replace"))


WAYS = [as_delivered, without_suffix, with_a_wrong_suffix, cut, as_utf_16, as_utf_16_without_mark, as_cp1252]


def taken(folder: Path, name: str, content: bytes) -> Recognition | FinportError:
    path = folder / "file"
    path.write_bytes(content)
    try:
        return recognise(RawFile(path=UPath(path), uri=name, size_bytes=len(content)))
    except FinportError as error:
        return error


@pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way.__name__))
def test_nearly_all_files_are_taken_for_what_they_are(
    way: Callable[[Sample], tuple[str, bytes] | None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    count, unsure, wrong = 0, 0, []
    for sample in samples():
        delivered = way(sample)
        if delivered is None:
            continue
        found = taken(tmp_path, *delivered)
        count += 1
        if isinstance(found, FinportError) or found.format != sample.format:
            wrong.append(f"{sample.name} is {sample.format}, taken for {found}")
            continue
        unsure += found.confidence < ENOUGH
        assert found.reasons
        assert (found.warning is None) == (found.confidence >= ENOUGH)
    share = 1 - len(wrong) / count
    said = f"{way.__name__}: {share:.1%} of {count} files right, {unsure} of them with a warning"
    with capsys.disabled():
        print(f"\n{said}", *wrong, sep="\n  ")
    assert share >= LEAST_SHARE, "\n".join([said, *wrong])
