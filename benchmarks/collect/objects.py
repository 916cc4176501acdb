"""S3: 500 MB from versitygw over TLS, by obstore alone and by ours, which is obstore behind the guarded tunnel."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.collect.downloads import (
    FILE_BYTES,
    OURS,
    QUICK_FILE_BYTES,
    WARM_UP_BYTES,
    Contestant,
    Downloads,
    compare,
    ours,
)
from benchmarks.measured import By, Goal, Outcome
from benchmarks.registry import Effort
from tests.services import versitygw_server
from tests.services.certificates import PrivateCa
from tests.services.service import Found, open_workspace
from tests.services.versitygw_server import Versitygw

_AT_MOST = 1 / 0.9
_BUCKET = "prices"


def s3(effort: Effort) -> Outcome:
    """At least 0.9 times the speed of obstore, with SHA-256 and the last byte on the disk on both sides.

    Raises:
        AssertionError: versitygw is not built here.
        RuntimeError: A contestant failed.
    """
    size = QUICK_FILE_BYTES if effort.quick else FILE_BYTES
    with tempfile.TemporaryDirectory() as folder, _served(PrivateCa(Path(folder))) as server:
        server.client().create_bucket(Bucket=_BUCKET)
        sha256 = _put(server, "measured.bin", size)
        _put(server, "warm-up.bin", WARM_UP_BYTES)
        contestants = {
            OURS: _ours(server),
            "obstore": _obstore(server, "stream"),
            "obstore, ten ranges": _obstore(server, "ranges"),
        }
        return compare(
            Downloads(
                title="S3 to the landing area",
                contestants=contestants,
                goals=[Goal(contestant=OURS, reference="obstore", at_most=_AT_MOST, by=By.WALL)],
                sha256=sha256,
                file_bytes=size,
                packages=("obstore",),
                facts={"server": f"versitygw {versitygw_server.VERSION}, files, TLS 1.3"},
            ),
            effort,
        )


@contextmanager
def _served(ca: PrivateCa) -> Iterator[Versitygw]:
    found = versitygw_server.find()
    assert isinstance(found, Found), found
    with open_workspace("versitygw", ca=ca) as workspace, versitygw_server.start(workspace, found) as server:
        yield server


def _ours(server: Versitygw) -> Contestant:
    extra = {"endpoint_url": server.endpoint_url, "region_name": server.region, "ca_file": str(server.ca_path)}
    return ours(
        {
            "options": {"protocol": "s3", "bucket": _BUCKET},
            "stated": {"login": server.access_key},
            "extra": extra,
            "protection": {},
            "warm_up": "warm-up.bin",
            "measured": "measured.bin",
        }
    )


def _obstore(server: Versitygw, kind: str) -> Contestant:
    module = "benchmarks.collect.contestants.obstore_loop"
    words = [kind, server.endpoint_url, _BUCKET, str(server.ca_path), "measured.bin", "{out}"]
    keys = {
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_REGION": server.region,
    }
    return Contestant(command=[sys.executable, "-m", module, *words], tells=True, environment=keys)


def _put(server: Versitygw, key: str, size: int) -> str:
    """Noise as an object, and its SHA-256: nothing on the way can compress it."""
    content = os.urandom(size)
    server.client().put_object(Bucket=_BUCKET, Key=key, Body=content, ChecksumAlgorithm="SHA256")
    return hashlib.sha256(content).hexdigest()
