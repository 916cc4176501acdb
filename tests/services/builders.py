"""Servers that no Debian package holds: from Maven, the module proxy of Go and npm, as this machine reaches them.

Each function fills a folder of the cache (see `Build`) and raises `subprocess.CalledProcessError` where it cannot.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.services.service import Build, Found, Missing, built_folder

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local.test</groupId><artifactId>services</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>{}</dependencies>
</project>
"""
_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


def find_built(name: str, build: Build, *, file: str, tool: str | None = None) -> Found | Missing:
    """What `build` made of the service `name`: `file` in its folder of the cache.

    Args:
        tool: A program that has to be there to run it, e.g. `java`.
    """
    if tool and shutil.which(tool) is None:
        return Missing(reason=f"{tool} is not on PATH")
    path = built_folder(name, build) / file
    if not path.exists():
        return Missing(reason="it was not built yet")
    return Found(version=build.version, how=str(path), path=path)


def maven_jars(folder: Path, artifacts: Sequence[str]) -> None:
    """The jars of `group:artifact:version` and all they depend on, into `folder`."""
    dependencies = "".join(_DEPENDENCY.format(*artifact.split(":")) for artifact in artifacts)
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "pom.xml").write_text(_POM.format(dependencies))
        copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
        subprocess.run(["mvn", "-B", "-q", *copy], cwd=scratch, check=True)


def maven_file(folder: Path, artifact: str) -> None:
    """One file, `group:artifact:version:type[:classifier]`, into `folder`, without what it depends on."""
    copy = ["dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
    subprocess.run(["mvn", "-B", "-q", *copy], cwd=folder, check=True)


def go_program(folder: Path, package: str, *, files: Mapping[str, str] | None = None, name: str | None = None) -> None:
    """A Go program, built into `folder`; modules and intermediate files are dropped.

    Args:
        package: `path@version` to install; or, with `files`, the package of their module to build, e.g. `.`.
        files: A module of our own: `go.mod` and what else it needs.
        name: Of the program, where it is not the one that Go gives it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        module = Path(scratch) / "module"
        module.mkdir()
        for file, content in (files or {}).items():
            (module / file).write_text(content)
        settings = {
            "GOPATH": f"{scratch}/path",
            "GOCACHE": f"{scratch}/cache",
            "GOBIN": str(folder),
            "GOFLAGS": "-mod=mod -modcacherw",
            "GOTOOLCHAIN": "local",
            "CGO_ENABLED": "0",
        }
        how = ["build", "-o", f"{folder}/"] if files else ["install"]
        go = ["go", *how, "-trimpath", "-ldflags", "-s -w", package]
        subprocess.run(go, cwd=module, env={**os.environ, **settings}, check=True)
    if name:
        (made,) = folder.iterdir()
        made.rename(folder / name)


def npm_packages(folder: Path, packages: Sequence[str]) -> None:
    """npm packages (`name@version`) and all they depend on, into `folder/node_modules`."""
    (folder / "package.json").write_text('{"private": true}\n')
    npm = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *packages]
    subprocess.run(npm, cwd=folder, check=True)
