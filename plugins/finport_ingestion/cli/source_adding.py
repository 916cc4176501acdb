"""`finport source add`: a few questions, a look at the address, and a document for a person to review."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finport_ingestion.cli import screen, surroundings
from finport_ingestion.cli.exits import refuse
from finport_ingestion.cli.options import AsJson
from finport_ingestion.cli.screen import column
from finport_ingestion.engine.errors import ConfigError

if TYPE_CHECKING:
    from finport_ingestion.cli.source_finding import Found, Way
    from finport_ingestion.cli.source_written import Draft
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.project import Project

_FOUND = (
    column("about"),
    column("value", "proposed"),
    column("confidence", right=True, spell=lambda value: f"{value:.2f}"),
    column("reasons", spell="; ".join, least=40),
)
_MOST_NAME = 60
_SURE = 0.7


def add(
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="URL of an API with its parameters, or a folder of files.")
    ],
    name: Annotated[str | None, typer.Option("--name", help="Of the source; made from the address by default.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="One or two sentences.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="The team that answers for it.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", "-l", metavar="KEY=VALUE", help="By which workflows select it: workflow=standard."),
    ] = None,
    connection: Annotated[
        str | None, typer.Option("--connection", help="Connection id with the credentials; may be set later.")
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", help="PEM file of the authority that the server's certificate is of.")
    ] = None,
    allow_private_network: Annotated[
        bool, typer.Option("--allow-private-network", help="The address may be one of this machine or of your network.")
    ] = False,
    allow_plaintext: Annotated[
        str | None, typer.Option("--allow-plaintext", metavar="REASON", help="Ask without TLS, and why.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key of the source block: table=prices, region=eu-west-1."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take what is proposed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the document, and write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at an address and write the Source document for it, with reasons and confidence, for you to review.

    Found out are protocol, authentication, pagination, format, what tells of changes, and the rate that is allowed. At
    most six small requests are sent. No secret is written: the command says how to set the connection.
    """
    from finport_ingestion.cli.source_finding import Way

    way = Way(
        connection=connection,
        ca_file=str(ca_file.resolve()) if ca_file else None,
        allow_private_network=allow_private_network,
        plaintext_reason=allow_plaintext,
    )
    project = surroundings.project()
    documents = surroundings.catalog(project)
    answers = _asked(address, (name, description, owner), label or [], ask=not (yes or as_json))
    _refuse_taken(answers.name, documents, project)
    with tempfile.TemporaryDirectory(prefix="finport-add-") as folder:
        draft, found = _looked_at(address, answers, way, _stated(option or []), documents, Path(folder))
    files = _files(draft, documents, project)
    _check(files)
    if not dry_run:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    _tell(draft, found, files, written=not dry_run, as_json=as_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    """What the person says of the source."""

    name: str
    description: str
    owner: str
    labels: dict[str, str]


def _asked(address: str, stated: Sequence[str | None], labels: Sequence[str], *, ask: bool) -> _Answers:
    """What was stated, what is asked for, and what is taken where nobody is to be asked."""
    from finport_ingestion.cli.source_finding import without_secrets

    name, description, owner = stated
    name = name or _answer("Name of the source", _name_of(address), ask=ask)
    description = description or _answer("What it is, in a sentence", f"From {without_secrets(address)}.", ask=ask)
    owner = owner or _answer("The team that answers for it", "data-platform", ask=ask)
    pairs = [label.partition("=") for label in labels]
    if any(not key or not value for key, _, value in pairs):
        raise ConfigError("a label is written KEY=VALUE.", hint="for example --label workflow=standard")
    chosen = {key: value for key, _, value in pairs}
    if not chosen:
        workflow = _answer("The label 'workflow', by which a workflow selects it", "standard", ask=ask)
        chosen = {"workflow": workflow}
    return _Answers(name=name, description=description, owner=owner, labels=chosen)


def _stated(options: Sequence[str]) -> dict[str, Any]:
    """Keys of the `source` block, as `--set` has them: a value is JSON, or else text."""
    stated: dict[str, Any] = {}
    for option in options:
        key, given, value = option.partition("=")
        if not key or not given:
            raise ConfigError("--set is written KEY=VALUE.", hint="for example --set table=prices")
        try:
            stated[key] = json.loads(value)
        except ValueError:
            stated[key] = value
    return stated


def _looked_at(
    address: str, answers: _Answers, way: Way, stated: dict[str, Any], documents: Catalog, folder: Path
) -> tuple[Draft, Found]:
    """What was found out, and what is written of it. A source behind a connection is opened where that one is set."""
    from finport_ingestion.cli.source_finding import found_at, is_set

    found = found_at(address, name=answers.name, way=way, folder=folder).stated(stated)
    draft = _draft(answers, found, way, documents)
    if found.body is None and found.evidence is None and is_set(way.connection):
        from finport_ingestion.cli.source_probing import opened
        from finport_ingestion.cli.source_written import source_document

        text = source_document(draft)
        _check({Path("sources") / f"{draft.name}.yaml": text})
        found = opened(found, text=text, name=draft.name, documents=documents, folder=folder)
        draft = _draft(answers, found, way, documents)
    return draft, found


def _answer(question: str, proposed: str, *, ask: bool) -> str:
    return str(typer.prompt(question, default=proposed, err=True)) if ask else proposed


def _name_of(address: str) -> str:
    plain = re.sub(r"[?#].*$", "", re.sub(r"^[a-z0-9+]+://", "", address, flags=re.IGNORECASE))
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return words[-_MOST_NAME:].strip("-") or "source"


def _refuse_taken(name: str, documents: Catalog, project: Project) -> None:
    known = documents.find("Source", name)
    if known is not None:
        raise refuse(f"there is a source '{name}' already ({known.place}).", "choose another one: --name")
    path = _source_path(name, project)
    if path.exists():
        raise refuse(f"{path} is there already.", "choose another name, or remove the file")


def _source_path(name: str, project: Project) -> Path:
    return project.configs / "sources" / f"{name}.yaml"


def _draft(answers: _Answers, found: Found, way: Way, documents: Catalog) -> Draft:
    from finport_ingestion.cli.source_finding import columns_of
    from finport_ingestion.cli.source_written import Draft
    from finport_ingestion.engine.detect_source.proposal import About

    wanted = found.proposals.get(About.AUTHENTICATION)
    source = dict(found.source)
    authentication = None
    if wanted is not None and wanted.value:
        authentication = _known_authentication(documents, wanted.value) or f"{answers.name}-access"
        source.setdefault("connection", way.connection or answers.name.replace("-", "_"))
    read = found.proposals.get(About.FORMAT)
    return Draft(
        name=answers.name,
        description=answers.description,
        owner=answers.owner,
        labels=answers.labels,
        source=source,
        proposals=found.proposals,
        authentication=authentication,
        security=way.settings,
        columns=columns_of(found.body, read.value) if found.body and read and read.value else (),
    )


def _known_authentication(documents: Catalog, auth: Any) -> str | None:
    """A document that says the same already."""
    same = (each.name for each in documents.documents_of("Authentication") if each.spec.get("auth") == dict(auth))
    return next(same, None)


def _files(draft: Draft, documents: Catalog, project: Project) -> dict[Path, str]:
    from finport_ingestion.cli.source_written import authentication_document, source_document

    files = {_source_path(draft.name, project): source_document(draft)}
    if draft.authentication and documents.find("Authentication", draft.authentication) is None:
        path = project.configs / "authentication" / f"{draft.authentication}.yaml"
        files[path] = authentication_document(draft.authentication, draft)
    return files


def _check(files: dict[Path, str]) -> None:
    """What is written loads.

    Raises:
        ConfigError: It would not, for example because a name is not allowed.
    """
    from finport_ingestion.engine.config.loader import FOLDERS, parse

    for path, text in files.items():
        mistakes = [
            str(mistake)
            for document in parse(text.encode(), path=path.name, kind=FOLDERS[path.parent.name])
            for mistake in document.mistakes
        ]
        if mistakes:
            raise ConfigError(
                "the document would have mistakes, so nothing is written:\n" + "\n".join(mistakes),
                hint="state what is missing with --set KEY=VALUE, or write it by hand: docs/how-to/add-a-source.md",
            )


def _tell(draft: Draft, found: Found, files: dict[Path, str], *, written: bool, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "about": str(proposal.about),
            "value": dict(proposal.value),
            "confidence": proposal.confidence,
            "reasons": proposal.reasons,
        }
        for proposal in found.proposals.values()
    ]
    if as_json:
        shown = {str(path): text for path, text in files.items()}
        screen.show_json({"source": draft.name, "written": written, "proposals": rows, "documents": shown})
        return
    screen.show_table([{**row, "value": _spelled(row["value"])} for row in rows], _FOUND)
    screen.say()
    for path, text in files.items():
        screen.say(f"wrote {path}" if written else f"# {path}\n{text}")
    for line in _next(draft, found):
        screen.say(line)


def _spelled(value: dict[str, Any]) -> str:
    from finport_ingestion.cli.source_written import spelled

    return spelled(value)[1:-1] if value else "nothing"


def _next(draft: Draft, found: Found) -> list[str]:
    """What to do next."""
    doubtful = [str(about) for about, proposal in found.proposals.items() if proposal.confidence < _SURE]
    lines = [f"look most at: {', '.join(doubtful)}"] if doubtful else []
    if draft.authentication:
        lines += [f"the credentials go into the connection '{draft.source['connection']}', for example:"]
        lines += [f"  export AIRFLOW_CONN_{str(draft.source['connection']).upper()}='{_connection(found)}'"]
    if found.kept_back:
        lines.append(f"'{found.kept_back[0]}' of the address is not in the document: it is the connection's password")
    return [
        *lines,
        "next:",
        "  finport validate",
        f"  finport source check {draft.name}",
        f"  finport source sample {draft.name}",
        f"  finport ingest {draft.name}",
    ]


def _connection(found: Found) -> str:
    from finport_ingestion.engine.detect_source.proposal import About

    method = found.proposals[About.AUTHENTICATION].value.get("method")
    fields = {"conn_type": "finport_http", "password": "..."}
    if method not in ("api_key", "bearer"):
        fields = {"conn_type": "finport_http", "login": "...", "password": "..."}
    return json.dumps(fields)
