"""Who stated each value that holds for a source: `path:line` of a document, or the built-in default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finport_ingestion.engine.model import plain

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.config.layers import Resolved
    from finport_ingestion.engine.config.loader import Document
    from finport_ingestion.engine.config.mistakes import KeyPath
    from finport_ingestion.engine.workflow.plan import Plan

_ELSEWHERE = ("description", "owner", "overrides")
"""Keys of a source that are told otherwise: in the heading, or as settings."""
_REFERRED = (("authentication", "Authentication", "auth"), ("format", "Format", "convert"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """One value that holds, and where it is stated."""

    key: str
    value: Any
    origin: str


def stated_by(documents: Catalog, plan: Plan, source: str) -> list[Stated]:
    """Every value that holds for a source: of its document, of what that refers to, its settings, steps' overrides."""
    document = documents.document("Source", source)
    own = {key: value for key, value in document.spec.items() if key not in _ELSEWHERE}
    found = list(_of_document(document, own, ("spec",)))
    for key, kind, shown in _REFERRED:
        if name := document.spec.get(key):
            referred = documents.document(kind, name)
            found += _of_document(referred, {shown: referred.spec[shown]}, ("spec",))
    resolved = documents.settings(source)
    found += _of_settings(resolved)
    for step in plan.steps:
        if plain(step.overrides):
            above = documents.settings(source, step=(plan.workflow, step.name))
            found += _of_settings(above, step=step.name, beside=resolved)
    return found


def _of_document(document: Document, values: Mapping[str, Any], at: KeyPath) -> Iterator[Stated]:
    for path, value in leaves(values):
        where = (*at, *path)
        if isinstance(value, list) and value and all(isinstance(member, Mapping) for member in value):
            for index, member in enumerate(value):
                yield from _member(document, member, where, index=index)
        else:
            line = document.positions.key(where)[0]
            yield Stated(key=".".join(path), value=value, origin=f"{document.path}:{line}")


def _member(document: Document, member: Mapping[str, Any], at: KeyPath, *, index: int) -> Iterator[Stated]:
    """One of a list of mappings, such as a column: a line of its own, called by its name."""
    called = member.get("name", index)
    rest = {key: value for key, value in member.items() if key != "name"}
    line = document.positions.value((*at, index))[0]
    yield Stated(key=f"{'.'.join(str(key) for key in at[1:])}[{called}]", value=rest, origin=f"{document.path}:{line}")


def _of_settings(resolved: Resolved, *, step: str | None = None, beside: Resolved | None = None) -> Iterator[Stated]:
    """The settings; with `beside` only those that are stated otherwise there."""
    prefix = f"settings in step {step}" if step else "settings"
    for path, value in leaves(resolved.settings.model_dump(mode="json", by_alias=True)):
        key = ".".join(path)
        origin = resolved.origins[key]
        if beside is None or beside.origins.get(key) != origin:
            yield Stated(key=f"{prefix}.{key}", value=value, origin=origin)


def leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that is no mapping, with its keys; an empty mapping has none."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value
