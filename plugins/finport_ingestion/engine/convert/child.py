"""The process that native readers run in: it reads files as its parent asks, and ends with it.

Started as `python -m finport_ingestion.engine.convert.child <pid of the parent>`; see isolation.py.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import os
import resource
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from upath import UPath

from finport_ingestion.engine.convert.frames import pack_batch, receive, send
from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.errors import FinportError
from finport_ingestion.engine.limits import ReadLimits

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_ROOM_BYTES = 256 << 20  # for the libraries that are there already
_CREDIT = 2  # batches that are sent before the parent has taken one


def main() -> None:
    parent = int(sys.argv[1])
    # What a library prints must not come between the frames.
    answers = os.dup(1)
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _end_with(parent)
    while True:
        try:
            request, _ = receive(_read_into)
        except EOFError:
            return
        if request["do"] == "open":
            _answer(request, answers)


def _end_with(parent: int) -> None:
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _answer(request: Mapping[str, Any], answers: int) -> None:
    """Every batch of a file, as fast as the parent takes them, and then how it ended."""
    limits = ReadLimits.model_validate(request["limits"])
    limit = _limit_memory(limits.child_memory_bytes)
    try:
        _send_batches(_batches(request, limits), answers)
    except FinportError as error:
        send(answers, {"is": "error", **_of_finport(error)})
    except MemoryError:
        send(answers, {"is": "no_memory", "bytes": limit})
    except OSError as error:
        _send_os_error(error, answers, limit)
    except BaseException as error:  # Rust's panics are no Exception; whatever it is, the parent says it
        _send_fault(error, answers, limit)
    else:
        send(answers, {"is": "end"})


def _send_batches(batches: Iterator[Batch], answers: int) -> None:
    credit = _CREDIT
    for batch in batches:
        if credit == 0:
            if receive(_read_into)[0]["do"] == "stop":
                return
            credit += 1
        header, body = pack_batch(batch)
        send(answers, {"is": "batch", **header}, body)
        credit -= 1


def _batches(request: Mapping[str, Any], limits: ReadLimits) -> Iterator[Batch]:
    module, _, name = request["reader"].partition(":")
    plugin = getattr(importlib.import_module(module), name)
    reader = plugin(plugin.Options.model_validate(request["options"]))
    raw = RawFile(path=UPath(Path(request["path"])), limits=limits, **request["raw"])
    size_bytes = request["sample_bytes"]
    found: Iterator[Batch] = reader.read(raw) if size_bytes is None else reader.sample(raw, size_bytes=size_bytes)
    return found


def _limit_memory(wanted: int) -> int:
    """Set and give the limit: as asked, but for what the libraries have taken before."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") if _has_proc() else 0
    limit = max(wanted, taken + _ROOM_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    return limit


def _has_proc() -> bool:
    return Path("/proc/self/statm").exists()


def _of_finport(error: FinportError) -> dict[str, Any]:
    more = {key: value for key, value in vars(error).items() if key not in ("message", "hint")}
    return {"class": type(error).__name__, "message": error.message, "hint": error.hint, "more": more}


def _send_os_error(error: OSError, answers: int, limit: int) -> None:
    if error.errno == errno.ENOMEM:
        send(answers, {"is": "no_memory", "bytes": limit})
    elif error.errno is None:
        _send_fault(error, answers, limit)
    else:
        send(answers, {"is": "os_error", "errno": error.errno, "text": error.strerror})


def _send_fault(error: BaseException, answers: int, limit: int) -> None:
    if "can't start new thread" in str(error):
        send(answers, {"is": "no_memory", "bytes": limit})
    elif type(error).__name__ == "PanicException":
        send(answers, {"is": "panic"})
    else:
        send(answers, {"is": "fault", "text": "".join(traceback.format_exception(error))})


def _read_into(buffer: memoryview) -> None:
    while buffer:
        count = os.readv(0, [buffer])
        if count == 0:
            raise EOFError
        buffer = buffer[count:]


if __name__ == "__main__":
    main()
