"""One line of `finport doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from finport_ingestion.engine.errors import FinportError

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was looked at, how it stands, and how it is put right where it is not."""

    level: Level
    what: str
    told: str
    fix: str = ""


def ok(what: str, told: str) -> Check:
    """It is as it must be."""
    return Check(level="ok", what=what, told=told)


def warn(what: str, told: str, fix: str) -> Check:
    """Something will not work, but the rest does."""
    return Check(level="warn", what=what, told=told, fix=fix)


def fail(what: str, told: str, fix: str) -> Check:
    """Nothing works until it is put right."""
    return Check(level="fail", what=what, told=told, fix=fix)


def failed_by(what: str, error: FinportError, *, level: Level = "fail") -> Check:
    """An error, as a line."""
    return Check(level=level, what=what, told=error.message, fix=error.hint or "")
