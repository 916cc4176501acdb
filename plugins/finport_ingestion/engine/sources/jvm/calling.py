"""A process with a Java machine for one use of a source: started, asked, and ended whatever happens.

Java does not survive a fork, and Airflow's tasks are forks: the machine never starts in the process of a task. A child
of its own also gives its memory back, ends at the deadline whatever the driver does, and takes nobody with it when it
crashes. It costs about a second.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pyarrow as pa

from finport_ingestion.engine import errors
from finport_ingestion.engine.errors import FinportError, SourceUnavailable
from finport_ingestion.engine.sources.database.session import admitted
from finport_ingestion.engine.sources.interface import Access

_MODULE = "finport_ingestion.engine.sources.jvm.child"
_PASSED = ("PATH", "HOME", "TMPDIR", "TZ", "LANG", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONHOME", "JAVA_HOME")


class Conversation:
    """A running child that was asked, and has logged in."""

    def __init__(self, process: subprocess.Popen[bytes], answers: Connection, access: Access) -> None:
        self._process = process
        self._answers = answers
        self._access = access

    def answer(self) -> Mapping[str, Any]:
        """The next one.

        Raises:
            FinportError: What the child raised; DeadlineExceeded where it does not answer in time.
        """
        found: dict[str, Any] = json.loads(self.content())
        if found["is"] == "error":
            raise _rebuilt(found)
        if found["is"] == "fault":
            fault = RuntimeError(f"{self._access.source}: the JDBC source failed with {found['class']}")
            fault.add_note(found["place"])
            raise fault
        return found

    def content(self) -> bytes:
        """The bytes that follow an answer. Raises as `answer` does."""
        deadline = self._access.deadline
        while not self._answers.poll(max(0.0, deadline.seconds_left())):
            deadline.check()
        try:
            return self._answers.recv_bytes()
        except (EOFError, OSError):
            code = self._process.wait()
            raise SourceUnavailable(
                f"{self._access.source}: the process of the JDBC driver ended ({code}).",
                hint="if it was killed, the worker has too little memory: lower 'memoryBytes' and 'fetchRows'",
            ) from None

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        """The rows that it reads."""
        if self.answer()["is"] != "schema":
            raise AssertionError("rows begin with their schema")
        schema = pa.ipc.read_schema(pa.py_buffer(self.content()))
        while self.answer()["is"] == "batch":
            yield pa.ipc.read_record_batch(pa.py_buffer(self.content()), schema)


@contextmanager
def asked(request: Mapping[str, Any], access: Access) -> Iterator[Conversation]:
    """Start a child, ask it, and wait until it has logged in; it is ended with the block.

    Raises:
        FinportError: What it raised until then.
    """
    with tempfile.TemporaryDirectory(prefix="finport-jdbc-") as folder:
        with admitted(access):
            process = _started()
            try:
                talk = _asked(process, {**request, "folder": folder}, access)
            except BaseException:
                _end(process)
                raise
        try:
            with closing(talk._answers):  # noqa: SLF001 - of this module
                yield talk
        finally:
            _end(process)


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - this interpreter, and nothing of the document
        [sys.executable, "-s", "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
        bufsize=0,
    )


def _asked(process: subprocess.Popen[bytes], request: Mapping[str, Any], access: Access) -> Conversation:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("a child without pipes")
    # One that ended at once is told of by the missing answer.
    with closing(Connection(os.dup(process.stdin.fileno()), readable=False)) as questions, suppress(BrokenPipeError):
        questions.send_bytes(json.dumps(request).encode())
    answers = Connection(os.dup(process.stdout.fileno()), writable=False)
    talk = Conversation(process, answers, access)
    try:
        talk.answer()  # that it has logged in
    except BaseException:
        answers.close()
        raise
    return talk


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _environment() -> dict[str, str]:
    """No secrets, and the same modules as here."""
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    folders = [str(Path(folder).absolute()) for folder in sys.path]
    return {**passed, "PYTHONPATH": os.pathsep.join(dict.fromkeys(folders))}


def _rebuilt(answer: Mapping[str, Any]) -> FinportError:
    kind = getattr(errors, answer["class"])
    error: FinportError = kind(answer["message"], hint=answer["hint"])
    return error
