"""A running child that reads files: how it is started, asked and ended, and what its end says of a file."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from finport_ingestion.engine import errors
from finport_ingestion.engine.convert.frames import Memory, receive, send, unpack_batch, widen
from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.errors import FormatError

_MODULE = "finport_ingestion.engine.convert.child"
_PASSED = ("PATH", "HOME", "TMPDIR", "TZ", "TZDIR", "LANG", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONHOME")
_PASSED_BEGINNINGS = ("LC_", "POLARS_", "ARROW_", "OMP_")
_STOP_SECONDS = 2.0
_FIX = "the file is damaged or made to break its reader: ask the source for it again"


class Child:
    """A running child: one file at a time."""

    def __init__(self) -> None:
        command = [sys.executable, "-s", "-m", _MODULE, str(os.getpid())]
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and nothing of the file
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,
            bufsize=0,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("a child without pipes")
        self._questions, self._answers = self._process.stdin.fileno(), self._process.stdout.fileno()
        widen(self._answers)
        self._ready = select.poll()
        self._ready.register(self._answers, select.POLLIN)
        self._until = 0.0
        self._left_seconds = 0.0
        self._memory = Memory()
        self.files = 0
        self.usable = True

    def read(self, request: dict[str, Any], *, raw: RawFile, name: str) -> Iterator[Batch]:
        """The batches of a file.

        Raises:
            FinportError: What the reader raised; FormatError where it crashed or took too long or too much.
            DiedIdle: The process had read other files before, and has not answered a word about this one.
        """
        self.files += 1
        self.usable = False
        self._left_seconds = float(raw.limits.child_seconds)
        self._memory = Memory()
        refusal = Refusal(raw, name)
        answer: tuple[dict[str, Any], pa.Buffer] | None = self._first_answer(request, refusal)
        ended = False
        try:
            while True:
                header, body = answer or self._answer(refusal)
                answer = None
                if header["is"] != "batch":
                    ended = True
                    self.usable = header["is"] in ("end", "error", "os_error")
                    break
                yield self._batch(header, body, refusal)
                self._ask({"do": "next"}, refusal)
        finally:
            if not ended:
                self._stop(refusal)
            self._memory = Memory()  # what is free is given back
        if header["is"] != "end":
            raise refusal.told(header)

    def _first_answer(self, request: dict[str, Any], refusal: Refusal) -> tuple[dict[str, Any], pa.Buffer]:
        try:
            self._ask(request, refusal)
            return self._answer(refusal)
        except FormatError:
            if self.files > 1 and not self.alive:
                raise DiedIdle from None
            raise

    def end(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def _batch(self, header: dict[str, Any], body: pa.Buffer, refusal: Refusal) -> Batch:
        try:
            return unpack_batch(header, body)
        except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise refusal.crash("gave no batch back") from error

    def _ask(self, question: dict[str, Any], refusal: Refusal) -> None:
        try:
            send(self._questions, question)
        except BrokenPipeError:
            raise self._death(refusal) from None

    def _answer(self, refusal: Refusal) -> tuple[dict[str, Any], pa.Buffer]:
        """The next frame. Only the time in which the parent waits for it counts."""
        self._until = time.monotonic() + self._left_seconds
        try:
            return receive(self._read_into, self._memory)
        except EOFError:
            raise self._death(refusal) from None
        except TimeoutError:
            raise refusal.too_slow() from None
        finally:
            self._left_seconds = self._until - time.monotonic()

    def _read_into(self, buffer: memoryview) -> None:
        while buffer:
            left = self._until - time.monotonic()
            if left <= 0 or not self._ready.poll(left * 1000):
                raise TimeoutError
            count = os.readv(self._answers, [buffer])
            if count == 0:
                raise EOFError
            buffer = buffer[count:]

    def _stop(self, refusal: Refusal) -> None:
        """The parent wants no more of the file: let the child come to its end, if it does so soon."""
        self._left_seconds = min(self._left_seconds, _STOP_SECONDS)
        with contextlib.suppress(FormatError):
            self._ask({"do": "stop"}, refusal)
            while (header := self._answer(refusal)[0])["is"] == "batch":
                pass
            self.usable = header["is"] in ("end", "error", "os_error")

    def _death(self, refusal: Refusal) -> FormatError:
        self._process.kill()  # it may have closed its pipe and live on
        code = self._process.wait()
        return refusal.crash(f"crashed on it ({_signal_name(-code) if code < 0 else f'exit status {code}'})")


class DiedIdle(Exception):
    """A process that waited for its next file is gone: another one may read it."""


class Refusal:
    """What is said of a file that a child did not read."""

    def __init__(self, raw: RawFile, name: str) -> None:
        self._raw = raw
        self._who = f"{raw.uri}: the reader of format '{name}'"

    def crash(self, what: str) -> FormatError:
        return FormatError(f"{self._who} {what}.", hint=_FIX)

    def too_slow(self) -> FormatError:
        seconds = self._raw.limits.child_seconds
        return FormatError(
            f"{self._who} took longer than {seconds} seconds.",
            hint=f"{_FIX}; if it is honest, raise 'childSeconds' of the policy's 'reading'",
        )

    def told(self, header: dict[str, Any]) -> Exception:
        """The error that a child's last frame tells."""
        if header["is"] == "error":
            return _rebuilt(header)
        if header["is"] == "os_error":
            return OSError(header["errno"], header["text"])
        if header["is"] == "no_memory":
            return FormatError(
                f"{self._who} needs more than {header['bytes']} bytes of memory for it.",
                hint=f"{_FIX}; if it is honest, raise 'childMemoryBytes' of the policy's 'reading'",
            )
        if header["is"] == "fault":
            fault = RuntimeError(f"{self._who} failed in its process")
            fault.add_note(str(header["text"]))
            return fault
        return self.crash("broke off with a fault of its own")


def _rebuilt(header: dict[str, Any]) -> Exception:
    kind = getattr(errors, str(header["class"]), None)
    if not (isinstance(kind, type) and issubclass(kind, errors.FinportError)):
        kind = FormatError
    error = kind(header["message"], hint=header["hint"])
    for name, value in header["more"].items():
        setattr(error, name, value)
    return error


def _signal_name(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    return f"{name}, perhaps for lack of memory" if name == "SIGKILL" else name


def _environment() -> dict[str, str]:
    """No secrets, and the same modules as here."""
    passed = {k: v for k, v in os.environ.items() if k in _PASSED or k.startswith(_PASSED_BEGINNINGS)}
    folders = [str(Path(folder).absolute()) for folder in sys.path]
    return {**passed, "PYTHONPATH": os.pathsep.join(dict.fromkeys(folders)), "RUST_BACKTRACE": "0"}
