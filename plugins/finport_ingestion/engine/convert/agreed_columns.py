"""Columns that a contract agrees on, as they are written: type, way of writing and label by what was seen of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from finport_ingestion.engine.config.models.contract import Column, ContractMode
from finport_ingestion.engine.convert.agreed import way_of, widened
from finport_ingestion.engine.convert.agreed_numbers import Marking, marking, needed
from finport_ingestion.engine.convert.columns import TargetColumn
from finport_ingestion.engine.convert.evidence import ENUMERATION, Evidence
from finport_ingestion.engine.convert.infer import Commas
from finport_ingestion.engine.logical import LogicalType, parse_logical, to_arrow

if TYPE_CHECKING:
    from finport_ingestion.engine.convert.settle import AnyEvidence, Terms


def agreed_column(
    agreed: Column, found: Sequence[AnyEvidence], terms: Terms, *, final: bool, commas: Commas
) -> tuple[TargetColumn, list[str]]:
    """The column, and sentences about it.

    Args:
        final: Every value was seen.
        commas: What the file's other values say of its commas.

    Raises:
        ConfigError: A date can be read in two ways.
    """
    logical = parse_logical(agreed.type)
    marked = Marking(None)
    texts = [evidence for evidence in found if isinstance(evidence, Evidence)]
    way = _iso_way(logical) if not texts else None
    if texts:
        evidence = reduce(add, texts)
        way = way_of(agreed.name, logical, evidence, date_order=terms.reading.date_order, final=final)
        if logical.kind in ("integer", "decimal"):
            style, frozen = terms.reading.style, terms.mode is ContractMode.FREEZE
            marked = marking(evidence, commas=commas, style=style, mark=agreed.mark, frozen=frozen)
            way = marked.way
        logical = widened(logical, *needed(evidence, way)) if terms.mode is ContractMode.EVOLVE else logical
    made = TargetColumn(
        name=agreed.name,
        type=to_arrow(logical),
        spelling=str(logical),
        way=way,
        label=marked.label or _agreed_label(agreed, logical),
        agreed=True,
        mark=agreed.mark,
    )
    return made, [f"column '{agreed.name}' {marked.doubt}"] if marked.doubt else []


def _agreed_label(agreed: Column, logical: LogicalType) -> str | None:
    if logical.kind == "identifier":
        return "identifier"
    return ENUMERATION if logical.kind == "text" and agreed.allowed else None


def _iso_way(logical: LogicalType) -> str | None:
    """A text column of a typed format is read as ISO 8601 writes it."""
    return {"date": "date:%Y-%m-%d", "time": "time", "timestamp": _iso_stamp(logical)}.get(logical.kind)


def _iso_stamp(logical: LogicalType) -> str:
    return "timestamp:%Y-%m-%d+zone" if logical.time_zone else "timestamp:%Y-%m-%d"
