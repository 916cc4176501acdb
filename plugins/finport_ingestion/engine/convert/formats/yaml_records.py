"""YAML 1.2 as data: a list of mappings, a mapping keyed by data, or several documents. Held in memory as a whole.

`no` and `NO` are text, and so are `0123`, `12:30` and `2024-01-31` until their column shows what it is; numbers are
exact. Tags are refused, aliases are limited, merge keys (`<<`) are written out.

```yaml
convert: {format: yaml}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_KEY = r"""(?:"[^"]*"|'[^']*'|[^\s#:'"{}\[\],&*!|>%@`-][^:#{}\[\],"]*)"""
_ENTRY = re.compile(rf"^ *(?:- +)*{_KEY}:(?: +\S.*| *)$")
_ITEM = re.compile(r"^ *- +\S.*$")
_FLOW_ITEM = re.compile(rf"^ *- +(?:[&!][^\s{{\[]* +)*\{{ *(?:{_KEY}|<<):(?: |$)")
"""An item that is a mapping between braces: to a delimited parser it is text between commas."""
_BEGINNING = re.compile(r"^(?:---(?: |$)|-(?: |$)|\? |(?:\[ *)?\{ *[A-Za-z_])|^[^\s#{\[][^:]*:(?: |$)")
"""What a file that is called YAML may begin with."""
_DASHES = re.compile(r"^---(?: |$)")
_LINES = 60
_SHARE = 0.5
_CALLED_SO = 0.6


class YamlOptions(FormatOptions):
    """Where the records stand."""

    format: Literal["yaml"]
    records: str | None = Field(
        default=None,
        description="JMESPath of the list of records, or a path with wildcards such as `rates.{currency}.{day}`, whose "
        "names become columns; by default they are found.",
    )
    carry: tuple[str, ...] = Field(
        default=(), description="Members that stand beside a path with wildcards, as columns of its records."
    )


class YamlFormat:
    """See the module."""

    Options = YamlOptions
    typed = False
    whole_file = True
    isolated = False
    main_table = ""
    suffixes = (".yaml", ".yml")
    media_types = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")

    def __init__(self, options: YamlOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        lines = [line for line in head.text.splitlines()[:_LINES] if line.strip() and not line.lstrip().startswith("#")]
        if not lines:
            return None
        return _likeness(lines) or _by_name(head, lines)

    def read(self, raw: RawFile) -> Iterator[Batch]:
        return self._read(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self._read(raw, only_sample=True)

    def _read(self, raw: RawFile, *, only_sample: bool = False) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.json_document import Where
        from finport_ingestion.engine.convert.reading.yaml_records import read_yaml

        where = Where(path=self.options.records, carry=self.options.carry)
        return read_yaml(raw, where=where, only_sample=only_sample)


def _likeness(lines: list[str]) -> Likeness | None:
    """By what stands in the lines."""
    if lines[0].startswith("%YAML "):
        return Likeness(1.0, "begins with %YAML")
    marked = _DASHES.match(lines[0]) is not None
    body = lines[1:] if marked and lines[0].rstrip() == "---" else lines
    if not body or body[0].startswith(("{", "[")) or not any(_is_entry(line) for line in body[:3]):
        return None
    share = sum(1 for line in body if _is_entry(line) or _ITEM.match(line)) / len(body)
    if share < _SHARE:
        return None
    return Likeness(0.95, "begins with --- and a mapping") if marked else Likeness(0.9 * share, "keys and values")


def _is_entry(line: str) -> bool:
    return _ENTRY.match(line) is not None or _FLOW_ITEM.match(line) is not None


def _by_name(head: Head, lines: list[str]) -> Likeness | None:
    """Long texts, plain items, tags: little that other text has not too, in a file that is called YAML."""
    if PurePosixPath(head.name).suffix.lower() in YamlFormat.suffixes and _BEGINNING.match(lines[0]):
        return Likeness(_CALLED_SO, "begins as YAML may")
    return None
