"""Whether the right things are installed: Python, this package, what it needs, its extras, Airflow."""

from __future__ import annotations

import importlib.metadata as metadata
import platform
import sys
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from finport_ingestion import __version__
from finport_ingestion.cli.checks.check import Check, fail, ok, warn

DISTRIBUTION = "airflow-provider-finport-ingestion"
_OLDEST = (3, 11)
_FOR_DEVELOPERS = ("demo", "dev", "docs")
_AIRFLOW = "apache-airflow"


def installation() -> Iterator[Check]:
    """Every check of this module."""
    yield _python()
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
        installed = metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        yield warn(
            "package",
            f"finport {__version__} runs from its source; Airflow does not know its connection types",
            "pip install -e .",
        )
        return
    yield ok("package", f"{DISTRIBUTION} {installed}")
    yield from _needed(requirements)
    yield from _extras(requirements)


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info < _OLDEST:
        return fail("python", version, "use Python 3.11 or newer")
    return ok("python", version)


def _needed(requirements: list[str]) -> Iterator[Check]:
    wrong = False
    for text in requirements:
        name, specifier, extra = _parsed(text)
        found = _version(name)
        if extra is not None:
            continue
        if found is None:
            wrong = True
            yield fail(name, "not installed", f"pip install '{name}{specifier}'")
        elif found not in specifier:
            wrong = True
            yield fail(name, f"{found} is installed, {specifier} is needed", f"pip install '{name}{specifier}'")
        elif name == _AIRFLOW:
            yield ok("airflow", found)
    if not wrong:
        yield ok("libraries", "all that the package needs is installed, in versions that fit")


def _extras(requirements: list[str]) -> Iterator[Check]:
    extras: dict[str, list[str]] = {}
    for text in requirements:
        name, _, extra = _parsed(text)
        if extra is not None and extra not in _FOR_DEVELOPERS:
            extras.setdefault(extra, []).append(name)
    for extra, names in sorted(extras.items()):
        missing = [name for name in names if _version(name) is None]
        told = f"not installed ({', '.join(missing)}); only who uses it needs it" if missing else ", ".join(names)
        yield ok(f"extra {extra}", told)


def _parsed(text: str) -> tuple[str, SpecifierSet, str | None]:
    requirement = Requirement(text)
    marker = str(requirement.marker) if requirement.marker else ""
    extra = marker.partition("extra == ")[2].strip("\"' )") or None
    return requirement.name, requirement.specifier, extra


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
