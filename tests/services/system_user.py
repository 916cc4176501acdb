"""A user of this machine, for servers that know no other users; gone when the block ends. Needs root."""

from __future__ import annotations

import pwd
import secrets
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_TRIES = 50
_WAIT_SECONDS = 0.1


@contextmanager
def system_user(*, password: str | None = None, shell: str = "/usr/sbin/nologin") -> Iterator[pwd.struct_passwd]:
    """A user without a home of its own.

    Args:
        password: By default none at all, which is not the same as a locked account.
    """
    name = f"finport{secrets.token_hex(4)}"
    _run(["useradd", "--no-create-home", "--home-dir", "/", "--shell", shell, name])
    try:
        if password is None:
            # "!" would be a locked account to sshd; "*" matches no password.
            _run(["usermod", "--password", "*", name])
        else:
            _run(["chpasswd"], told=f"{name}:{password}")
        yield pwd.getpwnam(name)
    finally:
        _run(["userdel", name])


def _run(command: Sequence[str], *, told: str | None = None) -> None:
    """Run it; again where another test run holds the lock of the user database."""
    for number in range(_TRIES):
        done = subprocess.run(command, input=told, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if "lock" not in done.stderr or number == _TRIES - 1:
            raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()}")
        time.sleep(_WAIT_SECONDS)
