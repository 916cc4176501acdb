"""SFTP: 500 MB from sshd, by OpenSSH's own client and by ours."""

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
from tests.services import sshd_server
from tests.services.certificates import PrivateCa
from tests.services.service import Found, open_workspace
from tests.services.sshd_server import SshServer

_AT_MOST = 1 / 0.9


def sftp(effort: Effort) -> Outcome:
    """At least 0.9 times the speed of `sftp`; for no more CPU than that with the cipher of ours.

    Raises:
        RuntimeError: A contestant failed, or fetched something else.
    """
    found = sshd_server.find()
    assert isinstance(found, Found), found
    size = QUICK_FILE_BYTES if effort.quick else FILE_BYTES
    with (
        tempfile.TemporaryDirectory() as folder,
        open_workspace("sshd", ca=PrivateCa(Path(folder))) as workspace,
        sshd_server.start(workspace, found) as server,
    ):
        drop = server.folder()
        sha256 = noise(drop / "measured.bin", size)
        noise(drop / "warm-up.bin", WARM_UP_BYTES)
        contestants = {
            OURS: _ours(server, drop),
            "sftp": _binary(server, drop, workspace.folder),
            "sftp aes128-gcm": _binary(server, drop, workspace.folder, "-c", "aes128-gcm@openssh.com"),
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
                sha256=sha256,
                file_bytes=size,
                packages=("asyncssh", "cryptography"),
                facts={"server": f"sshd {found.version}, internal-sftp, chrooted"},
            ),
            effort,
        )


def _ours(server: SshServer, drop: Path) -> Contestant:
    return ours(
        {
            "options": {"protocol": "sftp", "path": server.path(drop)},
            "stated": {"host": "127.0.0.1", "port": server.port, "login": server.user},
            "extra": {"host_key": server.host_key, "key_file": str(server.key_path)},
            "protection": {},
            "warm_up": "warm-up.bin",
            "measured": "measured.bin",
        }
    )


def _binary(server: SshServer, drop: Path, folder: Path, *options: str) -> Contestant:
    """`sftp`, then the file is flushed and read again by sha256sum."""
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
    batch = folder / "batch"
    words = ["sftp", "-q", "-P", str(server.port), "-i", str(server.key_path), "-F", "none"]
    words += ["-o", f"UserKnownHostsFile={known_hosts}", *options, "-b", str(batch), f"{server.user}@127.0.0.1"]
    batch.write_text(f"get {server.path(drop)}/measured.bin measured\n")
    script = f'cd "$1" && {" ".join(words)} > /dev/null && sync measured && sha256sum measured'
    return Contestant(command=["/bin/sh", "-c", script, "sh", "{out}"], tells=False)
