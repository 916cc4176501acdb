"""Bytes from one socket to another, in both directions, without passing through Python's memory."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

_PIPE_BYTES = 1 << 20
_SPLICES = hasattr(os, "splice")  # Linux


def join(one: socket.socket, other: socket.socket, *, first: Callable[[socket.socket], bytes] | None = None) -> None:
    """Relay until a side ends, then shut both; blocks. Neither socket is closed.

    Args:
        one: Who began: when it ends, nothing is waited for any more.
        first: Looks at the first bytes of `other` and returns what it took of them; whatever it raises ends both.
    """
    for each in (one, other):
        each.settimeout(None)

    def outward() -> None:
        with suppress(OSError):
            _move(one, other)
        shut(other)

    sending = threading.Thread(target=outward, name="tunnel-out", daemon=True)
    sending.start()
    try:
        with suppress(OSError):
            if first:
                one.sendall(first(other))
            _move(other, one)
            # What is on its way to `one` shall arrive: it closes when it has read all.
            one.shutdown(socket.SHUT_WR)
            sending.join()
    finally:
        shut(one)
        shut(other)
        sending.join()


def shut(connection: socket.socket) -> None:
    """End both directions, which wakes whoever waits in another thread; a socket that is shut already is left so."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _move(source: socket.socket, target: socket.socket) -> None:
    """Until `source` ends. Raises OSError."""
    if not _SPLICES:
        _copy(source, target)
        return
    with ExitStack() as pipe:
        reading, writing = os.pipe()
        pipe.callback(os.close, reading)
        pipe.callback(os.close, writing)
        with suppress(OSError):
            # Fewer and larger moves; above the user's limit the pipe stays as it is.
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        while waiting := os.splice(source.fileno(), writing, _PIPE_BYTES):
            while waiting:
                waiting -= os.splice(reading, target.fileno(), waiting)


def _copy(source: socket.socket, target: socket.socket) -> None:
    buffer = memoryview(bytearray(_PIPE_BYTES))
    while size := source.recv_into(buffer):
        target.sendall(buffer[:size])
