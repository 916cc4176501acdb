"""How a conversion ended, against how it has to."""

from __future__ import annotations

from collections.abc import Iterator

from finport_ingestion.engine.convert.report import Outcome
from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenFile

_REFUSED = ("reject", "reject_without_key")
_TAKEN = {
    "ok": (Outcome.OK, Outcome.OK_WITH_WARNINGS),
    # A record that is set aside is said in a warning too.
    "ok_with_warnings": (Outcome.OK_WITH_WARNINGS, Outcome.QUARANTINED_ROWS),
    "quarantine_rows": (Outcome.QUARANTINED_ROWS,),
    "ok_or_refuse": (Outcome.OK, Outcome.OK_WITH_WARNINGS, Outcome.QUARANTINED_ROWS),
}


def differences(file: GoldenFile, ours: Converted) -> Iterator[str]:
    report = ours.report
    if report.outcome is Outcome.REFUSED:
        if file.outcome not in (*_REFUSED, "ok_or_refuse"):
            yield f"refused: {report.error}"
        yield from _refusal(ours)
        return
    if report.error:
        yield f"not refused, and yet there is an error: {report.error}"
    if report.outcome not in _TAKEN.get(file.outcome, ()):
        yield f"the outcome is {report.outcome}, where {file.outcome} is wanted: {report.warnings}"
    if report.outcome is not Outcome.OK and not (report.warnings or report.drift):
        yield f"the outcome is {report.outcome}, and nothing says why"
    if file.outcome == "quarantine_rows" and file.bad_rows and report.quarantined != len(file.bad_rows):
        yield f"{report.quarantined} rows are set aside, not {len(file.bad_rows)}"
    yield from _account(file, ours)


def _refusal(ours: Converted) -> Iterator[str]:
    if not ours.report.error:
        yield "refused without a reason"
    if ours.files:
        yield f"refused, and yet it left {[path.name for path in ours.files]}"
    if ours.report.tables:
        yield "refused, and yet it tells of tables"


def _account(file: GoldenFile, ours: Converted) -> Iterator[str]:
    """What is told has been written, and what was set aside can be looked at, by row."""
    for told, table in zip(ours.report.tables, ours.tables, strict=True):
        if told.rows != table.rows:
            yield f"table '{table.name}': {told.rows} rows are told, {table.rows} are written"
        aside = table.set_aside.to_pylist() if table.set_aside is not None else []
        if told.quarantined != len(aside):
            yield f"table '{table.name}': {told.quarantined} set aside are told, {len(aside)} are written"
        rows, wanted = sorted(record["row"] for record in aside), [row + 1 for row in file.bad_rows]
        if aside and wanted and rows != wanted:
            yield f"table '{table.name}': rows {rows} are set aside, not {wanted}"
        if not all(record["record"] for record in aside):
            yield f"table '{table.name}': a record is set aside without its text"
