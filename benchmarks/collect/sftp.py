"""SFTP: 500 MB from sshd, by OpenSSH's own client and by ours."""

from __future__ import annotations

from benchmarks.collect.downloads import OURS, Contestant, Downloads, compare
from benchmarks.collect.dropped import MEASURED, Dropped, dropped
from benchmarks.measured import By, Goal, Outcome
from benchmarks.registry import Effort
from tests.services import sshd_server
from tests.services.sshd_server import SshServer

_AT_MOST = 1 / 0.9


def sftp(effort: Effort) -> Outcome:
    """At least 0.9 times the speed of `sftp`; for no more CPU than that with the cipher of ours.

    Raises:
        RuntimeError: A contestant failed, or fetched something else.
    """
    with dropped(sshd_server.SERVICE, effort) as files:
        server = files.server
        contestants = {
            OURS: files.ours("sftp", host="127.0.0.1", host_key=server.host_key, key_file=str(server.key_path)),
            "sftp": _binary(files),
            "sftp aes128-gcm": _binary(files, "-c", "aes128-gcm@openssh.com"),
        }
        return compare(
            Downloads(
                title="SFTP to the landing area",
                contestants=contestants,
                goals=[
                    Goal(contestant=OURS, reference="sftp", at_most=_AT_MOST, by=By.WALL),
                    # The cipher that ours asks for, where the clock says more of the machine.
                    Goal(contestant=OURS, reference="sftp aes128-gcm", at_most=_AT_MOST),
                ],
                sha256=files.sha256,
                file_bytes=files.file_bytes,
                packages=("asyncssh", "cryptography"),
                facts={"server": f"sshd {files.version}, internal-sftp, chrooted"},
            ),
            effort,
        )


def _binary(files: Dropped[SshServer], *options: str) -> Contestant:
    """`sftp`, then the file is flushed and read again by sha256sum."""
    server = files.server
    known_hosts = files.folder / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
    batch = files.folder / "batch"
    words = ["sftp", "-q", "-P", str(server.port), "-i", str(server.key_path), "-F", "none"]
    words += ["-o", f"UserKnownHostsFile={known_hosts}", *options, "-b", str(batch), f"{server.user}@127.0.0.1"]
    batch.write_text(f"get {files.path}/{MEASURED} measured\n")
    script = f'cd "$1" && {" ".join(words)} > /dev/null && sync measured && sha256sum measured'
    return Contestant(command=["/bin/sh", "-c", script, "sh", "{out}"], tells=False)
