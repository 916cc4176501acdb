"""`finport source`: every source with its protocol, its workflows, and how it stands; and the looks at one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from finport_ingestion.cli import screen, source_adding, source_authorizing, source_looking, surroundings
from finport_ingestion.cli.options import AsJson
from finport_ingestion.cli.screen import column

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.config.loader import Document
    from finport_ingestion.engine.config.models.settings import SecuritySettings
    from finport_ingestion.engine.state.reading import SourceOverview

app = typer.Typer(help="The sources of the project.", no_args_is_help=True)

app.command("add")(source_adding.add)
app.command("authorize")(source_authorizing.authorize)
app.command("check")(source_looking.check)
app.command("discover")(source_looking.discover)
app.command("sample")(source_looking.sample)

_COLUMNS = (
    column("source"),
    column("group"),
    column("protocol"),
    column("workflows"),
    column("dataset"),
    column("health"),
    column("ran_at", "last run (UTC)"),
    column("status", "ended"),
    column("published_at", "published (UTC)"),
    column("commit", right=True),
    column("row_count", "rows", right=True, spell=screen.spell_count),
    column("verification"),
    column("entitlement"),
    column("protection"),
    column("why"),
)
_HEALTH = {"succeeded": "ok", "skipped": "ok", "running": "running", "failed": "fail", "abandoned": "fail"}


@app.command("list")
def list_sources(
    group: Annotated[str | None, typer.Option("--group", "-g", help="Only those with this label `group`.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the sources: protocol, workflows, dataset, last run, health and last publication.

    Also how the claims of a document were tried, whether the data need an entitlement, and what weakens the protection
    of the connection. Health is `ok` after a run that ended well, `fail` after one that did not, `wrong` where a
    document has mistakes, `off` where the document says so, and `new` before the first run.
    """
    documents = surroundings.catalog(surroundings.project())
    ledger = {overview.source: overview for overview in surroundings.state().sources_overview()}
    workflows = _workflows(documents)
    rows = []
    for document in documents.documents_of("Source"):
        name = document.name or f"({document.path}:{document.line})"
        overview = ledger.get(name)
        written = _written(document, workflows.get(name, []))
        health = _health(documents, document, overview)
        rows.append({**written, **_ran(overview), **_stated(documents, document), "source": name, "health": health})
    if group is not None:
        rows = [row for row in rows if row["group"] == group]
    rows.sort(key=lambda row: row["source"])
    screen.show_table(rows, _COLUMNS, as_json=as_json, empty="the project has no Source document")


def _written(document: Document, workflows: list[str]) -> dict[str, Any]:
    source = document.spec.get("source")
    return {
        "source": document.name,
        "group": document.labels.get("group"),
        "protocol": source.get("protocol") if isinstance(source, dict) else None,
        "workflows": workflows,
        "dataset": document.spec.get("dataset") or document.name,
        "health": None,
        "owner": document.spec.get("owner"),
        "document": f"{document.path}:{document.line}",
    }


def _stated(documents: Catalog, document: Document) -> dict[str, Any]:
    """What the document says of its provider, and of the way there; nothing where it has mistakes."""
    if document.name is None or document.model is None or not documents.has_layers(document):
        return {}
    spec = documents.source(document.name).spec
    return {
        "verification": str(spec.documentation.verification) if spec.documentation else None,
        "contract_required": spec.documentation.contract_required if spec.documentation else None,
        "entitlement": spec.rights.entitlement if spec.rights else None,
        "redistribution": spec.rights.redistribution if spec.rights else None,
        "protection": _protection(documents.settings(document.name).settings.security),
    }


def _protection(security: SecuritySettings) -> str:
    weaker = {
        f"TLS {security.min_tls}": security.min_tls != "1.3",
        "plaintext": security.allow_plaintext,
        "private network": security.allow_private_network,
    }
    return ", ".join(name for name, is_so in weaker.items() if is_so) or "full"


def _ran(overview: SourceOverview | None) -> dict[str, Any]:
    return {
        "ran_at": overview.ran_at if overview else None,
        "run_id": overview.run_id if overview else None,
        "status": str(overview.status) if overview else None,
        "why": overview.reason if overview else None,
        "published_at": overview.published_at if overview else None,
        "storage": overview.storage if overview else None,
        "commit": overview.commit if overview else None,
        "row_count": overview.row_count if overview else None,
    }


def _health(documents: Catalog, document: Document, overview: SourceOverview | None) -> str:
    if document in documents.wrong:
        return "wrong"
    if document.spec.get("enabled") is False:
        return "off"
    return _HEALTH.get(str(overview.status), "fail") if overview else "new"


def _workflows(documents: Catalog) -> dict[str, list[str]]:
    """By source, the workflows that select it, those with mistakes too."""
    found: dict[str, list[str]] = {}
    for workflow in documents.documents_of("Workflow"):
        for source in documents.matching(workflow):
            if source.name and workflow.name:
                found.setdefault(source.name, []).append(workflow.name)
    return found
