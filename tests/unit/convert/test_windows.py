"""Windows of a stream: every byte once, whatever is left over, and never a byte changed under somebody's eyes."""

from __future__ import annotations

import io
import random

import pytest

from finport_ingestion.engine.convert.reading.windows import ChunkWindows, Content, ReadWindows, Windows, last_line_end

LINES = [b"%d,%s\n" % (number, b"x" * (number * 7 % 60)) for number in range(500)]


def taken(windows: Windows, *, most: int) -> tuple[list[bytes], bytes]:
    """The windows up to their last line ends, as a reader takes them; some of them whole, some not at all."""
    chance = random.Random(3)
    found: list[bytes] = []
    left: Content = b""
    final = False
    while not final:
        left, final = windows.after(left)
        if final or len(left) > most or chance.random() < 0.7:
            end = len(left) if final else last_line_end(left)
            found.append(bytes(left[:end]))
            left = left[end:]
    return found, bytes(left)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 65, 1000, 1 << 20])
@pytest.mark.parametrize("content", [b"".join(LINES), b"".join(LINES)[:-1], b"a", b""])
def test_windows_are_the_stream(content: bytes, size: int) -> None:
    found, left = taken(ReadWindows(io.BytesIO(content), size), most=8 * size)
    assert b"".join(found) + left == content
    chunks = iter([content[at : at + size] for at in range(0, len(content), size)])
    assert b"".join(taken(ChunkWindows(chunks), most=8 * size)[0]) == content


def test_the_last_window_is_known_to_be_the_last() -> None:
    windows = ReadWindows(io.BytesIO(b"12345678"), 4)
    assert windows.after(b"") == (b"12345", False)
    assert windows.after(b"5") == (b"5678", True)


def test_a_window_that_is_looked_at_is_not_written_over() -> None:
    windows = ReadWindows(io.BytesIO(b"".join(LINES)), 100)
    views = [memoryview(windows.after(b"")[0]) for _ in range(10)]
    assert b"".join(views) == b"".join(LINES)[: sum(map(len, views))]


def test_buffers_serve_again() -> None:
    windows = ReadWindows(io.BytesIO(b"".join(LINES)), 100)
    first, _ = windows.after(b"")
    for left in (b"", b"ab", b"abcdef", b""):
        assert windows.after(left)[0] is first
    assert first.startswith(b"".join(LINES)[4 * 101 : 4 * 101 + 50])


def test_what_is_left_may_be_the_whole_window() -> None:
    windows = ReadWindows(io.BytesIO(b"0123456789"), 3)
    window, final = windows.after(b"")
    while not final:
        window, final = windows.after(window)
    assert window == b"0123456789"


class Slow(io.BytesIO):
    """Gives a few bytes at a time, as a socket does."""

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        return super().readinto(buffer[:5])


def test_a_stream_that_gives_less_than_is_asked_for_is_read_on() -> None:
    windows = ReadWindows(Slow(b"".join(LINES)), 1000)
    window, final = windows.after(b"")
    assert (len(window), final) == (1001, False)
    assert bytes(window) == b"".join(LINES)[:1001]
