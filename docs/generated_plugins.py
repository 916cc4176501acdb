"""The pages of what a registry holds: protocols, storages, authentication methods, relays, actions."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docs.generated_tables import Schema, sections, table
from finport_ingestion.engine.auth.registry import METHODS
from finport_ingestion.engine.config.schemas import json_schema
from finport_ingestion.engine.events.registry import RELAYS
from finport_ingestion.engine.registry import Registry
from finport_ingestion.engine.sources.registry import PROTOCOLS
from finport_ingestion.engine.store.registry import STORAGES
from finport_ingestion.engine.workflow.registry import ACTIONS, Action, action


@dataclass(frozen=True, slots=True)
class _Plugins:
    """One registry, and how its page begins."""

    title: str
    intro: str
    registry: Registry[Any]
    kind: str = "Source"  # the document whose schema describes the options


_PAGES = {
    "protocols.md": _Plugins(
        "Protocols",
        "How a source is reached: the `source` block of a [Source](source.md) document. A new one is written as"
        " [Add a protocol](../how-to/add-a-protocol.md) says.",
        PROTOCOLS,
    ),
    "storages.md": _Plugins(
        "Storages",
        "Where checked records go: the `store` block of the [settings](settings.md). A new one is written as"
        " [Add a storage](../how-to/add-a-storage.md) says.",
        STORAGES,
    ),
    "auth-methods.md": _Plugins(
        "Authentication methods",
        "How requests prove who asks: the `auth` block of an [Authentication](authentication.md) document. Secrets come"
        " from connections or from `${VARIABLES}`.",
        METHODS,
        kind="Authentication",
    ),
}
_RELAYS = """\
# Relays

Where [events](events.md) are sent. A policy names them: `events: {relays: [log, redis_streams]}`. Events wait in the
state database until each relay has taken them, so that they arrive at least once, always with the same id.
"""
_ACTIONS = """\
# Actions

What a step of a [Workflow](workflow.md) does, and the agent that does it. A parallel action is three tasks for each
source: one that deals the work into batches, one mapped over the batches, one that closes it.
"""


def plugin_pages() -> dict[str, str]:
    """Every page, by file name."""
    pages = {name: _page(plugins) for name, plugins in _PAGES.items()}
    return {**pages, "relays.md": _relays(), "actions.md": _actions()}


def _page(plugins: _Plugins) -> str:
    models = json_schema(plugins.kind)["$defs"]
    lines = [f"# {plugins.title}", "", plugins.intro]
    for module, names in _by_module(plugins.registry).items():
        lines += ["", f"## {', '.join(names)}", "", _module_docs(module), "", f"Module: `{_path(module)}`"]
        for name in names:
            heading = ["", f"### {name}"] if len(names) > 1 else []
            lines += [*heading, *_options(plugins.registry.get(name).Options.__name__, models)]
    return "\n".join([*lines, ""])


def _options(name: str, models: Mapping[str, Schema]) -> list[str]:
    lines = []
    for part in sections(models, name):
        lines += ["", *([f"#### {part.path}", ""] if part.path else []), part.description, "", part.table]
    return lines


def _relays() -> str:
    lines = [_RELAYS]
    for module, names in _by_module(RELAYS).items():
        lines += [f"## {', '.join(names)}", "", _module_docs(module)]
        lines += ["", *(inspect.getdoc(RELAYS.get(name)) or "" for name in names)]
        lines += ["", f"Module: `{_path(module)}`", ""]
    return "\n".join(lines)


def _actions() -> str:
    entries = {key: action(*key.split("/", 1)) for key in ACTIONS.names()}
    rows = []
    for key, entry in entries.items():
        agent, _, name = key.partition("/")
        rows.append((f"`{agent}`", f"`{name}`", _tasks(entry), ", ".join(f"`{event}`" for event in _told(entry))))
    lines = [_ACTIONS, table(("agent", "action", "tasks", "events"), rows)]
    for key, entry in entries.items():
        module = entry.path.partition(":")[0]
        ACTIONS.get(key)
        updates = ["", "Its end updates the assets that the source provides."] if entry.publishes else []
        lines += ["", f"## {key}", "", _module_docs(module), *updates, "", f"Module: `{_path(module)}`"]
    return "\n".join([*lines, ""])


def _tasks(entry: Action) -> str:
    return f"`{entry.split}`, the step's name (mapped), `{entry.seal}`" if entry.parallel else "the step's name"


def _told(entry: Action) -> list[str]:
    failure = [entry.announces_failure] if entry.announces_failure else []
    return [*(name for names in entry.announces.values() for name in names), *failure]


def _by_module(registry: Registry[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in registry.names():
        found.setdefault(registry.get(name).__module__, []).append(name)
    return found


def _module_docs(module: str) -> str:
    return inspect.cleandoc(sys.modules[module].__doc__ or "")


def _path(module: str) -> str:
    return f"plugins/{module.replace('.', '/')}.py"
