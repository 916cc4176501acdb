"""How the clients of others fail, in our errors, by a file system that fails as it is told."""

from __future__ import annotations

import io
import traceback
from collections.abc import Iterator
from typing import Any

import fsspec
import pytest
import requests
from fsspec.implementations.memory import MemoryFileSystem

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    FinportError,
    RateLimited,
    SourceItemMissing,
    SourceUnavailable,
    UnknownPlugin,
)
from finport_ingestion.engine.sources.fsspec_files import FsspecSource
from tests.conformance.sources.access import UNESCAPED_SECRET, access, connection

SCHEME = "breaking"
CONTENT = b"isin,close\n" * 1000


class Breaking(MemoryFileSystem):  # type: ignore[misc]
    """Raises `error` where a file is read, and before that where it is listed, if `at_once`."""

    protocol = SCHEME
    error: Exception = OSError()
    at_once = True

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = super()._strip_protocol(path.replace(f"{SCHEME}://", "memory://"))
        return stripped

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        if self.at_once:
            raise self.error
        return super().ls(path, detail=detail, **options)

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        return _BreakingFile(super()._open(path, mode, **options), self.error)


class _BreakingFile(io.BytesIO):
    def __init__(self, file: io.BytesIO, error: Exception) -> None:
        super().__init__(file.getvalue()[:100])
        self._error = error

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        if not content:
            raise self._error
        return content


def of_status(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(f"refused: {UNESCAPED_SECRET}", response=response)


@pytest.fixture
def source() -> Iterator[FsspecSource]:
    fsspec.register_implementation(SCHEME, Breaking, clobber=True)
    fsspec.filesystem("memory").pipe_file("/finport-breaking/a.csv", CONTENT)
    options = {"protocol": "fsspec", "url": f"{SCHEME}://finport-breaking"}
    stated = {"allow_private_network": True, "min_tls": "1.2"}
    yield FsspecSource(
        FsspecSource.Options.model_validate(options), access(connection("fsspec", secret=None), protection=stated)
    )
    fsspec.filesystem("memory").rm("/finport-breaking", recursive=True)


ERRORS: tuple[tuple[Exception, type[FinportError]], ...] = (
    (requests.ConnectionError(UNESCAPED_SECRET), SourceUnavailable),
    (TimeoutError(UNESCAPED_SECRET), SourceUnavailable),
    (RuntimeError(UNESCAPED_SECRET), SourceUnavailable),
    (FileNotFoundError(UNESCAPED_SECRET), SourceItemMissing),
    (PermissionError(UNESCAPED_SECRET), AccessDenied),
    (of_status(401), AccessDenied),
    (of_status(403), AccessDenied),
    (of_status(404), SourceItemMissing),
    (of_status(429), RateLimited),
    (of_status(503), SourceUnavailable),
    (TypeError(UNESCAPED_SECRET), ConfigError),
    (ModuleNotFoundError(UNESCAPED_SECRET, name="smbprotocol"), UnknownPlugin),
)


@pytest.mark.parametrize(("error", "kind"), ERRORS)
def test_what_is_raised_decides_whether_it_is_tried_again(
    source: FsspecSource, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[FinportError]
) -> None:
    monkeypatch.setattr(Breaking, "error", error)
    for use in (source.check, lambda: list(source.discover(None))):
        with pytest.raises(kind) as raised:
            use()
        assert type(raised.value) is kind
        assert UNESCAPED_SECRET not in "".join(traceback.format_exception(raised.value))


def test_what_breaks_while_a_file_is_read_is_told_alike(source: FsspecSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Breaking, "at_once", False)
    monkeypatch.setattr(Breaking, "error", requests.ConnectionError(UNESCAPED_SECRET))
    (item,) = source.discover(None)
    deliveries = source.open(item)
    delivery = next(deliveries)
    assert delivery.stream.read(1 << 20) == CONTENT[:100]
    with pytest.raises(SourceUnavailable, match=r"prices: a\.csv"):
        delivery.stream.read(1 << 20)
