"""Large files over HTTP, from nginx: ten ranges at a time, on from where a connection broke."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.errors import SourceItemChanged
from finport_ingestion.engine.sources.http_api import HttpSource
from tests.conformance.sources.access import access, connection
from tests.services.nginx_server import NginxServer, NginxServers
from tests.services.toxiproxy_server import Toxiproxy
from tests.unit.collect.shelf import MB, LandingArea, sha256, some_bytes

SIZE = 24 * MB + 7


def source_of(server: NginxServer, *, port: int | None = None) -> HttpSource:
    spec = connection(
        "finport_http", host=f"https://127.0.0.1:{port or server.port}", extra={"ca_file": str(server.ca_path)}
    )
    return HttpSource(HttpSource.Options.model_validate({"protocol": "http", "path": "/prices.csv"}), access(spec))


def landing_area(folder: Path) -> LandingArea:
    area = LandingArea.at(folder, downloads={"rangeBytes": MB, "ranges": 4})
    area.clock = SystemClock()
    return area


def test_a_large_file_lands_in_ranges(nginx_servers: NginxServers, tmp_path: Path) -> None:
    with nginx_servers.serve("location / { root $files; }") as server:
        (server.files / "prices.csv").write_bytes(some_bytes(SIZE))
        source, area = source_of(server), landing_area(tmp_path)
        (item,) = source.discover(None)
        (part,) = area.land(item, source)
        assert part.sha256 == sha256(some_bytes(SIZE))
        assert area.content(part) == some_bytes(SIZE)
        assert sum(" 206 " in line for line in server.access_log()) == 25


def test_connections_that_are_cut_are_gone_on_with(
    nginx_servers: NginxServers, toxiproxy: Toxiproxy, tmp_path: Path
) -> None:
    with nginx_servers.serve("location / { root $files; }") as server, toxiproxy.before(server.port) as way:
        (server.files / "prices.csv").write_bytes(some_bytes(SIZE))
        source, area = source_of(server, port=way.port), landing_area(tmp_path)
        (item,) = source.discover(None)
        # Every connection ends in the middle of a range.
        way.add("limit_data", bytes=700_000)
        (part,) = area.land(item, source)
        assert area.content(part) == some_bytes(SIZE)


def test_a_file_replaced_between_two_ranges_is_not_landed(nginx_servers: NginxServers, tmp_path: Path) -> None:
    with nginx_servers.serve("location / { root $files; }") as server:
        path = server.files / "prices.csv"
        path.write_bytes(some_bytes(SIZE))
        source, area = source_of(server), landing_area(tmp_path)
        (item,) = source.discover(None)
        path.write_bytes(some_bytes(SIZE, seed=2))
        os.utime(path, (1, 1))
        with pytest.raises(SourceItemChanged):
            area.land(item, source)
        assert area.visible() == []
