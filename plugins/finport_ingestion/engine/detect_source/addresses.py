"""Where in a server the data are, as its address says: a folder, a bucket, a topic, a collection."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

Options = dict[str, object]
_A_FILE = re.compile(r"[*?\[]|[^.]\.[A-Za-z0-9]")


def options_of(protocol: str, address: str) -> Options:
    """Keys of a `source` block. Host, port and login are left out: they are the connection's."""
    reader = _READERS.get(protocol)
    return reader(urlsplit(address)) if reader else {}


def _absolute(parts: SplitResult) -> Options:
    return _files(unquote(parts.path))


def _relative(parts: SplitResult) -> Options:
    return _files(unquote(parts.path).lstrip("/"))


def _files(path: str) -> Options:
    """A folder, and a pattern where the last part is a file or a wildcard."""
    folder, _, last = path.rpartition("/")
    pattern = last if _A_FILE.search(last) else ""
    folder = (folder if pattern else path).rstrip("/")
    return {**({"path": folder} if folder else {}), **({"pattern": pattern} if pattern else {})}


def _bucket(parts: SplitResult) -> Options:
    return {"bucket": parts.netloc, **_relative(parts)}


def _container(parts: SplitResult) -> Options:
    """`abfss://container@account.dfs.core.windows.net/folder`; the account is the connection's."""
    return {"container": parts.netloc.partition("@")[0], **_relative(parts)}


def _topic(parts: SplitResult) -> Options:
    topic = unquote(parts.path).strip("/")
    return {"topic": topic} if topic else {}


def _collection(parts: SplitResult) -> Options:
    database, _, collection = unquote(parts.path).strip("/").partition("/")
    found = {"database": database, "collection": collection}
    return {key: value for key, value in found.items() if value}


def _stream(parts: SplitResult) -> Options:
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return {**({"path": parts.path} if parts.path else {}), **({"query": query} if query else {})}


_READERS: dict[str, Callable[[SplitResult], Options]] = {
    "ftp": _relative,  # of the login's folder, as RFC 1738 has it
    "sftp": _absolute,
    "s3": _bucket,
    "gcs": _bucket,
    "azure_blob": _container,
    "kafka": _topic,
    "mongodb": _collection,
    "websocket": _stream,
}
