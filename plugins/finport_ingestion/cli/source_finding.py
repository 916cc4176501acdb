"""What `finport source add` finds out: an address is asked, a folder is looked into."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from finport_ingestion.cli.connections import CommandLineConnections
from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.detect_source.addresses import options_of
from finport_ingestion.engine.detect_source.evidence import Evidence
from finport_ingestion.engine.detect_source.formats import format_of
from finport_ingestion.engine.detect_source.proposal import About, Proposal
from finport_ingestion.engine.detect_source.protocols import protocol
from finport_ingestion.engine.errors import ConfigError, MissingConnection
from finport_ingestion.engine.network.protection import Protection

if TYPE_CHECKING:
    from finport_ingestion.engine.auth.interface import Signer
    from finport_ingestion.engine.connections import ConnectionSpec
    from finport_ingestion.engine.sources.interface import Access

_SECRET = re.compile(
    r"(?:.*[_-])?(?:api_?key|apikey|access_?key|app_?id|token|secret|signature|sig|password|pwd|key)", re.IGNORECASE
)
_SECONDS, _REQUEST_SECONDS = 120.0, 30.0
_REQUESTS = (10, 1)  # a second
_OF_PAGES = frozenset({"page", "offset", "cursor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How an address may be reached."""

    connection: str | None = None
    ca_file: str | None = None
    allow_private_network: bool = False
    plaintext_reason: str | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The `security` settings that say the same."""
        stated: dict[str, Any] = {}
        if self.allow_private_network:
            stated["allowPrivateNetwork"] = True
        if self.ca_file:
            stated["caFile"] = self.ca_file
        if self.plaintext_reason:
            stated |= {"allowPlaintext": True, "allowPlaintextReason": self.plaintext_reason}
        return stated

    @property
    def protection(self) -> Protection:
        return Protection(
            ca_file=self.ca_file,
            allow_private_network=self.allow_private_network,
            allow_plaintext=self.plaintext_reason is not None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found out of a source."""

    source: Mapping[str, Any]  # the `source` block, without pagination
    proposals: Mapping[About, Proposal]
    body: Path | None = None  # a delivery to look into, gone when the command ends
    evidence: Evidence | None = field(default=None, repr=False)
    kept_back: tuple[str, ...] = ()  # parameters of the address that may hold secrets

    def stated(self, options: Mapping[str, Any]) -> Found:
        """The same with what the person states of the `source` block."""
        kept = {about: each for about, each in self.proposals.items() if about.value not in options}
        return replace(self, source={**self.source, **options}, proposals=kept)


def found_at(address: str, *, name: str, way: Way, folder: Path) -> Found:
    """Ask an address, or look into a folder.

    Args:
        folder: Where a delivery is put to look into.

    Raises:
        ConfigError: No protocol is for that address. SourceUnavailable, AccessDenied ...: it cannot be reached.
    """
    kind = protocol(address)
    if kind.value["protocol"] == "http":
        return _behind_http(address, kind, name=name, way=way, folder=folder)
    if kind.value["protocol"] == "file":
        return _in_folder(address, kind)
    if way.connection is None:
        raise ConfigError(
            f"{kind.value['protocol']} needs a connection, which has address and login.",
            hint="set one, and name it with --connection",
        )
    source = {**kind.value, "connection": way.connection, **options_of(kind.value["protocol"], address)}
    return Found(source=source, proposals={About.PROTOCOL: kind})


def _behind_http(address: str, kind: Proposal, *, name: str, way: Way, folder: Path) -> Found:
    from finport_ingestion.engine.detect_source.model import proposals
    from finport_ingestion.engine.detect_source.probe import probed
    from finport_ingestion.engine.sources.web.caller import caller

    connection = _connection(way.connection)
    access = _access(name, connection, way)
    send = caller(access)
    evidence = probed(address, send=send)
    found = proposals(evidence)
    wanted = found[About.AUTHENTICATION]
    secrets = _secret_parameters(address)
    if wanted.value and connection is not None and not secrets:
        signer = _signer(wanted, access, connection)
        signed = probed(address, send=send, signer=signer)
        reason = "with the connection's credentials it answers" if signed.first.is_good else "and so it is refused"
        found = {**proposals(signed), About.AUTHENTICATION: wanted.surer(0.3 if signed.first.is_good else -0.3, reason)}
        evidence = signed
    if secrets:
        found = {**found, About.AUTHENTICATION: _of_address(secrets)}
    body = folder / "answer"
    body.write_bytes(evidence.first.body)
    if evidence.first.is_good:
        found = {**found, About.FORMAT: _format(evidence, body, address)}
    return Found(
        source=_http_source(address, found, connection=way.connection, without=secrets),
        proposals={About.PROTOCOL: kind, **found},
        body=body if evidence.first.is_good else None,
        evidence=evidence,
        kept_back=secrets,
    )


def _format(evidence: Evidence, body: Path, address: str) -> Proposal:
    name = urlsplit(address).path.rpartition("/")[2] or "answer"
    return format_of(body, name=name, media_type=evidence.first.media_type, answer=evidence.first)


def _http_source(
    address: str, found: Mapping[About, Proposal], *, connection: str | None, without: tuple[str, ...]
) -> dict[str, Any]:
    parts = urlsplit(address)
    pages = found[About.PAGINATION].value
    left_out = {*without, *(str(pages.get(key)) for key in ("parameter", "limitParameter"))}
    query = {key: value for key, value in parse_qsl(parts.query, keep_blank_values=True) if key not in left_out}
    return {
        "protocol": "http",
        **({"connection": connection} if connection else {}),
        "url": f"{parts.scheme}://{parts.netloc}",
        "path": parts.path or "/",
        **({"query": query} if query else {}),
    }


def _in_folder(address: str, kind: Proposal) -> Found:
    parts = urlsplit(address)
    place = Path(parts.path if parts.scheme == "file" else address).expanduser().resolve()
    if not place.exists():
        raise ConfigError(f"there is no folder {place}.", hint="name the folder that files are dropped into")
    files = [place] if place.is_file() else [path for path in sorted(place.iterdir()) if path.is_file()]
    files = [path for path in files if not path.name.startswith(".")]
    if not files:
        raise ConfigError(f"{place} holds no file.", hint="put a delivery there that is like all others")
    suffix, count = Counter(path.suffix for path in files).most_common(1)[0]
    newest = max((path for path in files if path.suffix == suffix), key=lambda path: path.stat().st_mtime)
    pattern = place.name if place.is_file() else f"*{suffix}"
    kind = kind.surer(0, f"{count} of {len(files)} file(s) end in '{suffix}'")
    source = {"protocol": "file", "path": str(newest.parent), "pattern": pattern}
    read = format_of(newest, name=newest.name, media_type=None)
    return Found(source=source, proposals={About.PROTOCOL: kind, About.FORMAT: read}, body=newest)


def _access(name: str, connection: ConnectionSpec | None, way: Way) -> Access:
    from finport_ingestion.engine.resilience.gate import LocalGate
    from finport_ingestion.engine.sources.interface import Access

    clock = SystemClock()
    return Access(
        source=name,
        connection=connection,
        auth=None,
        auth_connection=None,
        deadline=Deadline.after(_SECONDS, clock=clock, what=f"the look at {name}"),
        gate=LocalGate.of(f"look at {name}", _REQUESTS, clock),
        protection=way.protection,
        request_timeout_seconds=_REQUEST_SECONDS,
    )


def _connection(connection_id: str | None) -> ConnectionSpec | None:
    """The connection, None where it is not set yet: the document may name it all the same."""
    if connection_id is None:
        return None
    try:
        return CommandLineConnections().get(connection_id)
    except MissingConnection:
        return None


def is_set(connection_id: str | None) -> bool:
    """Whether there is such a connection."""
    return _connection(connection_id) is not None


def _signer(wanted: Proposal, access: Access, connection: ConnectionSpec) -> Signer:
    from finport_ingestion.engine.auth.interface import Grant
    from finport_ingestion.engine.auth.registry import METHODS
    from finport_ingestion.engine.sources.web.caller import caller

    method = METHODS.get(str(wanted.value["method"]))
    options = method.Options.model_validate(dict(wanted.value))
    grant = Grant(source=access.source, connection=connection, clock=SystemClock(), send=caller(access))
    signer: Signer = method(options, grant).signer()
    return signer


def _secret_parameters(address: str) -> tuple[str, ...]:
    return tuple(name for name, value in parse_qsl(urlsplit(address).query) if value and _SECRET.fullmatch(name))


def _of_address(secrets: tuple[str, ...]) -> Proposal:
    reason = f"the address carries '{secrets[0]}', which is not written down"
    value = {"method": "api_key", "parameter": secrets[0]}
    return Proposal(about=About.AUTHENTICATION, value=value, confidence=0.9, reasons=(reason,))


def without_secrets(address: str) -> str:
    """The address as it may be shown."""
    parts = urlsplit(address)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if not _SECRET.fullmatch(name)]
    return urlunsplit(parts._replace(query=urlencode(kept, quote_via=quote)))


def columns_of(body: Path, convert: Mapping[str, Any]) -> list[str]:
    """The columns of a delivery as lines of a contract; none where it cannot be read."""
    from upath import UPath

    from finport_ingestion.cli.source_written import spelled
    from finport_ingestion.engine.convert.file_conversion import Wish, convert_file
    from finport_ingestion.engine.convert.interface import RawFile
    from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput
    from finport_ingestion.engine.convert.registry import FORMATS

    options = FORMATS.get(str(convert["format"])).Options.model_validate(dict(convert))
    raw = RawFile(path=UPath(body), uri=body.name, size_bytes=body.stat().st_size, may_be_empty=True)
    with tempfile.TemporaryDirectory(prefix="finport-") as folder:
        report = convert_file(raw, Path(folder), wish=Wish(output=ParquetOutput(), options=options))
    if not report.tables:
        return []
    return [spelled({"name": column.name, "type": column.type}) for column in report.tables[0].columns]
