"""All documents of a project by kind and name: what refers to what, what is wrong, and what can still be used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from finport_ingestion.engine.config.layers import Layer, Resolved, resolve_settings
from finport_ingestion.engine.config.loader import Document, load_documents
from finport_ingestion.engine.config.mistakes import KeyPath, Mistake, suggestion
from finport_ingestion.engine.config.models.documents import (
    KINDS,
    Authentication,
    Format,
    Policy,
    Source,
    Workflow,
)
from finport_ingestion.engine.config.models.envelope import Envelope
from finport_ingestion.engine.config.references import REFERENCES, reference_mistakes
from finport_ingestion.engine.config.workflow_checks import workflow_mistakes, workflow_notes
from finport_ingestion.engine.errors import ConfigError

DEFAULT_POLICY = "default"


@dataclass(frozen=True, kw_only=True, eq=False)
class Catalog:
    """The documents of one project. What is wrong is in `mistakes`, and costs only the workflows that use it."""

    folder: Path
    documents: tuple[Document, ...]
    mistakes: tuple[Mistake, ...] = ()
    notes: tuple[Mistake, ...] = ()
    """What is right, and still worth knowing."""
    wrong: frozenset[Document] = field(default=frozenset(), repr=False)
    """The documents that cannot be used."""

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], tuple[Document, ...]]:
        """By kind and name; more than one where a name is taken twice."""
        found: dict[tuple[str, str], tuple[Document, ...]] = {}
        for document in self.documents:
            if document.name is not None:
                key = (document.kind, document.name)
                found[key] = (*found.get(key, ()), document)
        return found

    @cached_property
    def datasets(self) -> Mapping[str, tuple[str, ...]]:
        """The sources that provide each dataset or asset, wrong ones too."""
        found: dict[str, tuple[str, ...]] = {}
        for document in self.documents_of("Source"):
            for dataset in _provides(document):
                found[dataset] = (*found.get(dataset, ()), document.name or "")
        return found

    @cached_property
    def usable_workflows(self) -> tuple[str, ...]:
        """The names of the workflows none of whose documents is wrong, sorted."""
        names = {document.name for document in self.documents_of("Workflow") if document.name is not None}
        return tuple(sorted(name for name in names if self.wrong.isdisjoint(self.referenced(name))))

    def documents_of(self, kind: str) -> tuple[Document, ...]:
        """The documents of a kind, wrong ones too, in the order of files."""
        return self._by_kind.get(kind, ())

    def names(self, kind: str) -> frozenset[str]:
        return self._names.get(kind, frozenset())

    def find(self, kind: str, name: object) -> Document | None:
        """The first document of that kind and name, a wrong one too."""
        return self.by_name.get((kind, name), (None,))[0] if isinstance(name, str) else None

    def document(self, kind: str, name: str) -> Document:
        """The document of that kind and name.

        Raises:
            ConfigError: There is none, or something is wrong with it; the message tells what.
        """
        found = self.find(kind, name)
        if found is None:
            raise ConfigError(f"no {kind} '{name}'.", hint=suggestion(name, self.names(kind)))
        if found.model is None:
            raise ConfigError("\n".join(str(mistake) for mistake in found.mistakes))
        return found

    def source(self, name: str) -> Source:
        return cast("Source", self._model("Source", name))

    def authentication(self, name: str) -> Authentication:
        return cast("Authentication", self._model("Authentication", name))

    def format(self, name: str) -> Format:
        return cast("Format", self._model("Format", name))

    def policy(self, name: str) -> Policy:
        return cast("Policy", self._model("Policy", name))

    def workflow(self, name: str) -> Workflow:
        return cast("Workflow", self._model("Workflow", name))

    def sources_of(self, workflow: str) -> tuple[Source, ...]:
        """The enabled sources that a workflow selects, sorted by name.

        Raises:
            ConfigError: No such workflow, or something is wrong with it or with one of them.
        """
        selected = self.selected(self.document("Workflow", workflow))
        return tuple(self.source(name) for name in sorted({document.name or "" for document in selected}))

    def matching(self, workflow: Document) -> tuple[Document, ...]:
        """The sources that a workflow's selector names or whose labels it asks for, also those that are off."""
        selector = _mapping(workflow.spec.get("sources"))
        labels = list(_mapping(selector.get("matchLabels")).items())
        found = {source for name in _texts(selector.get("names")) for source in self._named("Source", name)}
        if labels:
            found |= set.intersection(*(self._labelled.get(_label(*label), set()) for label in labels))
        return tuple(sorted(found, key=lambda source: (source.path, source.line)))

    def selected(self, workflow: Document) -> tuple[Document, ...]:
        """The sources of a workflow that are enabled, wrong ones too."""
        return tuple(source for source in self.matching(workflow) if source.spec.get("enabled") is not False)

    def referenced(self, workflow: str) -> tuple[Document, ...]:
        """A workflow's own document and all that it needs: sources, fallbacks, formats, authentications, policies.

        Wrong documents are among them; a source that only provides what another waits for is not.
        """
        waiting = [*self._named("Workflow", workflow)]
        waiting += [source for document in waiting for source in self.selected(document)]
        waiting += self._named("Policy", DEFAULT_POLICY)
        found: dict[Document, None] = {}
        while waiting:
            document = waiting.pop(0)
            if document not in found:
                found[document] = None
                waiting.extend(self._references(document))
        return tuple(found)

    def settings(
        self, source: str, *, step: tuple[str, str] | None = None, run: Mapping[str, Any] | None = None
    ) -> Resolved:
        """The settings of a source, with where each comes from.

        Args:
            step: (workflow, step) whose overrides lie above the source's.
            run: What the person who starts a run overrides, in YAML's spelling; above all others.

        Raises:
            ConfigError: No such document, or one that is wrong; or layers that do not go together.
        """
        document = self.document("Source", source)
        layers = self._policy_layers(document.spec.get("policy"))
        layers.append(_layer(document, ("spec", "overrides")))
        if step is not None:
            layers.append(self._step_layer(*step))
        if run is not None:
            layers.append(Layer(origin="run", settings=run))
        return resolve_settings(layers)

    def policy_settings(self, policy: str | None) -> Resolved:
        """The settings of a source that says nothing but the policy's name, or not even that.

        Raises:
            ConfigError: As `settings`.
        """
        return resolve_settings(self._policy_layers(policy))

    def has_layers(self, source: Document) -> bool:
        """Whether all that the settings of `source` are made of is there and right."""
        policies = [source.spec["policy"]] if source.spec.get("policy") is not None else []
        found = [self.find("Policy", name) for name in policies] + [source, *self._named("Policy", DEFAULT_POLICY)]
        return all(document is not None and document.model is not None for document in found)

    @cached_property
    def _names(self) -> Mapping[str, frozenset[str]]:
        return {kind: frozenset(name for found, name in self.by_name if found == kind) for kind in KINDS}

    @cached_property
    def _by_kind(self) -> Mapping[str, tuple[Document, ...]]:
        return {kind: tuple(each for each in self.documents if each.kind == kind) for kind in KINDS}

    @cached_property
    def _labelled(self) -> Mapping[tuple[str, str], set[Document]]:
        """The sources that carry each label."""
        found: dict[tuple[str, str], set[Document]] = {}
        for source in self.documents_of("Source"):
            for label in source.labels.items():
                found.setdefault(_label(*label), set()).add(source)
        return found

    def _model(self, kind: str, name: str) -> Envelope:
        return cast("Envelope", self.document(kind, name).model)

    def _named(self, kind: str, name: object) -> tuple[Document, ...]:
        return self.by_name.get((kind, name), ()) if isinstance(name, str) else ()

    def _references(self, document: Document) -> Iterable[Document]:
        if document.kind != "Source":
            return
        for key, kind in REFERENCES.items():
            yield from self._named(kind, document.spec.get(key))
        for name in _texts(document.spec.get("fallbacks")):
            yield from self._named("Source", name)

    def _policy_layers(self, policy: object) -> list[Layer]:
        names = [DEFAULT_POLICY] if self.find("Policy", DEFAULT_POLICY) else []
        names += [policy] if isinstance(policy, str) and policy != DEFAULT_POLICY else []
        return [_layer(self.document("Policy", name), ("spec", "settings")) for name in names]

    def _step_layer(self, workflow: str, step: str) -> Layer:
        document = self.document("Workflow", workflow)
        names = [each.name for each in cast("Workflow", document.model).spec.steps]
        if step not in names:
            raise ConfigError(f"workflow '{workflow}' has no step '{step}'.", hint=suggestion(step, names))
        return _layer(document, ("spec", "steps", names.index(step), "overrides"))


def load_catalog(folder: Path, *, known_actions: Collection[tuple[str, str]] | None = None) -> Catalog:
    """Every document below `include/configs` of the project in `folder`, checked alone and beside the others.

    Args:
        known_actions: Every (agent, action) that a step may name; without it actions are not checked.

    Raises:
        ConfigError: The project has no such folder. For what is written in documents it never raises.
    """
    catalog = Catalog(folder=folder, documents=load_documents(folder))
    found = [(document, mistake) for document in catalog.documents for mistake in document.mistakes]
    found += reference_mistakes(catalog)
    found += workflow_mistakes(catalog, known_actions)
    return replace(
        catalog,
        mistakes=tuple(sorted({mistake for _, mistake in found})),
        notes=tuple(sorted(workflow_notes(catalog))),
        wrong=frozenset(document for document, _ in found),
    )


def _layer(document: Document, path: KeyPath) -> Layer:
    settings: Any = document.values
    for part in path:
        settings = settings[part] if isinstance(part, int) else settings.get(part, {})
    return Layer(origin=document.path, settings=_mapping(settings), positions=document.positions, at=path)


def _provides(document: Document) -> set[str]:
    dataset = document.spec.get("dataset")
    own = dataset if isinstance(dataset, str) else document.name
    return {*_texts(document.spec.get("provides")), *([own] if own else [])}


def _label(key: str, value: object) -> tuple[str, str]:
    """A label as it is compared: that of a wrong document may be no text."""
    return key, value if isinstance(value, str) else str(value).casefold()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
