"""The documents of a project as they were at a revision of git."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.project import CONFIGS, Project

_SECONDS = 60


@contextlib.contextmanager
def documents_at(project: Project, revision: str) -> Iterator[Project]:
    """A project in a temporary folder that holds the documents of `revision`, and nothing else.

    Raises:
        ConfigError: git is missing, the project is in no repository, or there is no such revision.
    """
    _git(project.folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", of=revision)
    configs = CONFIGS.as_posix()
    with tempfile.TemporaryDirectory(prefix="finport-plan-") as name:
        folder = Path(name)
        (folder / CONFIGS).mkdir(parents=True)
        # The listing tells a revision from before the first document from one that cannot be read.
        if _git(project.folder, "ls-tree", "--name-only", revision, f"{configs}/", of=revision).strip():
            archive = _git(project.folder, "archive", "--format=tar", revision, "--", configs, of=revision)
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(folder, filter="data")
        yield Project(folder)


def _git(folder: Path, *arguments: str, of: str) -> bytes:
    git = shutil.which("git")
    if git is None:
        raise ConfigError("git is not installed.", hint="install it; --diff reads earlier documents out of it")
    command = [git, "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)  # noqa: S603
    if done.returncode == 0:
        return done.stdout
    told = done.stderr.decode(errors="replace").strip()
    raise ConfigError(
        f"git knows no revision '{of}' of {folder}{f': {told}' if told else '.'}",
        hint="name a commit, branch or tag of the project's repository",
    )
