"""Native readers in another process: crashes, hangs and hunger are findings about a file."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from finport_ingestion.engine.convert import isolation
from finport_ingestion.engine.convert.formats.parquet import ParquetFormat, ParquetOptions
from finport_ingestion.engine.convert.interface import Batch, RawFile, Reader
from finport_ingestion.engine.convert.isolation import isolated
from finport_ingestion.engine.errors import FormatError, QualityGateFailed
from finport_ingestion.engine.limits import ReadLimits
from tests.unit.convert.hostile_readers import ROWS, HostileOptions, HostileReader


@pytest.fixture
def raw(tmp_path: Path) -> RawFile:
    return raw_of(tmp_path, b"hostile")


def raw_of(folder: Path, content: bytes, **limits: int) -> RawFile:
    path = folder / "delivered"
    path.write_bytes(content)
    found = ReadLimits.model_validate(limits)
    return RawFile(path=UPath(path), uri="landing/delivered", size_bytes=len(content), limits=found)


def hostile(does: str, *, after: int = 0) -> Reader:
    return isolated(HostileReader(HostileOptions(format="hostile", does=does, after=after)))


def process_of(raw: RawFile) -> int:
    return int(numbers(hostile("process").read(raw))[0])


def numbers(batches: Iterator[Batch]) -> list[int]:
    return [batch.columns.column(0)[0].as_py() for batch in batches]


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: Any, *, seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_batches_come_back_whole_and_in_order(raw: RawFile) -> None:
    assert numbers(hostile("nothing", after=30).read(raw)) == list(range(30))
    [found] = hostile("everything").read(raw)
    [wanted] = HostileReader(HostileOptions(format="hostile", does="everything")).read(raw)
    assert found == wanted


def test_a_batch_without_columns_comes_back(raw: RawFile) -> None:
    [found] = hostile("no_columns").read(raw)
    assert found.columns.num_columns == 0
    assert len(found.rows) == 0


def test_it_looks_like_the_reader_it_stands_for(raw: RawFile) -> None:
    reader = hostile("nothing")
    assert (reader.typed, reader.whole_file, reader.main_table) == (True, False, "second")
    assert numbers(reader.sample(raw, size_bytes=4_096)) == [4_096]


def test_one_process_reads_file_after_file(raw: RawFile) -> None:
    first = process_of(raw)
    assert first != os.getpid()
    assert [process_of(raw) for _ in range(5)] == [first] * 5


@pytest.mark.parametrize(("does", "said"), [("segfault", "SIGSEGV"), ("leave", "exit status 7")])
@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_crash_is_a_refusal_and_the_next_file_has_a_new_process(
    raw: RawFile, does: str, said: str, after: int
) -> None:
    before = process_of(raw)
    found = []
    with pytest.raises(
        FormatError, match=rf"landing/delivered: the reader of format 'hostile' crashed.*{said}"
    ) as caught:
        found.extend(numbers(hostile(does, after=after).read(raw)))
    assert caught.value.hint
    assert found == list(range(len(found)))
    assert process_of(raw) != before


def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, b"hostile", childSeconds=3)
    process = process_of(raw)
    began = time.monotonic()
    with pytest.raises(FormatError, match="longer than 3 seconds"):
        list(hostile("loop", after=1).read(raw))
    assert time.monotonic() - began < 20
    assert wait_until(lambda: not is_running(process))


def test_only_the_time_that_the_parent_waits_counts(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, b"hostile", childSeconds=2)
    process_of(raw_of(tmp_path, b"hostile"))
    found = []
    for batch in hostile("nothing", after=6).read(raw):
        time.sleep(0.4)
        found.append(batch)
    assert len(found) == 6


def test_what_needs_too_much_memory_is_refused(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, b"hostile", childMemoryBytes=1 << 30)
    before = process_of(raw)
    with pytest.raises(FormatError, match="bytes of memory") as caught:
        list(hostile("eat").read(raw))
    assert "childMemoryBytes" in str(caught.value.hint)
    assert process_of(raw) != before


def test_what_a_library_prints_does_not_come_between(raw: RawFile) -> None:
    assert numbers(hostile("print").read(raw)) == [0]


def test_our_errors_come_back_as_themselves_and_keep_the_process(raw: RawFile) -> None:
    before = process_of(raw)
    with pytest.raises(FormatError, match=r"^landing/delivered: no\. Fix: ask again$") as caught:
        list(hostile("refuse").read(raw))
    assert caught.value.offset_bytes == 17
    with pytest.raises(QualityGateFailed, match="worse"):
        list(hostile("gate").read(raw))
    with pytest.raises(OSError, match="No space left") as full:
        list(hostile("disk").read(raw))
    assert full.value.errno == 28
    assert process_of(raw) == before


def test_a_mistake_of_ours_is_no_finding_about_the_file(raw: RawFile) -> None:
    with pytest.raises(RuntimeError, match="landing/delivered: the reader of format 'hostile' failed") as caught:
        list(hostile("bug").read(raw))
    assert "a mistake of ours" in caught.value.__notes__[0]


def test_the_reader_is_never_more_than_two_batches_ahead(raw: RawFile) -> None:
    made = Path(str(raw.path))
    made.write_text("")
    batches = hostile("mark").read(raw)
    for taken in range(1, 4):
        next(batches)
        time.sleep(0.2)
        assert taken <= len(made.read_text().splitlines()) <= taken + 3
    assert len(list(batches)) == 17


def test_who_stops_early_keeps_the_process_and_the_next_file_is_its_own(raw: RawFile) -> None:
    before = process_of(raw)
    for _ in range(3):
        batches = hostile("nothing", after=50).read(raw)
        assert numbers(iter([next(batches)])) == [0]
        batches.close()  # type: ignore[attr-defined]
    assert process_of(raw) == before
    assert numbers(hostile("nothing", after=3).read(raw)) == [0, 1, 2]


def test_a_reader_that_does_not_stop_is_ended(raw: RawFile) -> None:
    before = process_of(raw)
    batches = hostile("slow", after=1).read(raw)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert wait_until(lambda: not is_running(before))
    assert numbers(hostile("nothing", after=1).read(raw)) == [0]


def test_two_files_at_once_have_two_processes(raw: RawFile) -> None:
    one, other = hostile("nothing", after=9).read(raw), hostile("nothing", after=9).read(raw)
    both = [(next(one), next(other)) for _ in range(9)]
    assert all(left.columns == right.columns for left, right in both)


def test_threads_get_processes_that_outlive_them(raw: RawFile) -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(process_of(raw)))
    isolation._CHILDREN.end_all()
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert process_of(raw) == found[0]


def test_a_process_that_died_between_files_is_replaced(raw: RawFile) -> None:
    before = process_of(raw)
    os.kill(before, signal.SIGKILL)
    assert wait_until(lambda: not is_running(before))
    assert process_of(raw) != before


def test_secrets_of_the_parent_are_not_handed_down(raw: RawFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BANK", "postgres://user:password@host")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    isolation._CHILDREN.end_all()
    [found] = hostile("environment").read(raw)
    names = set(found.columns.column("name").to_pylist())
    assert "PATH" in names
    assert not {name for name in names if name.startswith(("AIRFLOW", "AWS"))}


PARENT = """
import sys, time
from pathlib import Path
from upath import UPath
from finport_ingestion.engine.convert.interface import RawFile
from tests.unit.convert.test_isolation import hostile, process_of
raw = RawFile(path=UPath(Path(sys.argv[1])), uri="x", size_bytes=7)
print(process_of(raw), flush=True)
batches = hostile(sys.argv[2], after=1).read(raw)
next(batches)
print("reading", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel of Linux ends children with their parent")
@pytest.mark.parametrize("does", ["nothing", "loop"])
def test_children_end_with_their_parent(raw: RawFile, does: str) -> None:
    path = os.pathsep.join(folder for folder in sys.path if folder)
    command = [sys.executable, "-c", PARENT, str(raw.path), does]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert parent.stdout.readline() == "reading\n"
        assert is_running(child)
        parent.kill()
    assert wait_until(lambda: not is_running(child))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_has_processes_of_its_own(raw: RawFile) -> None:
    before = process_of(raw)
    reading, writing = os.pipe()
    forked = os.fork()
    if forked == 0:
        code = 1
        try:
            os.write(writing, str(process_of(raw)).encode())
            isolation._CHILDREN.end_all()
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as told:
        found = int(told.read())
    assert os.waitpid(forked, 0)[1] == 0
    assert found != before
    assert process_of(raw) == before


def test_real_files_are_read_and_damaged_ones_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"a": range(100_000)}), out)
    content = out.getvalue()
    reader = isolated(ParquetFormat(ParquetOptions(format="parquet")))
    found = list(reader.read(raw_of(tmp_path, content)))
    assert pa.Table.from_batches([batch.columns for batch in found]).column("a").to_pylist() == list(range(100_000))
    assert [row for batch in found for row in batch.rows.to_pylist()] == list(range(1, 100_001))
    with pytest.raises(FormatError, match="landing/delivered: not readable as Parquet"):
        list(reader.read(raw_of(tmp_path, content[: len(content) // 2])))


def test_small_files_share_one_process(tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"a": range(100)}), out)
    raw = raw_of(tmp_path, out.getvalue())
    reader = isolated(ParquetFormat(ParquetOptions(format="parquet")))
    first = process_of(raw)
    for _ in range(100):
        list(reader.read(raw))
    assert process_of(raw) == first


def test_rows_are_what_the_readers_gave(raw: RawFile) -> None:
    assert sum(batch.columns.num_rows for batch in hostile("nothing", after=2).read(raw)) == 2 * ROWS
