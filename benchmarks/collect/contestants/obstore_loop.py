"""obstore alone: one stream or ten ranges at a time, SHA-256 over all, the file on the disk at the end."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.convert.contestants.stopwatch import memory_peak, now

if TYPE_CHECKING:
    from obstore import Bytes
    from obstore.store import S3Store

_RANGE_BYTES = 10 << 20
_AT_A_TIME = 10
_BLOCK_BYTES = 1 << 20


def main() -> None:
    """Arguments: stream or ranges, endpoint, bucket, CA file, key, folder to write to; AWS_... for the keys."""
    import obstore
    from obstore.store import S3Store

    kind, endpoint, bucket, ca_file, key, out = sys.argv[1:7]
    begin = now()
    client_options = {"root_certificate": Path(ca_file).read_bytes()}
    store = S3Store(bucket, endpoint=endpoint, client_options=client_options)  # type: ignore[arg-type]
    path = Path(out) / "measured"
    if kind == "stream":
        sha256 = _stream(store, key, path)
    else:
        sha256 = _ranges(store, key, path, obstore.head(store, key)["size"])
    end = now()
    told = {"wall": end[0] - begin[0], "cpu": end[1] - begin[1], "peak_bytes": memory_peak(os.getpid())}
    print(json.dumps({**told, "sha256": sha256}))


def _stream(store: S3Store, key: str, path: Path) -> str:
    import obstore

    digest = hashlib.sha256()
    with path.open("wb") as file:
        for block in obstore.get(store, key).stream(min_chunk_size=_BLOCK_BYTES):
            file.write(block)
            digest.update(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _ranges(store: S3Store, key: str, path: Path, size: int) -> str:
    """Ranges in memory as they come, written and hashed in order."""
    import obstore

    def fetched(start: int) -> Bytes:
        return obstore.get_range(store, key, start=start, end=min(start + _RANGE_BYTES, size))

    digest = hashlib.sha256()
    with path.open("wb") as file, ThreadPoolExecutor(_AT_A_TIME) as threads:
        for block in threads.map(fetched, range(0, size, _RANGE_BYTES)):
            file.write(block)
            digest.update(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
