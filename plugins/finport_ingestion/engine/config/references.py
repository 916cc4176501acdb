"""What sources and policies say of each other: references that lead nowhere, circles, rates above the limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from finport_ingestion.engine.config.graphs import circles
from finport_ingestion.engine.config.layers import Resolved, Stated
from finport_ingestion.engine.config.loader import Document
from finport_ingestion.engine.config.mistakes import KeyPath, Mistake, dotted, suggestion
from finport_ingestion.engine.config.models.settings import is_above
from finport_ingestion.engine.errors import ConfigError

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog

Finding = tuple[Document, Mistake]
"""A mistake, and the document that cannot be used because of it."""

REFERENCES = {"authentication": "Authentication", "format": "Format", "policy": "Policy"}
"""The keys of a Source that name one document, with its kind."""


def reference_mistakes(catalog: Catalog) -> Iterator[Finding]:
    """Every mistake that shows only beside the other documents."""
    yield from _taken_names(catalog)
    datasets = catalog.datasets
    for document in catalog.documents_of("Source"):
        if document.model is not None:
            yield from _unknown_names(document, catalog)
            yield from _unknown_datasets(document, set(datasets))
    yield from _circles(catalog)
    yield from _rates(catalog)


def rate_mistake(
    resolve: Callable[[], Resolved], document: Document, *, policies: Callable[[], Resolved] | None = None
) -> Mistake | None:
    """The mistake of settings whose rate is above the global one, at the line of `document` that makes it so.

    Args:
        resolve: The settings, `document` being the uppermost of what states them.
        policies: What the policies below `document` say alone, where it is none itself: they say how much all sources
            together may ask, so that nothing above them may raise that.
    """
    try:
        resolved = resolve()
        overall = resolved.stated.get("limits.globalRate")
        if policies is not None and _is_of(document, overall):
            lifted = _lifted(resolved, policies(), document)
            if lifted is not None:
                return lifted
    except ConfigError as error:
        return document.mistake(("spec",), str(error))
    return _above(resolved, document) if is_above(*_rates_of(resolved)) else None


def policies_of(source: Document | None, catalog: Catalog) -> Callable[[], Resolved]:
    """The settings that a source's policies state, without its own."""
    named = source.spec.get("policy") if source is not None else None
    return partial(catalog.policy_settings, named if isinstance(named, str) else None)


def _rates_of(resolved: Resolved) -> tuple[str, str]:
    return resolved.settings.limits.rate, resolved.settings.limits.global_rate


def _lifted(resolved: Resolved, policies: Resolved, document: Document) -> Mistake | None:
    (_, stated), (_, most) = _rates_of(resolved), _rates_of(policies)
    if not is_above(stated, most):
        return None
    where = _place(policies.stated.get("limits.globalRate"))
    message = f"{stated} is above the global rate of {most}{where}; lower it here, or raise it in the policy"
    return _at(resolved.stated.get("limits.globalRate"), message, document)


def _above(resolved: Resolved, document: Document) -> Mistake:
    found, most = _rates_of(resolved)
    rate, overall = resolved.stated.get("limits.rate"), resolved.stated.get("limits.globalRate")
    if rate is None:
        return _at(overall, f"{most} is below the rate of {found} that each source has; lower 'rate' too", document)
    if _is_of(document, overall) and not _is_of(document, rate):
        message = f"{most} is below the rate of {found}{_place(rate)}; lower 'rate' too, or raise this one"
        return _at(overall, message, document)
    return _at(rate, f"{found} is above the global rate of {most}{_place(overall)}; lower it", document)


def _is_of(document: Document, stated: Stated | None) -> bool:
    # By positions, since a file may hold many documents.
    return stated is not None and stated.layer.positions is document.positions


def _place(stated: Stated | None) -> str:
    return f" ({stated.origin})" if stated is not None else ""


def _at(stated: Stated | None, message: str, fallback: Document) -> Mistake:
    if stated is None or stated.layer.positions is None:
        return fallback.mistake(("spec",), message)
    path = stated.path
    return Mistake(stated.layer.origin, *stated.layer.positions.value(path), dotted(path), message)


def _taken_names(catalog: Catalog) -> Iterator[Finding]:
    for (kind, name), documents in catalog.by_name.items():
        first, *others = documents
        for other in others:
            message = f"another {kind} is called '{name}' ({first.place}); names are unique"
            mistake = other.mistake(("metadata", "name"), message)
            # Whoever uses the name may mean either, so that both are out of use.
            yield other, mistake
            yield first, mistake


def _unknown_names(document: Document, catalog: Catalog) -> Iterator[Finding]:
    for key, kind in REFERENCES.items():
        name = document.spec.get(key)
        if name is not None and catalog.find(kind, name) is None:
            known = catalog.names(kind)
            yield document, document.mistake(("spec", key), f"unknown {kind} '{name}'; {suggestion(name, known)}")
    for index, name in enumerate(document.spec.get("fallbacks", ())):
        path: KeyPath = ("spec", "fallbacks", index)
        if name == document.name:
            yield document, document.mistake(path, "a source cannot stand in for itself; name another one")
        elif catalog.find("Source", name) is None:
            known = catalog.names("Source")
            yield document, document.mistake(path, f"unknown Source '{name}'; {suggestion(name, known)}")


def _unknown_datasets(document: Document, datasets: set[str]) -> Iterator[Finding]:
    for index, dataset in enumerate(document.spec.get("dependsOn", ())):
        if dataset not in datasets:
            message = f"no source provides the dataset '{dataset}'; {suggestion(dataset, datasets)}"
            yield document, document.mistake(("spec", "dependsOn", index), message)


def _circles(catalog: Catalog) -> Iterator[Finding]:
    sources = {document.name or "": document for document in catalog.documents_of("Source") if document.model}
    after = {name: _providers(document, catalog) for name, document in sources.items()}
    for circle in circles(after):
        message = f"dependsOn goes in a circle: {' -> '.join(circle)}; take one of them out"
        mistake = sources[circle[0]].mistake(("spec", "dependsOn"), message)
        for name in circle[1:]:
            yield sources[name], mistake


def _providers(document: Document, catalog: Catalog) -> set[str]:
    """The sources that `document` waits for. It does not wait for itself where another source provides the same."""
    name = document.name or ""
    found: set[str] = set()
    for dataset in document.spec.get("dependsOn", ()):
        providers = set(catalog.datasets.get(dataset, ()))
        found |= providers - {name} or providers
    return found


def _rates(catalog: Catalog) -> Iterator[Finding]:
    # A source that says nothing of limits has those of its policy, and shares the policy's mistake.
    sources = (source for source in catalog.documents_of("Source") if "limits" in (source.spec.get("overrides") or ()))
    for document in (*catalog.documents_of("Policy"), *sources):
        if document.name is not None and catalog.has_layers(document):
            resolve = catalog.settings if document.kind == "Source" else catalog.policy_settings
            policies = policies_of(document, catalog) if document.kind == "Source" else None
            mistake = rate_mistake(partial(resolve, document.name), document, policies=policies)
            if mistake is not None:
                yield document, mistake
