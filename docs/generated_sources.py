"""The page of the sources that ship: what each gives, what it needs, and which pages of its provider were read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from docs.generated_tables import table
from finport_ingestion.engine.config.catalog import Catalog, load_catalog
from finport_ingestion.engine.config.loader import Document
from finport_ingestion.engine.config.models.documents import Authentication, Source, SourceSpec

_ROOT = Path(__file__).parents[1]
_HEAD = ("source", "what it gives", "authentication", "contract", "entitlement", "redistribution", "read", "tried")
_INTRO = """\
# Shipped sources

Documents of real providers, below `include/configs/sources/`, one file a group. All of them are paused; how one is
switched on, [Sources that ship](../how-to/sources.md) says.

Nothing here is a statement of ours about a provider: each claim group of a document names the provider's public page.
`read` counts the claim groups whose page was read on the day that the document names, of all that it makes; the other
pages were not read. `tried` says how far claims were tried: `stand-in` is against a local server that answers in the
documented form, and `live` would be against the provider, which none was. `contract` marks data that are given under a
contract only.
"""


def sources_page() -> str:
    """Every source with a shape, by group."""
    catalog = load_catalog(_ROOT)
    shipped = [document for document in catalog.documents_of("Source") if "shape" in document.labels]
    groups = sorted({str(document.labels["group"]) for document in shipped})
    lines = [_INTRO, f"{len(shipped)} sources in {len(groups)} groups.", ""]
    for group in groups:
        rows = [_row(document, catalog) for document in shipped if document.labels["group"] == group]
        lines += [f"## {group}", "", table(_HEAD, sorted(rows)), ""]
    return "\n".join(lines)


def _row(document: Document, catalog: Catalog) -> tuple[str, ...]:
    spec = cast("Source", document.model).spec
    documentation, rights = spec.documentation, spec.rights
    claims = documentation.claims if documentation else {}
    read = sum(claim.read_on is not None for claim in claims.values())
    return (
        f"`{document.name}`",
        " ".join(spec.description.split()),
        ", ".join(_methods(spec, catalog)) or "none",
        "needed" if documentation and documentation.contract_required else "",
        rights.entitlement if rights else "unknown",
        rights.redistribution if rights else "unknown",
        f"{read} of {len(claims)}",
        str(documentation.verification) if documentation else "none",
    )


def _methods(spec: SourceSpec, catalog: Catalog) -> Iterator[str]:
    if spec.authentication:
        document = catalog.document("Authentication", spec.authentication)
        yield f"`{cast('Authentication', document.model).spec.auth.method}`"
