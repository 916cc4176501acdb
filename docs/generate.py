"""Write docs/reference/ from the models, the registries and the command line: `python -m docs.generate`.

The pages are committed; a test compares them with what this writes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from docs.generated_commands import commands_page
from docs.generated_documents import kind_pages, settings_page
from docs.generated_facts import errors_page, events_page
from docs.generated_formats import formats_page
from docs.generated_plugins import plugin_pages
from docs.generated_sources import sources_page
from finport_ingestion.engine.config.models.documents import KINDS
from finport_ingestion.engine.config.schemas import PLURALS, write_schemas

REFERENCE = Path(__file__).parent / "reference"
_NOTE = "<!-- Written by `python -m docs.generate`; do not edit. -->\n\n"
_REST = {
    "settings.md": "what a policy decides, and its layers",
    "protocols.md": "how sources are reached",
    "formats.md": "what bytes mean",
    "storages.md": "where records go",
    "auth-methods.md": "how requests prove who asks",
    "actions.md": "what a workflow's step does",
    "relays.md": "where events are sent",
    "events.md": "what is told, and with which data",
    "errors.md": "the tree of errors, and what is retried",
    "commands.md": "the command line, and its exit codes",
    "shipped-sources.md": "documents of real providers, and what was read of them",
}


def write_reference(folder: Path) -> None:
    """Write every generated page and schema into `folder`; what was there is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pages = {
        "index.md": _index(),
        **kind_pages(),
        "settings.md": settings_page(),
        **plugin_pages(),
        "formats.md": formats_page(),
        "events.md": events_page(),
        "errors.md": errors_page(),
        "commands.md": commands_page(),
        "shipped-sources.md": sources_page(),
    }
    for name, text in pages.items():
        (folder / name).write_text(f"{_NOTE}{text.rstrip()}\n", encoding="utf-8")
    write_schemas(folder / "schemas")


def _index() -> str:
    lines = ["# Reference", "", "Generated from the code.", "", "## Documents", ""]
    lines += [f"- [{kind}]({kind.lower()}.md): {(model.__doc__ or '').strip()}" for kind, model in KINDS.items()]
    lines += ["", "## The rest", ""]
    lines += [f"- [{_title(name)}]({name}): {what}" for name, what in _REST.items()]
    lines += ["", "## Schemas", "", "JSON Schemas for editors, and custom resource definitions for Kubernetes:", ""]
    for kind in KINDS:
        schema, definition = f"schemas/json/{kind.lower()}.schema.json", f"schemas/crds/{PLURALS[kind]}.finport.io.yaml"
        lines.append(f"- {kind}: [JSON Schema]({schema}), [CRD]({definition})")
    return "\n".join(lines)


def _title(name: str) -> str:
    return name.removesuffix(".md").replace("-", " ").capitalize()


if __name__ == "__main__":
    write_reference(REFERENCE)
