"""Objects that a writer gives up half-way, in each store: what was there stays byte for byte, or nothing is there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from upath import UPath

from finport_ingestion.engine.files import write_atomically
from tests.services.object_places import BLOCK_BYTES, AzurePlace, FolderPlace, GcsPlace, Place, S3Place
from tests.services.s3_server import SERVICE
from tests.services.upload_worker import BYTE

if TYPE_CHECKING:
    from tests.services.plugin import StartService

ROOT = Path(__file__).parents[2]
OLD = b"as it was\n" * 1000
BLOCKS = 5 * BLOCK_BYTES
"""Half-way, two blocks of it are in the store, and a half waits to be sent."""
FEW = 2000
"""Half-way, nothing of it is in the store."""


def _folder(request: pytest.FixtureRequest) -> Place:
    return FolderPlace(folder=request.getfixturevalue("tmp_path"))


def _moto(request: pytest.FixtureRequest) -> Place:
    return S3Place(server=request.getfixturevalue("s3_server"), bucket=request.getfixturevalue("s3_bucket"))


def _versitygw(request: pytest.FixtureRequest) -> Place:
    return S3Place(server=request.getfixturevalue("versitygw"), bucket=request.getfixturevalue("versitygw_bucket"))


def _azurite(request: pytest.FixtureRequest) -> Place:
    return AzurePlace(server=request.getfixturevalue("azurite"), container=request.getfixturevalue("azurite_container"))


def _gcs(request: pytest.FixtureRequest) -> Place:
    return GcsPlace(server=request.getfixturevalue("gcs_server"), bucket=request.getfixturevalue("gcs_bucket"))


@pytest.fixture(
    params=[_folder, _moto, _versitygw, _azurite, _gcs], ids=["folder", "moto", "versitygw", "azurite", "gcs"]
)
def place(request: pytest.FixtureRequest) -> Place:
    """An object of each store, and a file."""
    make: Callable[[pytest.FixtureRequest], Place] = request.param
    return make(request)


@pytest.fixture(params=[OLD, None], ids=["over one", "over none"])
def before(request: pytest.FixtureRequest, place: Place) -> bytes | None:
    """What is there before the writer comes."""
    content: bytes | None = request.param
    if content is not None:
        place.put(content)
    return content


@pytest.mark.parametrize("size_bytes", [BLOCKS, FEW], ids=["of blocks", "of few bytes"])
def test_a_writer_that_ends_well_leaves_the_whole(place: Place, before: bytes | None, size_bytes: int) -> None:
    writer = _begin(place, size_bytes, end="well")
    assert writer.communicate(timeout=60)[0] == "half-way\n"
    assert place.get() == BYTE * size_bytes


@pytest.mark.parametrize("size_bytes", [BLOCKS, FEW], ids=["of blocks", "of few bytes"])
def test_a_writer_that_raises_leaves_what_was_there(place: Place, before: bytes | None, size_bytes: int) -> None:
    writer = _begin(place, size_bytes, end="raises")
    assert writer.communicate(timeout=60)[0].split() == ["half-way"]
    assert place.get() == before
    assert not place.unfinished()


def test_a_killed_writer_leaves_what_was_there(place: Place, before: bytes | None) -> None:
    writer = _begin(place, BLOCKS, end="waits")
    assert writer.stdout is not None
    assert writer.stdout.readline() == "half-way\n"
    assert place.unfinished() in (1, None)
    writer.kill()
    assert writer.wait(10) == -signal.SIGKILL
    writer.communicate()
    assert place.get() == before


def test_what_failed_first_is_told_where_the_upload_cannot_be_taken_back(own_service: StartService) -> None:
    server = own_service(SERVICE)
    place = S3Place(server=server, bucket=server.create_bucket())

    def write() -> None:
        with write_atomically(UPath(place.url, **place.options, skip_instance_cache=True)) as file:
            file.write(BYTE * BLOCK_BYTES)
            server.process.kill()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as raised:
        write()
    (note,) = raised.value.__notes__
    assert note.startswith(f"The upload of {place.url} could not be taken back: ")


def _begin(place: Place, size_bytes: int, *, end: str) -> subprocess.Popen[str]:
    wish = json.dumps({"url": place.url, "options": dict(place.options), "size_bytes": size_bytes, "end": end})
    environment = {
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        # Otherwise gcsfs asks Google, not the server that it was given, what kind of bucket it is.
        "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        **({"SSL_CERT_FILE": str(place.ca_path), "AWS_CA_BUNDLE": str(place.ca_path)} if place.ca_path else {}),
    }
    command = [sys.executable, "-m", "tests.services.upload_worker", wish]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)
