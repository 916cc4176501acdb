"""Repaired records go in again: they are landed like a delivery of their own, and a run takes them from there.

The landed run is called by the hash of its content, so releasing the same file twice is publishing once. Beside the
rejects a mark says which records were released, so that another file cannot bring them a second time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finport_ingestion.cli.repair import Number, Repaired
from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.files import write_bytes
from finport_ingestion.engine.records import Fingerprint, Manifest, Part, Replaces
from finport_ingestion.engine.step import safe_name

if TYPE_CHECKING:
    from finport_ingestion.cli.quarantined import Quarantined
    from finport_ingestion.engine.workflow.plan import Plan
    from finport_ingestion.engine.workflow.services import Services

_MARK = "released-"
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Repaired records of one source of one run, as a delivery."""

    of: Quarantined
    records: Sequence[Repaired]
    content: bytes  # NDJSON

    @property
    def run_id(self) -> str:
        """The id under which the records are landed; equal content is equal ids."""
        folder = self.of.folder
        digest = hashlib.sha256(f"{folder.workflow}\n{folder.source}\n{folder.run_id}\n".encode() + self.content)
        return f"release-{digest.hexdigest()[:20]}"

    def mark(self, dataset: str) -> bytes:
        """What is noted beside the rejects."""
        records = [[record.part, record.row] for record in self.records]
        return json.dumps({"item": self.run_id, "dataset": dataset, "records": records}).encode()


def prepare(of: Quarantined, records: Sequence[Repaired], *, services: Services) -> Release:
    """A release that may be carried out.

    Raises:
        PermanentError: A record is not one that was rejected, or it is published already.
    """
    unknown = sorted({record.key for record in records} - of.keys())
    if unknown:
        raise PermanentError(
            f"{of.where}: {_listed(unknown)} is not in quarantine.",
            hint="keep _finport_part and _finport_row as 'finport quarantine show --export' wrote them",
        )
    release = Release(of=of, records=records, content=b"".join(_line(record.fields) for record in records))
    published = released(of, services, but=release.run_id)
    if again := sorted({record.key for record in records} & published):
        raise PermanentError(f"{of.where}: {_listed(again)} is published already.", hint="leave those records out")
    return release


def is_published(release: Release, services: Services, *, dataset: str) -> bool:
    """Whether exactly these records were released before, and are still published."""
    return release.run_id in services.state.fingerprints(release.of.folder.source, dataset)


def land(release: Release, *, plan: Plan, services: Services) -> None:
    """Put the records into the landing area, as if they had just been delivered. May be repeated."""
    from finport_ingestion import __version__

    folder, source = release.of.folder, plan.source(release.of.folder.source)
    places, run_id = services.places, release.run_id
    landing = places.at(f"landing/{plan.workflow}/{source.name}/{safe_name(run_id)}")
    path = landing / "00000-repaired" / "00000.ndjson"
    write_bytes(release.of.folder.path / f"{_MARK}{run_id}.json", release.mark(source.dataset))
    write_bytes(path, release.content)
    digest = hashlib.sha256(release.content).hexdigest()
    part = Part(
        uri=places.relative(path),
        format="ndjson",
        size_bytes=len(release.content),
        sha256=digest,
        item=run_id,
        sequence=0,
        media_type="application/x-ndjson",
    )
    manifest = Manifest(
        workflow=plan.workflow,
        source=source.name,
        dataset=source.dataset,
        run_id=run_id,
        step="release",
        plan=plan.digest,
        package=__version__,
        replaces=Replaces.NOTHING,
        parts=(part,),
        items=(Fingerprint(item=run_id, sha256=digest, size_bytes=part.size_bytes, record_count=len(release.records)),),
        facts={"released": True, "released_from": folder.run_id, "records": len(release.records)},
    )
    write_bytes(landing / "manifest.json", manifest.to_json())


def released(of: Quarantined, services: Services, *, but: str = "") -> set[tuple[str, int]]:
    """(part, row) of the records of a run that are published by now; `but` leaves one release out."""
    found: set[tuple[str, int]] = set()
    for path in of.folder.path.glob(f"{_MARK}*.json"):
        mark = json.loads(path.read_bytes())
        published = services.state.fingerprints(of.folder.source, mark["dataset"])
        if mark["item"] in published and mark["item"] != but:
            found |= {(part, row) for part, row in mark["records"]}
    return found


def _line(fields: Mapping[str, Any]) -> bytes:
    """A record as one line. The converter reads released texts as it reads fields of a file, so values are texts."""
    import orjson

    return orjson.dumps({name: _text(value) for name, value in fields.items()}, option=orjson.OPT_APPEND_NEWLINE)


def _text(value: Any) -> Any:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _nested(value) if isinstance(value, Mapping | list) else value


def _nested(value: Any) -> Any:
    import orjson

    if isinstance(value, Mapping):
        return {name: _nested(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_nested(member) for member in value]
    return orjson.Fragment(value.encode()) if isinstance(value, Number) else value


def _listed(keys: Sequence[tuple[str, int]]) -> str:
    shown = ", ".join(f"row {row} of {part}" for part, row in keys[:_SHOWN])
    return f"{shown} and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else shown
