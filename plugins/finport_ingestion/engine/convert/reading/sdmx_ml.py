"""Observations of SDMX-ML, one a row with all that their series, groups and data set say of them.

Generic messages (2.0, 2.1) and structure-specific ones (compact of 2.0, 2.1, 3.0) give the same table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
from lxml import etree

from finport_ingestion.engine.convert.interface import BadRecord, Batch, Origin, RawFile
from finport_ingestion.engine.convert.reading import sparse
from finport_ingestion.engine.convert.reading.sdmx_values import (
    OF_THE_SET,
    NoName,
    attribute_of,
    components_of,
    named_values,
    plain_of,
)
from finport_ingestion.engine.convert.reading.sparse import Sparseness
from finport_ingestion.engine.convert.reading.xml_events import (
    Element,
    XmlEvents,
    children,
    forget,
    local,
    namespace,
    text_of,
)
from finport_ingestion.engine.convert.reading.xml_source import open_text
from finport_ingestion.engine.errors import FormatError

MESSAGES = frozenset(
    [
        "GenericData",
        "GenericTimeSeriesData",
        "StructureSpecificData",
        "StructureSpecificTimeSeriesData",
        "CompactData",
        "MessageGroup",
    ]
)
VALUE, TIME = "OBS_VALUE", "TIME_PERIOD"
_FLUSH_ROWS = 20_000
Values = dict[str, str | None]


@dataclass(slots=True)
class _Observations:
    """The rows of one structure, in columns that grow with the names that are met."""

    table: str
    columns: dict[str, list[str | None]] = field(default_factory=dict)
    count: int = 0  # of the rows in `columns`
    number: int = 0  # of the last row
    numbers: list[int] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    sparse: Sparseness = field(default_factory=lambda: Sparseness("the file"))
    filled: int = 0  # cells in `columns`

    @property
    def full(self) -> bool:
        return self.count >= _FLUSH_ROWS or self.count * len(self.columns) >= sparse.BATCH_CELLS

    def add(self, values: Values) -> None:
        self.number += 1
        self.numbers.append(self.number)
        for name, value in values.items():
            column = self.columns.get(name)
            if column is None:
                column = self.columns[name] = [None] * self.count
            column.append(value)
        self.count += 1
        self.filled += len(values)
        if len(values) < len(self.columns):
            for column in self.columns.values():
                if len(column) < self.count:
                    column.append(None)

    def reject(self, reason: str, text: str) -> None:
        self.number += 1
        self.bad.append(BadRecord(row=self.number, rule="no_name", reason=reason, text=text, table=self.table))

    def batch(self, *, size_bytes: int) -> Batch:
        self.sparse.add(rows=self.count, columns=len(self.columns), filled=self.filled)
        arrays = [pa.array(column, pa.string()) for column in self.columns.values()]
        made = Batch(
            columns=pa.RecordBatch.from_arrays(arrays, names=list(self.columns))
            if arrays
            else pa.RecordBatch.from_struct_array(pa.array([{}] * self.count, pa.struct([]))),
            rows=pa.array(self.numbers, pa.int64()),
            table=self.table,
            bad=tuple(self.bad),
            origins={name: frozenset([Origin.FIELD]) for name in self.columns},
            types={name: "text" for name in self.columns if name != VALUE},
            size_bytes=size_bytes,
        )
        self.columns = {name: [] for name in self.columns}
        self.count, self.filled, self.numbers, self.bad = 0, 0, [], []
        return made


@dataclass(slots=True)
class _Message:
    """A message while its elements pass by."""

    raw: RawFile
    tables: dict[str, _Observations] = field(default_factory=dict)
    current: _Observations | None = None
    dimensions: dict[str, str] = field(default_factory=dict)  # at the observation, by structure
    dimension: str = TIME
    set_values: Values = field(default_factory=dict)
    groups: list[Values] = field(default_factory=list)
    series: Values = field(default_factory=dict)
    datasets: int = 0
    before: int = 0  # observations of the table before this data set
    late: int = 0  # the last data set with a group behind observations
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    def start(self, element: Element) -> None:
        name, parent = local(element), element.getparent()
        if name == "DataSet":
            self._begin_set(element)
        elif name == "Series" and parent is not None and local(parent) in ("DataSet", "Group"):
            self.series = plain_of(element)

    def end(self, element: Element) -> None:
        name, parent = local(element), element.getparent()
        above = local(parent) if parent is not None else ""
        if name == "Obs":
            self._observe(element)
            forget(element)
        elif name == "Series":
            forget(element)
        elif above == "Header":
            self._header(element, name)
        elif name == "Message" and "footer" in namespace(element):
            words = " ".join(text_of(element).split())
            self.warnings.append(f"the sender says: {element.get('severity', 'message')}: {words}")
        elif above in ("DataSet", "Group", "Series"):
            self._above(element, name, above)

    def _begin_set(self, element: Element) -> None:
        self.datasets += 1
        structure = attribute_of(element, "structureRef") or attribute_of(element, "dataflowID") or ""
        table = "observations"
        if self.tables and structure not in self.tables:
            table = f"observations_{structure or self.datasets}"
        self.current = self.tables.setdefault(structure, _Observations(table, sparse=Sparseness(self.raw.uri)))
        self.before = self.current.number
        self.dimension = self.dimensions.get(structure, TIME)
        own = plain_of(element)
        self.set_values = {name: text for name, text in own.items() if name not in OF_THE_SET}
        self.groups = []
        action = attribute_of(element, "action")
        if action and action.lower() == "delete":
            self.warnings.append(f"line {element.sourceline}: data set {self.datasets} says that its data are deleted")

    def _header(self, element: Element, name: str) -> None:
        if name == "Structure":
            key, at = attribute_of(element, "structureID") or "", attribute_of(element, "dimensionAtObservation")
            self.dimensions[key] = TIME if at in (None, "AllDimensions") else str(at)
        elif name in ("DataSetID", "ID") and element.text:
            self.facts.setdefault("message" if name == "ID" else "dataset", element.text.strip())

    def _above(self, element: Element, name: str, above: str) -> None:
        """What is said of a data set, group or series before its observations."""
        try:
            if name in ("SeriesKey", "Attributes"):
                target = self.set_values if above == "DataSet" else self.series
                if above != "Group":
                    target.update(named_values(element))
            elif above == "DataSet" and name not in ("DataProvider", "KeyFamilyRef", "Annotations"):
                # `Group`, and in the compact form an element of the group's name.
                self._take_group(element)
                forget(element)
        except NoName as fault:
            raise FormatError(
                f"{self.raw.uri}: line {element.sourceline}: {fault}.", hint="ask the sender for a valid message"
            ) from fault

    def _take_group(self, element: Element) -> None:
        parts = [part for part in children(element) if local(part) in ("GroupKey", "Attributes")]
        group = {} if parts else dict(plain_of(element))
        for part in parts:
            group.update(named_values(part))
        self.groups.append({**group, **components_of(element)})
        if self.late != self.datasets and self.current is not None and self.current.number > self.before:
            self.late = self.datasets
            self.warnings.append(
                f"line {element.sourceline}: a group stands behind observations: what it says is not in their rows"
            )

    def _observe(self, element: Element) -> None:
        assert self.current is not None
        try:
            own = self._own(element)
        except NoName as fault:
            text = etree.tostring(element, encoding="unicode", with_tail=False)
            self.current.reject(f"line {element.sourceline}: {fault}", text)
            return
        key = {**self.series, **own}
        values: Values = dict(key)
        for group in (*self.groups, self.set_values):
            # A group speaks of all series that have its dimensions' values.
            if all(key[name] == text for name, text in group.items() if name in key):
                values.update({name: text for name, text in group.items() if name not in values})
        self.current.add(values)

    def _own(self, element: Element) -> Values:
        """The dimension, value and attributes of an observation."""
        found = {**plain_of(element), **components_of(element)}
        attributes: Values = {}
        for part in children(element):
            name = local(part)
            if name == "ObsDimension":
                found[part.get("id", self.dimension)] = part.get("value")
            elif name == "Time":
                found[TIME] = text_of(part).strip()
            elif name == "ObsKey":
                found.update(named_values(part))
            elif name == "ObsValue":
                found[part.get("id", VALUE)] = part.get("value")
            elif name == "Attributes":
                attributes.update(named_values(part))
        return {**found, **attributes}


def read_sdmx(raw: RawFile) -> Iterator[Batch]:
    """The observations of `raw`, a table for each structure.

    Raises:
        FormatError: It is no SDMX data message.
    """
    with raw.open() as stream:
        text = open_text(stream, raw=raw)
        if text is None:
            return
        events = XmlEvents(text, raw=raw)
        message, root, flushed = _Message(raw), None, 0
        message.warnings += text.warnings
        for kind, element in events:
            if root is None:
                root = element
                _require_message(root, raw)
            (message.start if kind == "start" else message.end)(element)
            if message.current is not None and message.current.full:
                yield message.current.batch(size_bytes=events.fed_bytes - flushed)
                flushed = events.fed_bytes
        if not message.tables:
            raise FormatError(
                f"{raw.uri}: an SDMX message without any data set.",
                offset_bytes=0,
                hint="a structure, query or error message holds no data: look at what the source answered",
            )
        yield from _last(message, events.fed_bytes - flushed)


def _last(message: _Message, size_bytes: int) -> Iterator[Batch]:
    for at, table in enumerate(message.tables.values()):
        batch = table.batch(size_bytes=0 if at else size_bytes)
        if at == 0:
            told = {"warnings": tuple(message.warnings), "facts": message.facts}
            batch = Batch(**{name: getattr(batch, name) for name in Batch.__slots__} | told)
        yield batch


def _require_message(root: Element, raw: RawFile) -> None:
    if local(root) in MESSAGES:
        return
    what = "an SDMX message without data" if "sdmx" in namespace(root).lower() else "no SDMX message"
    raise FormatError(
        f"{raw.uri}: line {root.sourceline}: {what}: its root element is '{local(root)}'.",
        offset_bytes=0,
        hint=f"read here are {', '.join(sorted(MESSAGES))}; for others state 'format: xml' with 'records'",
    )
