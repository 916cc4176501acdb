"""FTP over TLS: 500 MB from vsftpd, by curl and by ours."""

from __future__ import annotations

from benchmarks.collect.downloads import OURS, Contestant, Downloads, compare
from benchmarks.collect.dropped import MEASURED, Dropped, dropped
from benchmarks.measured import By, Goal, Outcome
from benchmarks.registry import Effort
from tests.services import vsftpd_server
from tests.services.ftp_server import FtpServer

_AT_MOST = 1 / 0.9


def ftp(effort: Effort) -> Outcome:
    """At least 0.9 times the speed of curl: near what the line gives.

    Raises:
        RuntimeError: A contestant failed, or fetched something else.
    """
    with dropped(vsftpd_server.SERVICE, effort) as files:
        return compare(
            Downloads(
                title="FTP over TLS to the landing area",
                contestants={
                    OURS: files.ours("ftp", host="localhost", ca_file=str(files.server.ca_path)),
                    "curl": _curl(files),
                },
                goals=[Goal(contestant=OURS, reference="curl", at_most=_AT_MOST, by=By.WALL)],
                sha256=files.sha256,
                file_bytes=files.file_bytes,
                packages=(),
                facts={"server": f"vsftpd {files.version}, TLS on both connections, sessions reused"},
            ),
            effort,
        )


def _curl(files: Dropped[FtpServer]) -> Contestant:
    """`curl`, then the file is flushed and read again by sha256sum."""
    server, logins = files.server, files.folder / "netrc"
    logins.touch(mode=0o600)
    logins.write_text(f"machine localhost login {server.user} password {server.password}\n")
    words = ["curl", "--silent", "--show-error", "--fail", "--ssl-reqd", "--cacert", str(server.ca_path)]
    words += ["--netrc-file", str(logins), "--output", "measured"]
    url = f"ftp://localhost:{server.port}{files.path}/{MEASURED}"
    script = f'cd "$1" && {" ".join(words)} {url} && sync measured && sha256sum measured'
    return Contestant(command=["/bin/sh", "-c", script, "sh", "{out}"], tells=False)
