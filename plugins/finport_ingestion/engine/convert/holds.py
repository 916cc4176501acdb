"""Whether a column, as it is going to be written, holds the values that were seen of it."""

from __future__ import annotations

import pyarrow as pa

from finport_ingestion.engine.config.models.contract import ContractMode
from finport_ingestion.engine.convert.agreed import widened
from finport_ingestion.engine.convert.agreed_numbers import needed, still_holds
from finport_ingestion.engine.convert.columns import TargetColumn
from finport_ingestion.engine.convert.decorated import Convention
from finport_ingestion.engine.convert.evidence import DECIMAL, DECORATED, Evidence
from finport_ingestion.engine.convert.infer import MAX_INTEGER_DIGITS
from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.convert.nested import fits
from finport_ingestion.engine.convert.settle import AnyEvidence, Terms
from finport_ingestion.engine.convert.typed import TypedEvidence
from finport_ingestion.engine.logical import LogicalType, parse_logical


def holds(column: TargetColumn, evidence: AnyEvidence, terms: Terms) -> bool:
    """Whether all the values behind `evidence` can be written as `column`, or are misfits whatever its type."""
    if isinstance(evidence, TypedEvidence):
        return column.agreed or _holds_type(column.naive.type, evidence)
    if column.agreed:
        return _holds_agreed(column, evidence, terms)
    if evidence.values == 0 or column.spelling in ("text", "identifier"):
        return True
    if pa.types.is_nested(column.type):
        return evidence.origins == {Origin.NESTED} and fits(evidence.shape, column.type)
    if column.spelling == "json":
        return evidence.origins.isdisjoint({Origin.STRING, Origin.FIELD})
    if len(evidence.origins) > 1 or Origin.NESTED in evidence.origins:
        return False
    return _holds_values(column, evidence)


def _holds_agreed(column: TargetColumn, evidence: Evidence, terms: Terms) -> bool:
    agreed = terms.agreed(column.name)  # by its own spelling
    stated = agreed.type if agreed else column.declared
    if stated is None:
        return True
    logical = parse_logical(stated)
    if logical.kind in ("integer", "decimal") and not still_holds(column.way, evidence):
        return False
    if terms.mode is not ContractMode.EVOLVE:
        return True
    digits, scale = needed(evidence, column.way)
    wide = widened(logical, digits, scale)
    return wide == logical or _includes(column.logical, wide, digits)


def _holds_values(column: TargetColumn, evidence: Evidence) -> bool:
    if column.way in frozenset(Convention):
        return _holds_decorated(column.logical, evidence, Convention(column.way))
    if column.way:
        return column.way in evidence.alive
    logical = column.logical
    if logical.kind == DECIMAL:
        within = evidence.digits <= logical.precision - logical.scale and evidence.scale <= logical.scale
        return DECIMAL in evidence.alive and within
    return logical.kind in evidence.alive and (logical.kind != "integer" or evidence.digits <= MAX_INTEGER_DIGITS)


def _holds_decorated(logical: LogicalType, evidence: Evidence, convention: Convention) -> bool:
    fits = evidence.decor.point if convention is Convention.POINT else evidence.decor.comma
    if DECORATED not in evidence.alive or fits is None:
        return False
    if logical.kind == DECIMAL:
        return fits[0] <= logical.precision - logical.scale and fits[1] <= logical.scale
    return fits[1] == 0 and fits[0] <= MAX_INTEGER_DIGITS


def _holds_type(target: pa.DataType, evidence: TypedEvidence) -> bool:
    both = TypedEvidence(types=(target,)) + evidence
    return bool(both.unified == target)


def _includes(column: LogicalType, wide: LogicalType, digits: int) -> bool:
    if column.kind != DECIMAL or wide.kind not in (DECIMAL, "integer"):
        return column == wide
    # What is needed is counted by the values: a precision of 38 leaves more digits than any of them has.
    return column.scale >= wide.scale and column.precision - column.scale >= digits
