"""What every format that can hold any table holds to; the others have a suite of their own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.interface import Batch, RawFile, Reader
from finport_ingestion.engine.convert.recognise import options_of
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.errors import FinportError, FormatError
from finport_ingestion.engine.options import FormatOptions
from finport_ingestion.engine.records import Part
from tests.conformance.formats.adapters import Row, Sample, all_samples, formats_with, sample_of
from tests.unit.convert.deployment import Delivered, Deployment

ROWS: list[Row] = [
    {"id": f"{number:05d}", "name": name, "amount": amount}
    for number, (name, amount) in enumerate(
        [
            ("NA", "1.10"),
            ("Zürich, 'quoted' \"text\"\nof two lines", "12345678901234567890.123456789"),
            ("null", None),
            ("1E2", "-0.00"),
            (" padded ", "TRUE"),
            ("日本\u2028語", "037833100"),
        ]
    )
]
MANY: list[Row] = [{"id": str(number), "name": f"n{number}", "amount": f"{number}.25"} for number in range(5_000)]


@pytest.fixture(params=formats_with(Sample))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sample(name: str) -> Sample:
    return sample_of(name)


def options(name: str, sample: Sample) -> FormatOptions:
    found: FormatOptions = FORMATS.get(name).Options.model_validate({"format": name, **sample.options})
    return found


def reader(name: str, sample: Sample) -> Reader:
    made: Reader = FORMATS.get(name)(options(name, sample))
    return made


def raw(folder: Path, content: bytes, *, may_be_empty: bool = False) -> RawFile:
    path = folder / "delivered"
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="landing/delivered", size_bytes=len(content), may_be_empty=may_be_empty)


def rows_of(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    return [row for batch in batches for row in batch.columns.to_pylist()]


def test_every_format_has_samples_of_one_kind() -> None:
    assert {name: len(found) for name, found in all_samples().items()} == dict.fromkeys(FORMATS, 1)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_it_says_what_it_is(name: str) -> None:
    plugin = FORMATS.get(name)
    assert issubclass(plugin.Options, FormatOptions)
    assert plugin.Options.model_validate({"format": name}).format == name
    assert isinstance(plugin.typed, bool)
    assert all(suffix.startswith(".") for suffix in plugin.suffixes)
    assert plugin.media_types
    assert plugin.__doc__
    assert all(field.description for key, field in plugin.Options.model_fields.items() if key != "format")


def test_texts_come_back_exactly_with_their_row_numbers(name: str, sample: Sample, tmp_path: Path) -> None:
    batches = list(reader(name, sample).read(raw(tmp_path, sample.write(ROWS))))
    assert rows_of(batches) == ROWS
    assert [number for batch in batches for number in batch.rows.to_pylist()] == list(range(1, len(ROWS) + 1))
    assert all(batch.bad == () for batch in batches)


def test_many_records_come_back_in_order(name: str, sample: Sample, tmp_path: Path) -> None:
    assert rows_of(list(reader(name, sample).read(raw(tmp_path, sample.write(MANY))))) == MANY


def test_a_reader_may_be_used_again(name: str, sample: Sample, tmp_path: Path) -> None:
    again, file = reader(name, sample), raw(tmp_path, sample.write(ROWS))
    assert rows_of(list(again.read(file))) == rows_of(list(again.read(file)))


def test_samples_are_records_of_the_file(name: str, sample: Sample, tmp_path: Path) -> None:
    file = raw(tmp_path, sample.write(MANY))
    found = rows_of(list(reader(name, sample).sample(file, size_bytes=4_096)))
    assert 0 < len(found) <= len(MANY)
    assert all(row in MANY for row in found)


def test_a_bad_record_is_set_aside_with_its_text_and_place(name: str, sample: Sample, tmp_path: Path) -> None:
    if sample.with_a_bad_record is None:
        pytest.skip("a file of this format is whole or refused")
    batches = list(reader(name, sample).read(raw(tmp_path, sample.with_a_bad_record(ROWS))))
    assert rows_of(batches) == ROWS
    [bad] = [found for batch in batches for found in batch.bad]
    assert bad.row == 2
    assert bad.text
    assert bad.rule
    assert bad.reason
    assert [number for batch in batches for number in batch.rows.to_pylist()] == [1, *range(3, len(ROWS) + 2)]


@pytest.mark.parametrize(
    "content",
    [b"", b"<!DOCTYPE html><html><body>Please log in</body></html>", b"\x1f\x8b\x08\x00", b"%PDF-1.7", bytes(256) * 4],
    ids=["empty", "html", "gzip", "pdf", "zeros"],
)
def test_what_is_no_such_file_is_refused_with_place_and_fix(
    name: str, sample: Sample, tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(FormatError, match="landing/delivered: ") as caught:
        list(reader(name, sample).read(raw(tmp_path, content)))
    assert caught.value.hint
    with pytest.raises(FormatError):
        list(reader(name, sample).sample(raw(tmp_path, content), size_bytes=1 << 16))


def test_an_empty_file_is_no_records_where_the_policy_says_so(name: str, sample: Sample, tmp_path: Path) -> None:
    if FORMATS.get(name).typed:
        pytest.skip("an empty file of a typed format is a damaged one")
    assert rows_of(list(reader(name, sample).read(raw(tmp_path, b"", may_be_empty=True)))) == []


def test_a_file_of_no_records_is_valid(name: str, sample: Sample, tmp_path: Path) -> None:
    if sample.of_no_records is None:
        pytest.skip("the format has no such file")
    assert rows_of(list(reader(name, sample).read(raw(tmp_path, sample.of_no_records)))) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.01, 0.99))
def test_a_cut_file_is_refused_or_loses_nothing_silently(
    name: str, sample: Sample, tmp_path: Path, share: float
) -> None:
    whole = sample.write(ROWS)
    content = whole[: int(len(whole) * share)]
    try:
        batches = list(reader(name, sample).read(raw(tmp_path, content)))
    except FormatError:
        return
    assert not sample.cut_is_refused
    found = rows_of(batches)
    # The record at the cut may be whole by chance; those before it are as they were.
    assert found[: len(found) - 1] == ROWS[: max(len(found) - 1, 0)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 0.999), junk=st.binary(min_size=1, max_size=8))
def test_damage_is_a_finding_and_never_a_crash(
    name: str, sample: Sample, tmp_path: Path, place: float, junk: bytes
) -> None:
    whole = sample.write(ROWS)
    at = int(len(whole) * place)
    content = whole[:at] + junk + whole[at + len(junk) :]
    # Any other error than ours would be a crash.
    with contextlib.suppress(FinportError):
        list(reader(name, sample).read(raw(tmp_path, content)))


def test_its_files_are_recognised(name: str, sample: Sample, tmp_path: Path) -> None:
    content = sample.write(MANY)
    file = raw(tmp_path, content)
    plain = Part(uri="landing/delivered", format="raw", size_bytes=1, sha256="", item="x", sequence=0)
    assert options_of(plain, raw=file, stated=None).format == name
    named = Part(uri=f"landing/x{sample.suffix}", format="raw", size_bytes=1, sha256="", item="x", sequence=0)
    assert options_of(named, raw=file, stated=None).format == name


def test_a_run_converts_it_without_loss(name: str, sample: Sample, tmp_path: Path) -> None:
    contract = {"columns": [{"name": "amount", "type": "text"}]}
    deployment = Deployment(tmp_path, convert={"format": name, **sample.options}, contract=contract)
    converted = deployment.run(
        Delivered(sample.write(ROWS), suffix=sample.suffix), Delivered(sample.write(MANY), suffix=sample.suffix)
    )
    assert converted.rows("id", "name", "amount") == [tuple(row.values()) for row in [*ROWS, *MANY]]
    assert converted.manifest.rejects == ()
    assert json.loads(converted.result.schema or "")[0]["name"] == "id"
