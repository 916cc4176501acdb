"""What FTP servers list: MLSD where they have it, else names, each asked for its size and time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from finport_ingestion.engine.sources.files.choice import FoundFile


def facts_of(line: str) -> tuple[str, dict[str, str]]:
    """Name and facts of a line of MLSD or MLST: `type=file;size=4;modify=20240102030405; a.csv`."""
    facts, _, name = line.lstrip().partition(" ")
    pairs = (fact.partition("=") for fact in facts.split(";") if fact)
    return name, {key.lower(): value for key, _, value in pairs}


def found(path: str, facts: dict[str, str]) -> FoundFile:
    """The file of these facts."""
    size, modify = facts.get("size", ""), facts.get("modify")
    return FoundFile(
        path=path, size_bytes=int(size) if size.isdecimal() else None, modified_at=moment(modify) if modify else None
    )


def moment(text: str) -> datetime | None:
    """`20240102030405.678` of UTC; None where it is no time."""
    whole, _, fraction = text.strip().partition(".")
    try:
        second = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return second + timedelta(microseconds=int(fraction[:6].ljust(6, "0"))) if fraction else second
    except ValueError:
        return None
