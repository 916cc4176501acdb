"""A project folder that a test fills with documents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

from finport_ingestion.engine.config.catalog import Catalog, load_catalog
from finport_ingestion.engine.config.loader import Document, load_documents

ACTIONS = (("collector", "collect"), ("collector", "discover"), ("base-data-storage", "store"))


@dataclass(frozen=True, slots=True)
class ProjectFolder:
    """`include/configs/` below `folder`."""

    folder: Path

    def write(self, name: str, text: str | bytes) -> None:
        """Write one file below `include/configs/`, e.g. `sources/a.yaml`."""
        path = self.folder / "include" / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).lstrip("\n").encode())

    def documents(self) -> tuple[Document, ...]:
        return load_documents(self.folder)

    def catalog(self) -> Catalog:
        return load_catalog(self.folder, known_actions=ACTIONS)

    def mistakes(self) -> list[str]:
        """What the catalog says is wrong, without the folder that all paths begin with."""
        return [str(mistake).removeprefix("include/configs/") for mistake in self.catalog().mistakes]

    def source(self, name: str, spec: str = "", *, labels: str = "{workflow: w}") -> None:
        """A source of the smallest kind, with more lines of its spec."""
        self.write(f"sources/{name}.yaml", source(name, spec, labels=labels))

    def policy(self, name: str, settings: str) -> None:
        """A policy whose `settings` are the given lines."""
        self.write(f"policies/{name}.yaml", _document("Policy", name, "settings:\n" + indent(dedent(settings), "  ")))

    def workflow(self, name: str, spec: str = "", *, steps: str | None = None, select: str = "") -> None:
        """A workflow over the sources labelled `workflow: w`."""
        steps = steps or "- {name: collect, agent: collector, action: collect, timeout: 10m}"
        selection = select or "matchLabels: {workflow: w}"
        body = f"sources:\n  {selection}\n{dedent(spec).strip()}\nsteps:\n{indent(dedent(steps).strip(), '  ')}\n"
        self.write(f"workflows/{name}.yaml", _document("Workflow", name, body))


def source(name: str, spec: str = "", *, labels: str = "{workflow: w}") -> str:
    """The text of a source document; `spec` begins on its line 10."""
    body = f"source: {{protocol: file, path: /prices}}\n{dedent(spec).strip()}".rstrip() + "\n"
    return _document("Source", name, body, labels=labels)


def _document(kind: str, name: str, body: str, *, labels: str = "{}") -> str:
    head = f"""\
        apiVersion: finport.io/v1
        kind: {kind}
        metadata:
          name: {name}
          labels: {labels}
        spec:
          description: A test.
          owner: tests
        """
    return dedent(head) + indent(body, "  ")
