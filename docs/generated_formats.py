"""The page of formats: all at a glance, what they share, then each with its options, limits and an example."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

from docs.generated_tables import Section, sections, table
from finport_ingestion.engine.config.schemas import json_schema
from finport_ingestion.engine.convert.containers.registry import CONTAINERS
from finport_ingestion.engine.convert.interface import Format
from finport_ingestion.engine.convert.outputs.registry import OUTPUTS
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.options import FormatOptions, UnpackOptions

_SHARED = tuple(field.alias or name for name, field in FormatOptions.model_fields.items() if name != "format")
_INTRO = """\
# Formats

What bytes mean: the `convert` block of a [Format](format.md) or [Source](source.md) document, and `--options` of
`finport convert`. What names none is recognised by content first, then by file name and media type; an answer of a
confidence under 0.8 is a warning. A new one is written as [Add a format](../how-to/add-a-format.md) says.

Types come from the values: every value of a column is proved while it is converted. Integers are int64, numbers with a
decimal point are decimals of the largest scale seen, identifiers (leading zeros, ISIN, account, zip ...) stay text,
dates and times are typed where one way of writing fits all values; what is ambiguous stays text and is told. The binary
floats of typed formats stay floats.
"""
_PACKED = """\
## Compression, archives, encryption

Around any format, and in each other: {names}. What it is, the bytes say. Several files of an archive are a table each,
or one with `union`. Paths that climb, links, bombs, cut and damaged archives are refused.
"""
_WRITTEN = """\
## Written as

`finport convert --to` {names}. A workflow writes Parquet: zstandard, statistics, page index, encodings that suit the
values.
"""
_LIMITS = """\
## Limits

The `reading` block of the [settings](settings.md). A file beyond one of them is refused, with the limit in the message.
"""


def formats_page() -> str:
    """The whole page."""
    models = json_schema("Source")["$defs"]
    glance = [_glance(name, FORMATS.get(name)) for name in FORMATS.names()]
    head = ("format", "files", "types", "tables", "held in memory", "read apart")
    lines = [_INTRO, table(head, glance), "", "## Shared by all", ""]
    lines += [table(("key", "what it is"), list(_shared())), ""]
    lines += [_PACKED.format(names=_listed(CONTAINERS.names())), _WRITTEN.format(names=_listed(OUTPUTS.names()))]
    limits = next(sections(models, "ReadLimits"))
    lines += [_LIMITS, limits.table]
    for module, names in _by_module().items():
        lines += ["", f"## {', '.join(names)}", "", inspect.cleandoc(sys.modules[module].__doc__ or ""), ""]
        for name in names:
            plugin = FORMATS.get(name)
            lines += [f"### {name}", ""] if len(names) > 1 else []
            lines += [_facts(plugin), ""]
            for part in sections(models, plugin.Options.__name__):
                lines += _section(part)
        lines.append(f"Module: `plugins/{module.replace('.', '/')}.py`")
    return "\n".join([*lines, ""])


def _shared() -> Iterator[tuple[str, str]]:
    for name, field in FormatOptions.model_fields.items():
        yield f"`{field.alias or name}`", field.description or ""
    for name, field in UnpackOptions.model_fields.items():
        yield f"`unpack.{field.alias or name}`", field.description or ""


def _section(part: Section) -> Iterator[str]:
    """A table of keys without those that all formats share."""
    if part.path in _SHARED:
        return
    rows = [row for row in part.table.splitlines() if row.split("`")[1:2] not in [[key] for key in _SHARED]]
    own = [row for row in rows[2:] if not row.startswith("| `format` ")]
    yield from ([f"#### {part.path}", ""] if part.path else [])
    yield from (part.description, "")
    if own:
        yield from (*rows[:2], *own, "")


def _glance(name: str, plugin: type[Format]) -> tuple[str, ...]:
    return (
        f"[{name}](#{'-'.join(_anchor(name))})",
        ", ".join(f"`{suffix}`" for suffix in plugin.suffixes),
        "its own" if plugin.typed else "proved",
        f"main: `{plugin.main_table}`" if plugin.main_table else "",
        "yes" if plugin.whole_file else "",
        "yes" if plugin.isolated else "",
    )


def _anchor(name: str) -> list[str]:
    siblings = next(names for names in _by_module().values() if name in names)
    return [name] if len(siblings) > 1 else siblings


def _facts(plugin: type[Format]) -> str:
    facts = ["Columns have the types of the file." if plugin.typed else "Types are proved on the values."]
    if plugin.whole_file:
        facts.append("A file is held in memory as a whole, up to `wholeFileBytes`.")
    if plugin.isolated:
        facts.append("A native library reads it, in a process of its own with `childMemoryBytes` and `childSeconds`.")
    if plugin.main_table:
        facts.append(f"Holds several tables; a Source that names none gets `{plugin.main_table}`.")
    return " ".join(facts)


def _by_module() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in FORMATS.names():
        found.setdefault(FORMATS.get(name).__module__, []).append(name)
    return found


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
