"""FTP over TLS: 500 MB from vsftpd, by curl and by ours."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.collect.downloads import (
    FILE_BYTES,
    OURS,
    QUICK_FILE_BYTES,
    WARM_UP_BYTES,
    Contestant,
    Downloads,
    compare,
    noise,
    ours,
)
from benchmarks.measured import By, Goal, Outcome
from benchmarks.registry import Effort
from tests.services import ftp_server
from tests.services.certificates import PrivateCa
from tests.services.ftp_server import FtpServer
from tests.services.service import Found, open_workspace

_AT_MOST = 1 / 0.9


def ftp(effort: Effort) -> Outcome:
    """At least 0.9 times the speed of curl: near what the line gives.

    Raises:
        RuntimeError: A contestant failed, or fetched something else.
    """
    found = ftp_server.find_vsftpd()
    assert isinstance(found, Found), found
    size = QUICK_FILE_BYTES if effort.quick else FILE_BYTES
    with (
        tempfile.TemporaryDirectory() as folder,
        open_workspace("vsftpd", ca=PrivateCa(Path(folder))) as workspace,
        ftp_server.start_vsftpd(workspace, found) as server,
    ):
        drop = server.folder()
        drop.chmod(0o755)
        sha256 = noise(drop / "measured.bin", size)
        noise(drop / "warm-up.bin", WARM_UP_BYTES)
        return compare(
            Downloads(
                title="FTP over TLS to the landing area",
                contestants={OURS: _ours(server, drop), "curl": _curl(server, drop, workspace.folder)},
                goals=[Goal(contestant=OURS, reference="curl", at_most=_AT_MOST, by=By.WALL)],
                sha256=sha256,
                file_bytes=size,
                packages=(),
                facts={"server": f"vsftpd {found.version}, TLS on both connections, sessions reused"},
            ),
            effort,
        )


def _ours(server: FtpServer, drop: Path) -> Contestant:
    return ours(
        {
            "options": {"protocol": "ftp", "path": server.path(drop)},
            "stated": {"host": "localhost", "port": server.port, "login": server.user},
            "extra": {"ca_file": str(server.ca_path)},
            "protection": {},
            "warm_up": "warm-up.bin",
            "measured": "measured.bin",
        }
    )


def _curl(server: FtpServer, drop: Path, folder: Path) -> Contestant:
    """`curl`, then the file is flushed and read again by sha256sum."""
    logins = folder / "netrc"
    logins.touch(mode=0o600)
    logins.write_text(f"machine localhost login {server.user} password {server.password}\n")
    words = ["curl", "--silent", "--show-error", "--fail", "--ssl-reqd", "--cacert", str(server.ca_path)]
    words += ["--netrc-file", str(logins), "--output", "measured"]
    url = f"ftp://localhost:{server.port}{server.path(drop)}/measured.bin"
    script = f'cd "$1" && {" ".join(words)} {url} && sync measured && sha256sum measured'
    return Contestant(command=["/bin/sh", "-c", script, "sh", "{out}"], tells=False)
