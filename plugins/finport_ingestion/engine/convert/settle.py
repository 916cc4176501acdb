"""The schema of a run out of what its parts hold and what the contract agrees, and in words how the two differ.

The same function settles the proposal of the samples, a part that did not fit it, and the final schema.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any, TypeAlias

import pyarrow as pa

from finport_ingestion.engine.config.models.contract import Column, Contract, ContractMode
from finport_ingestion.engine.convert import identifiers
from finport_ingestion.engine.convert.agreed import look_agreed
from finport_ingestion.engine.convert.agreed_columns import agreed_column
from finport_ingestion.engine.convert.agreed_numbers import unstated
from finport_ingestion.engine.convert.cast import Reading
from finport_ingestion.engine.convert.columns import TargetColumn, TargetSchema
from finport_ingestion.engine.convert.decorated import Convention
from finport_ingestion.engine.convert.evidence import HYPOTHESES, Evidence, Look
from finport_ingestion.engine.convert.infer import Commas, decide, names_an_identifier
from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.convert.look import look
from finport_ingestion.engine.convert.names import clean_name, merge_names
from finport_ingestion.engine.convert.typed import TypedEvidence, look_typed, spelled
from finport_ingestion.engine.errors import ContractBroken
from finport_ingestion.engine.logical import parse_logical, to_arrow

AnyEvidence: TypeAlias = Evidence | TypedEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the documents say of a run's columns."""

    contract: Contract
    reading: Reading
    typed: bool
    cursor: str | None = None  # the field of `incremental`

    @property
    def mode(self) -> ContractMode:
        """Without agreed columns there is nothing to depart from."""
        return self.contract.mode if self.contract.columns else ContractMode.EVOLVE

    def is_cursor(self, name: str) -> bool:
        return self.cursor is not None and name.casefold() == self.cursor.casefold()

    def is_identifier(self, name: str) -> bool:
        """Whether a name alone makes the column text. The numbers of a cursor are numbers, whatever its name says."""
        return names_an_identifier(name) and not self.is_cursor(name)

    def agreed(self, key: str) -> Column | None:
        """The contract's column that a delivered name means: spelled the same, or but for case and blanks."""
        plain = clean_name(key).casefold()
        exact = next((column for column in self.contract.columns if column.name == key), None)
        return exact or next((c for c in self.contract.columns if c.name.casefold() == plain), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one part holds: its names in order, with the evidence of their values."""

    uri: str
    evidence: Mapping[str, AnyEvidence]
    originals: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)  # that the format itself gives columns
    delimiter: str = ""  # of delimited text

    def to_plain(self) -> dict[str, Any]:
        found = [[key, evidence.to_plain()] for key, evidence in self.evidence.items()]
        return {
            "uri": self.uri,
            "evidence": found,
            "originals": dict(sorted(self.originals.items())),
            "types": dict(sorted(self.types.items())),
            "delimiter": self.delimiter,
        }

    @staticmethod
    def from_plain(fields: Mapping[str, Any], *, typed: bool) -> Seen:
        kind = TypedEvidence if typed else Evidence
        evidence = {key: kind.from_plain(found) for key, found in fields["evidence"]}
        rest = {name: fields[name] for name in ("uri", "originals", "types", "delimiter")}
        return Seen(evidence=evidence, **rest)


@dataclass(frozen=True, slots=True)
class Settled:
    """A schema, how it departs from the contract, and what a person should know."""

    schema: TargetSchema
    drift: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def glance(
    values: pa.Array,
    *,
    key: str,
    among: frozenset[str],
    origins: frozenset[Origin],
    terms: Terms,
    declared: str | None = None,
) -> Look:
    """What some texts of a column are, by themselves.

    Args:
        among: The hypotheses that other values of the column have left.
        declared: The logical type that the format itself gives the column.
    """
    style = terms.reading.style
    agreed = terms.agreed(key)
    if agreed is None and declared is not None:
        # How such a number is written is the format's to say: it has no marks.
        return look_agreed(values, parse_logical(declared), origins=origins, style=style, marks=False)
    if agreed is not None and agreed.name == key:
        return look_agreed(values, parse_logical(agreed.type), origins=origins, style=style, mark=agreed.mark)
    if terms.is_identifier(key) and origins <= {Origin.FIELD, Origin.NUMBER}:
        among = among & identifiers.KINDS  # it stays text whatever its values look like
    seen = look(values, origins=origins, style=style, among=among)
    if agreed is None:
        return seen
    # Another part may have a column that is spelled as agreed beside this one: then this one is new.
    also = look_agreed(values, parse_logical(agreed.type), origins=origins, style=style, mark=agreed.mark).evidence
    found = {name: getattr(also, name) for name in ("fits", "agreed_digits", "agreed_scale", "agreed_decor")}
    return Look(dataclasses.replace(seen.evidence, **found), seen.cast)


def observe(
    values: pa.Array,
    *,
    key: str,
    known: AnyEvidence | None,
    origins: frozenset[Origin],
    terms: Terms,
    declared: str | None = None,
) -> tuple[AnyEvidence, Mapping[str, pa.Array]]:
    """The evidence of a column after some more values, and what the look made of them, by hypothesis."""
    if terms.typed:
        found = look_typed(values)
        return (found if known is None else known + found), {}  # type: ignore[operator]
    among = known.alive if isinstance(known, Evidence) else HYPOTHESES
    seen = glance(values, key=key, among=among, origins=origins, terms=terms, declared=declared)
    return (seen.evidence if known is None else known + seen.evidence), seen.cast  # type: ignore[operator]


def settle(parts: Sequence[Seen], terms: Terms, *, final: bool = False) -> Settled:
    """One schema for all `parts`.

    Args:
        final: Every value was seen: what is still open is an error now.

    Raises:
        ContractBroken: The contract is frozen, and columns are new or missing.
        ConfigError: An agreed date can be read in two ways.
    """
    agreed_names = [column.name for column in terms.contract.columns]
    commas = _commas(parts)
    declared = {key: kind for part in parts for key, kind in part.types.items()}
    names = merge_names([list(part.evidence) for part in parts], agreed=agreed_names)
    if terms.mode is ContractMode.FREEZE:
        _refuse_departures(parts, names, agreed_names, final=final)
    keys: dict[str, list[str]] = {name: [] for name in agreed_names}
    for key, name in names.items():
        keys.setdefault(name, []).append(key)
    columns: list[TargetColumn] = []
    drift: list[str] = []
    notes: list[str] = []
    dropped: set[str] = set()
    order = [*dict.fromkeys(names.values())]
    for name in [*order, *(name for name in agreed_names if name not in order)]:
        column = next((column for column in terms.contract.columns if column.name == name), None)
        if column is None and terms.mode in (ContractMode.DISCARD_ROW, ContractMode.DISCARD_VALUE):
            dropped.update(keys[name])
            drift.append(f"column '{name}' is unknown to the contract and left out")
            continue
        found = [part.evidence[key] for part in parts for key in keys[name] if key in part.evidence]
        stated = column or _declared(name, keys[name], declared, terms)
        made, said = _column(name, stated, found, terms, final=final, commas=commas)
        made = dataclasses.replace(made, declared=None if column else _declared_type(keys[name], declared))
        notes.extend(said)
        columns.append(_named(made, keys[name], parts))
        drift.extend(_drift(columns[-1], column, found, terms))
    return Settled(TargetSchema(tuple(columns), frozenset(dropped)), tuple(drift), tuple(notes))


def _commas(parts: Sequence[Seen]) -> Commas:
    """What the commas of numbers are, as far as all columns of all parts tell."""
    seen = [e for part in parts for e in part.evidence.values() if isinstance(e, Evidence) and e.values]
    decors = [decor for evidence in seen for decor in (evidence.decor, evidence.agreed_decor)]
    if any(decor.clear is Convention.COMMA and not decor.fault for decor in decors):
        return Commas.DECIMALS
    return Commas.THOUSANDS if parts and all(part.delimiter == "," for part in parts) else Commas.UNKNOWN


def _declared_type(keys: Sequence[str], declared: Mapping[str, str]) -> str | None:
    return next((declared[key] for key in keys if key in declared), None)


def _declared(name: str, keys: Sequence[str], declared: Mapping[str, str], terms: Terms) -> Column | None:
    """The column as its format defines it, as if it had been agreed on."""
    kind = None if terms.typed else _declared_type(keys, declared)
    return Column.model_validate({"name": name, "type": kind}) if kind else None


def _column(
    name: str,
    agreed: Column | None,
    found: Sequence[AnyEvidence],
    terms: Terms,
    *,
    final: bool,
    commas: Commas,
) -> tuple[TargetColumn, list[str]]:
    if agreed is not None:
        return agreed_column(agreed, found, terms, final=final, commas=commas)
    if terms.typed:
        typed = reduce(add, (evidence for evidence in found if isinstance(evidence, TypedEvidence)))
        kind = pa.string() if pa.types.is_null(typed.unified) else typed.unified
        found_out = TargetColumn(name=name, type=kind, spelling=spelled(kind), label=_typed_label(kind))
        return _by_the_sources_clock(found_out, terms), []
    evidence = reduce(add, (evidence for evidence in found if isinstance(evidence, Evidence)))
    order, orders = terms.reading.date_order, terms.is_cursor(name)
    decision = decide(name, evidence, date_order=order, orders=orders, commas=commas)
    said = [f"column '{name}' {decision.note}"] if decision.note else []
    made = TargetColumn(
        name=name,
        type=decision.nested or to_arrow(decision.logical),
        spelling=str(decision.nested or decision.logical),
        way=decision.way,
        label=decision.label,
    )
    return _by_the_sources_clock(made, terms), said


def _by_the_sources_clock(column: TargetColumn, terms: Terms) -> TargetColumn:
    """Naive times as moments where the source states its zone; those of a cursor are compared as they are delivered."""
    zone = terms.reading.time_zone
    if zone is None or column.spelling != "timestamp" or terms.is_cursor(column.name):
        return column
    return column.in_zone(zone)


def _named(column: TargetColumn, keys: Sequence[str], parts: Sequence[Seen]) -> TargetColumn:
    delivered = next((part.originals.get(key, key) for part in parts for key in keys if key in part.evidence), None)
    original = delivered if delivered not in (None, column.name) else None
    return dataclasses.replace(column, keys=tuple(keys), original=original)


def _drift(column: TargetColumn, agreed: Column | None, found: Sequence[AnyEvidence], terms: Terms) -> list[str]:
    if agreed is None:
        return [f"column '{column.name}' is new: {column.spelling}"] if terms.contract.columns else []
    if not found:
        return [f"column '{column.name}' of the contract is not delivered"]
    if column.spelling != agreed.type:
        return [f"column '{column.name}' is {column.spelling}, agreed is {agreed.type}"]
    departure = unstated(column.way, column.label, style=terms.reading.style, mark=agreed.mark)
    if departure:
        return [f"column '{column.name}' {departure}"]
    if terms.typed:
        delivered = reduce(add, (evidence for evidence in found if isinstance(evidence, TypedEvidence))).unified
        if delivered != column.type and not pa.types.is_null(delivered):
            return [f"column '{column.name}' is delivered as {spelled(delivered)}, agreed is {agreed.type}"]
    return []


def _refuse_departures(parts: Sequence[Seen], names: Mapping[str, str], agreed: Sequence[str], *, final: bool) -> None:
    for part in parts:
        new = [names[key] for key in part.evidence if names[key] not in agreed]
        if new:
            raise ContractBroken(
                f"{part.uri}: column '{new[0]}' is not in the contract, whose mode is freeze.",
                hint="agree on the column in the contract, or use another mode",
            )
    delivered = set(names.values())
    missing = [name for name in agreed if name not in delivered]
    # A file of no records and no header has no columns that could be missing.
    if final and missing and any(part.evidence for part in parts):
        raise ContractBroken(
            f"{parts[0].uri}: column '{missing[0]}' of the contract is not delivered, and its mode is freeze.",
            hint="ask the source what happened to the column, or use another mode",
        )


def _typed_label(kind: pa.DataType) -> str | None:
    return "naive" if pa.types.is_timestamp(kind) and kind.tz is None else None
