"""The pages of the five kinds of documents and of the settings that are layered."""

from __future__ import annotations

from collections.abc import Iterable

from docs.generated_tables import Section, sections
from finport_ingestion.engine.config.examples import EXAMPLES
from finport_ingestion.engine.config.models.documents import KINDS
from finport_ingestion.engine.config.schemas import json_schema

_FOLDERS = {
    "Source": "sources",
    "Authentication": "authentication",
    "Format": "formats",
    "Policy": "policies",
    "Workflow": "workflows",
}
_SEE = {"Workflow": "The agents and their actions are those of [Actions](actions.md)."}
_SETTINGS = """\
# Settings

What a policy decides. Four layers may state any part of them; the nearest to the work wins, key by key:

1. the Policy document called `default`,
2. the Policy document that the source names in `spec.policy`,
3. the source's own `spec.overrides`,
4. the `overrides` of the workflow's step.

What nobody states has the default that stands here. A list is replaced as a whole; a `store` block that names another
storage replaces the one below it. `finport plan` prints every value that is stated, with the document that states it.

```yaml
settings:
  quality: {minScore: 90, maxErrorShare: 0.02}
  retention: {landing: 90d}
  limits: {rate: 10/second, requestTimeout: 1m}
```

A duration is written like `90s`, `5m`, `2h`, `1h30m` or `30d`; a rate like `100/minute`; a share is between 0 and 1.
"""


def kind_page(kind: str) -> str:
    """The page of one kind: what it is, an example, every key."""
    schema = json_schema(kind)
    models = {**schema["$defs"], kind: schema}
    lines = [
        f"# {kind}",
        "",
        (KINDS[kind].__doc__ or "").strip(),
        f"Such documents lie in `include/configs/{_FOLDERS[kind]}/`, any number in a file, separated by `---`.",
        "",
        "```yaml",
        EXAMPLES[kind].rstrip(),
        "```",
        "",
        f"Editors complete it from [the JSON Schema](schemas/json/{kind.lower()}.schema.json).",
        *([_SEE[kind]] if kind in _SEE else []),
        *_written(sections(models, kind), top="The document"),
    ]
    return "\n".join(lines)


def settings_page() -> str:
    """The settings, block by block."""
    models = json_schema("Policy")["$defs"]
    return "\n".join([_SETTINGS, *_written(sections(models, "Settings"), top="settings")])


def kind_pages() -> dict[str, str]:
    """Every kind's page, by file name."""
    return {f"{kind.lower()}.md": kind_page(kind) for kind in KINDS}


def _written(parts: Iterable[Section], *, top: str) -> list[str]:
    lines: list[str] = []
    for part in parts:
        lines += ["", f"## {part.path or top}", "", *([part.description, ""] if part.path else []), part.table]
    return [*lines, ""]
