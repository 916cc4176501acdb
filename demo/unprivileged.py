"""How a server that refuses root is run when the demo is started by root."""

from __future__ import annotations

import os
import pwd
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from finport_ingestion.engine.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class UnprivilegedUser:
    """Whom a server runs as, and the words before its command."""

    user_id: int
    group_id: int
    prefix: tuple[str, ...]

    def command(self, command: list[str]) -> list[str]:
        """The command as it has to be started; `setpriv` execs, so the process id is the server's."""
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            return command
        # From a thread that ends, the death signal would come while the process lives on.
        in_main_thread = threading.current_thread() is threading.main_thread()
        death_signal = ["--pdeathsig", "INT"] if in_main_thread else []
        options = [*self.prefix, *death_signal]
        return [setpriv, *options, *command] if options else command

    def give(self, path: Path) -> None:
        """Make the user the owner of `path`."""
        if (self.user_id, self.group_id) != (os.geteuid(), os.getegid()):
            os.chown(path, self.user_id, self.group_id)


def run_as(*used: Path) -> UnprivilegedUser:
    """Ourselves, or `nobody` when we are root; it gets its way to the paths in `used`.

    Raises:
        ConfigError: We are root and there is no `setpriv` to become someone else.
    """
    if os.geteuid() != 0:
        return UnprivilegedUser(user_id=os.geteuid(), group_id=os.getegid(), prefix=())
    if shutil.which("setpriv") is None:
        raise ConfigError(
            "PostgreSQL refuses to run as root, and there is no setpriv to run it as another user.",
            hint="install util-linux, or start the demo as an ordinary user",
        )
    user = pwd.getpwnam("nobody")
    identity = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    return UnprivilegedUser(
        user_id=user.pw_uid, group_id=user.pw_gid, prefix=(*identity, *(() if _open_to_all(used) else _PASSAGE))
    )


# Under /root or another closed folder `nobody` would not even find its program. This one capability
# lets it pass, and nothing else of root's power; the securebit is there because `access(2)`, by which
# PostgreSQL looks for its programs, ignores capabilities without it.
_PASSAGE = (
    "--securebits=+no_setuid_fixup",
    "--bounding-set=-all,+dac_override",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
)


def _open_to_all(paths: tuple[Path, ...]) -> bool:
    folders = {folder for path in paths for folder in (path, *path.parents)}
    return all(folder.stat().st_mode & 0o001 for folder in folders if folder.exists())
