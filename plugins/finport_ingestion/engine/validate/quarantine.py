"""Rejected rows as rows of the quarantine: what is wrong with each, and the whole record in exact texts."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.records import LINEAGE_COLUMNS, PART_COLUMN, ROW_COLUMN, Part
from finport_ingestion.engine.rejects import Masking, Reject, record_text, reject_batch
from finport_ingestion.engine.validate.passed import RejectedRows
from finport_ingestion.engine.validate.rules import Rule
from finport_ingestion.engine.validate.wording import reason_of

_ROWS_AT_ONCE = 10_000


def reject_batches(
    rows: RejectedRows, found: pa.Table, *, rules: Sequence[Rule], part: Part, mask: Masking
) -> Iterator[pa.RecordBatch]:
    """Rows of the quarantine, in order.

    Args:
        rows: Rejected rows of the part.
        found: What was found of the part (findings.rejected_in): at least of these rows.
        rules: The suite's; findings name them by number.
        part: The staged part.
        mask: How the value that is wrong is shown; the record is whole.
    """
    for start in range(0, len(rows.positions), _ROWS_AT_ONCE):
        positions = rows.positions[start : start + _ROWS_AT_ONCE]
        wanted = found.filter(pc.is_in(found["position"], pa.array(positions, pa.int64()))).to_pylist()
        findings = [list(group) for _, group in groupby(wanted, key=itemgetter("position"))]
        records = rows.table.slice(start, _ROWS_AT_ONCE).to_pylist()
        rejects = (_reject(r, f, rules=rules, item=part.item) for r, f in zip(records, findings, strict=True))
        yield reject_batch(rejects, mask=mask)


def _reject(record: dict[str, Any], findings: list[dict[str, Any]], *, rules: Sequence[Rule], item: str) -> Reject:
    first = rules[findings[0]["rule"]]
    texts = findings[0]["texts"]
    return Reject(
        part=record[PART_COLUMN],
        row=record[ROW_COLUMN],
        item=item,
        stage="validate",
        column=", ".join(first.columns),
        rule=first.type,
        value=None if all(text is None for text in texts) else ", ".join(text or "" for text in texts),
        reason="; ".join(reason_of(rules[finding["rule"]], finding["detail"]) for finding in findings),
        record=record_text({name: _text(value) for name, value in record.items() if name not in LINEAGE_COLUMNS}),
    )


def _text(value: object) -> str | None:
    """A staged value as the text that conversion reads back to it."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=_text)
        case _:
            return str(value)
