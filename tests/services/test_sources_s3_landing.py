"""S3 objects on their way into the landing area: in ranges, on from where they broke, compared as a whole."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.errors import ChecksumMismatch
from tests.services.object_sources import listed, s3_source
from tests.services.toxiproxy_server import Toxiproxy
from tests.services.versitygw_server import Versitygw
from tests.unit.collect.shelf import LandingArea

CONTENT = random.Random(5).randbytes(3 << 20)
IN_RANGES = {"downloads": {"rangeBytes": 256 * 1024, "ranges": 4}}


@pytest.fixture
def area(tmp_path: Path) -> LandingArea:
    """Items of more than 256 KB land in ranges."""
    landing = LandingArea.at(tmp_path, **IN_RANGES)
    landing.clock = SystemClock()
    return landing


@pytest.fixture
def bucket(versitygw: Versitygw, versitygw_bucket: str) -> str:
    """Holds `prices.bin`, uploaded with its SHA-256."""
    versitygw.client().put_object(Bucket=versitygw_bucket, Key="prices.bin", Body=CONTENT, ChecksumAlgorithm="SHA256")
    return versitygw_bucket


def test_an_object_lands_in_ranges_as_what_it_is(versitygw: Versitygw, bucket: str, area: LandingArea) -> None:
    source = s3_source(versitygw, bucket)
    (part,) = area.land(listed(source)["prices.bin"], source)
    assert part.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert area.content(part) == CONTENT


def test_what_rotted_in_the_store_does_not_land_whatever_way_it_comes(
    versitygw: Versitygw, bucket: str, area: LandingArea
) -> None:
    with (versitygw.data_folder / bucket / "prices.bin").open("r+b") as file:
        file.seek(len(CONTENT) // 2)
        file.write(b"rot")
    source = s3_source(versitygw, bucket)
    for landing in (area, LandingArea.at(area.root / "whole")):
        landing.clock = SystemClock()
        with pytest.raises(ChecksumMismatch):
            landing.land(listed(source)["prices.bin"], source)
        assert landing.visible() == []


def test_connections_that_break_again_and_again_lose_and_double_nothing(
    versitygw: Versitygw, bucket: str, area: LandingArea, toxiproxy: Toxiproxy
) -> None:
    with toxiproxy.before(versitygw.port) as toxics:
        source = s3_source(versitygw, bucket, extra={"endpoint_url": f"https://127.0.0.1:{toxics.port}"})
        item = listed(source)["prices.bin"]
        # Of each connection; a range is longer.
        toxics.add("limit_data", bytes=150_000)
        (part,) = area.land(item, source)
    assert area.content(part) == CONTENT
