"""Downloads killed on the way: what is there is not taken for whole, and not fetched again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.services.sshd_server import SshServer
from tests.unit.collect.shelf import MB, sha256, some_bytes

ROOT = Path(__file__).parents[2]
SIZE = 12 * MB


class Download:
    """One file, landed by processes that can be killed."""

    def __init__(self, folder: Path, *, ranges: int, content: bytes, **source: Any) -> None:
        self.root = folder / "landing"
        self._wish = {"root": str(self.root), "ranges": ranges, "extra": {}, "stated": {}, **source}
        self.content = content

    def begin(self, *, pause_seconds: float = 0) -> subprocess.Popen[str]:
        wish = json.dumps({**self._wish, "pause_seconds": pause_seconds})
        command = [sys.executable, "-m", "tests.services.landing_worker", wish]
        environment = {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)

    def kill_after(self, extents: int) -> None:
        """Begin, and kill it as soon as so many megabytes are written down."""
        process = self.begin(pause_seconds=0.02)
        until = time.monotonic() + 60
        while self._extents() < extents:
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < until, "nothing was written"
            time.sleep(0.005)
        process.kill()
        assert process.wait(10) == -signal.SIGKILL
        process.communicate()

    def finish(self) -> dict[str, Any]:
        process = self.begin()
        told, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        found: dict[str, Any] = json.loads(told)
        return found

    def visible(self) -> list[str]:
        return [path.name for path in self.root.rglob("*") if path.is_file() and not path.name.startswith(".")]

    def _extents(self) -> int:
        return sum(path.read_bytes().count(b'["extent"') for path in self.root.rglob(".*.journal"))


MakeDownload = Callable[..., Download]


@pytest.fixture(params=["file", "sftp"])
def download(request: pytest.FixtureRequest, tmp_path: Path) -> MakeDownload:
    """A download from a folder, or from sshd."""
    content = some_bytes(SIZE)
    if request.param == "file":
        drop = tmp_path / "drop"
        drop.mkdir()
        options: dict[str, Any] = {"protocol": "file", "path": str(drop)}
        source: dict[str, Any] = {"options": options, "extra": {"path": str(drop)}}
    else:
        server: SshServer = request.getfixturevalue("ssh_server")
        drop = server.folder()
        options = {"protocol": "sftp", "path": server.path(drop)}
        extra = {"host_key": server.host_key, "key_file": str(server.key_path)}
        stated = {"host": "127.0.0.1", "port": server.port, "login": server.user}
        source = {"options": options, "extra": extra, "stated": stated}
    (drop / "prices.csv").write_bytes(content)
    return lambda ranges: Download(tmp_path, ranges=ranges, content=content, **source)


@pytest.mark.parametrize("ranges", [1, 4], ids=["from any byte", "in ranges"])
@pytest.mark.parametrize("extents", [3])
def test_a_killed_download_is_taken_up_again(download: MakeDownload, ranges: int, extents: int) -> None:
    killed = download(ranges)
    killed.kill_after(extents)
    assert killed.visible() == []
    landed = killed.finish()
    assert (killed.root / landed["uri"]).read_bytes() == killed.content
    assert landed["sha256"] == sha256(killed.content)
    assert killed.visible() == ["00000.csv"]
    assert landed["given_bytes"] <= SIZE - extents * MB


def test_killed_again_and_again_it_gets_further_each_time(download: MakeDownload) -> None:
    killed = download(4)
    for extents in (2, 5, 8):
        killed.kill_after(extents)
    landed = killed.finish()
    assert landed["given_bytes"] <= SIZE - 8 * MB
    assert landed["sha256"] == sha256(killed.content)
    assert killed.finish()["given_bytes"] == 0
