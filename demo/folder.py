"""The folder in which the demo's sources live: one owner at a time, nothing half-written in it.

```text
.airflow/demo/
├── lock               held by the process that serves
├── credentials.json   0600: client secret, database passwords
├── ports.json         the ports of the last start, tried first by the next one
├── endpoints.json     0600: where the sources listen, while they do
├── environment.json   0600: the same as AIRFLOW_CONN_* variables
├── partial/           files under construction; emptied by the next start
├── logs/  tls/  prices/  postgres/
```
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


class DemoFolder:
    """Writes files and folders so that each is there whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.partial = self.path / "partial"
        self.logs = self.path / "logs"

    def prepare(self) -> None:
        """Create what is missing and clear what an interrupted start left; only for the lock's holder."""
        shutil.rmtree(self.partial, ignore_errors=True)
        for folder in (self.partial, self.logs):
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, content: bytes, *, private: bool = False) -> None:
        """Publish a file atomically; one that already holds `content` keeps its modification time."""
        path = self.path / name
        mode = 0o600 if private else 0o644
        if path.is_file() and path.read_bytes() == content:
            path.chmod(mode)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes the file 0600, so a secret is never readable by others, not even while it is written.
        descriptor, partial = tempfile.mkstemp(dir=self.partial)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(partial).chmod(mode)
        Path(partial).replace(path)

    def write_json(self, name: str, content: object) -> None:
        """Publish JSON that only the owner reads."""
        self.write(name, json.dumps(content, indent=2).encode(), private=True)

    def read_json(self, name: str) -> dict[str, str | int]:
        """The JSON object `name`, empty when the file is missing or damaged."""
        try:
            content = json.loads((self.path / name).read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def build(self, name: str, *, files: tuple[str, ...], fill: Callable[[Path], None]) -> Path:
        """The folder `name` with `files`, filled once: built aside by `fill`, renamed when it is whole."""
        path = self.path / name
        if not all((path / file).is_file() for file in files):
            shutil.rmtree(path, ignore_errors=True)
            partial = Path(tempfile.mkdtemp(dir=self.partial))
            partial.chmod(0o755)
            fill(partial)
            partial.replace(path)
        return path

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)


class FolderLock:
    """One process at a time serves a folder; the kernel frees the lock when that process dies.

    A POSIX record lock, since it is not inherited by forks: `flock` would stay held by a task that
    Airflow forked, after its parent was killed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Whether the lock is ours now; never waits."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
