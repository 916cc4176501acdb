"""Rows of a JDBC result as Arrow, without a call from Python for every cell.

The loop over rows and columns is put together in Java out of method handles, and compiled there: Python calls it once
for a block. Each column is spelled as UTF-8 text (bytes as they are) into one buffer and its lengths into another,
which are an Arrow array in all but name. A decimal is spelled by `BigDecimal.toPlainString`: never a double.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import jpype
import numpy as np
import pyarrow as pa

from finport_ingestion.engine.sources.jvm.described import Kind

_NULL = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sink:
    """What one column of a block is written to."""

    content: Any
    lengths: Any
    writer: Any
    is_binary: bool

    def taken(self) -> pa.Array:
        """The column as Arrow; the sink is empty again."""
        lengths = np.frombuffer(bytes(self.lengths.toByteArray()), dtype=">i4").astype(np.int64)
        content = pa.py_buffer(bytes(self.content.toByteArray()))
        self.lengths.reset()
        self.content.reset()
        offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
        np.cumsum(np.maximum(lengths, 0), out=offsets[1:])
        valid = np.packbits(lengths != _NULL, bitorder="little")
        wide = pa.large_binary() if self.is_binary else pa.large_string()
        buffers = [pa.py_buffer(valid), pa.py_buffer(offsets), content]
        return pa.Array.from_buffers(wide, len(lengths), buffers).cast(pa.binary() if self.is_binary else pa.string())


class Block:
    """Takes a result in blocks of rows."""

    def __init__(self, kinds: list[Kind], *, modern: bool) -> None:
        """See the class.

        Args:
            modern: Whether the driver gives java.time's classes (JDBC 4.2).
        """
        self._sinks = [_sink(kind) for kind in kinds]
        handles = _Handles()
        cells = [
            handles.cell(index, kind, sink, modern=modern)
            for index, (kind, sink) in enumerate(zip(kinds, self._sinks, strict=True), start=1)
        ]
        self._loop = handles.loop(cells)
        self._counter = jpype.JClass("java.util.stream.IntStream")
        self._objects = jpype.JArray(jpype.JClass("java.lang.Object"))

    def read(self, result: Any, rows: int) -> pa.RecordBatch:
        """At most so many rows; fewer at the end only."""
        counter = self._counter.range(0, rows).iterator()
        self._loop.invokeWithArguments(self._objects([result, counter]))
        arrays = [sink.taken() for sink in self._sinks]
        return pa.RecordBatch.from_arrays(arrays, names=[f"c{index}" for index in range(len(arrays))])


def _sink(kind: Kind) -> _Sink:
    content, lengths = (jpype.JClass("java.io.ByteArrayOutputStream")() for _ in range(2))
    writer = jpype.JClass("java.io.DataOutputStream")(lengths)
    return _Sink(content=content, lengths=lengths, writer=writer, is_binary=kind is Kind.BINARY)


class _Handles:
    """Puts the loop together; the Java classes by short names."""

    def __init__(self) -> None:
        self.handles = jpype.JClass("java.lang.invoke.MethodHandles")
        self._lookup = self.handles.publicLookup()
        self._types = jpype.JClass("java.lang.invoke.MethodType")
        self._classes = jpype.JArray(jpype.JClass("java.lang.Class"))
        self.object, self.text = (self._class(f"java.lang.{name}") for name in ("Object", "String"))
        self.int, self.boolean, self.nothing = (
            jpype.JClass(f"java.lang.{name}").TYPE for name in ("Integer", "Boolean", "Void")
        )
        self.bytes = jpype.JClass("byte[]").class_
        self.result = self._class("java.sql.ResultSet")
        self.counter = self._class("java.util.PrimitiveIterator$OfInt")

    def loop(self, cells: list[Any]) -> Any:
        """(result, counter): while the counter has numbers and the result rows, write each cell of the row."""
        handles = self.handles
        row = reduce(handles.foldArguments, reversed(cells))
        both = [self.result, self.counter]
        has_next = self._typed(self._virtual("java.util.Iterator", "hasNext", self.boolean), self.boolean, self.counter)
        follows = handles.guardWithTest(
            handles.dropArguments(has_next, 0, self._classes([self.result])),
            handles.dropArguments(
                self._virtual("java.sql.ResultSet", "next", self.boolean), 1, self._classes([self.counter])
            ),
            handles.dropArguments(
                handles.constant(self.boolean, jpype.JClass("java.lang.Boolean").FALSE), 0, self._classes(both)
            ),
        )
        count = self._typed(
            self._virtual("java.util.PrimitiveIterator$OfInt", "nextInt", self.int), self.nothing, self.counter
        )
        body = handles.foldArguments(
            handles.dropArguments(row, 1, self._classes([self.counter])),
            handles.dropArguments(count, 0, self._classes([self.result])),
        )
        return handles.whileLoop(None, follows, body)

    def cell(self, index: int, kind: Kind, sink: _Sink, *, modern: bool) -> Any:
        """(result): write the value of a column to its sink."""
        handles = self.handles
        write_length = self._virtual("java.io.DataOutputStream", "writeInt", self.nothing, self.int).bindTo(sink.writer)
        write_bytes = self._virtual("java.io.ByteArrayOutputStream", "writeBytes", self.nothing, self.bytes)
        measured = handles.filterReturnValue(handles.arrayLength(self.bytes), write_length)
        write = handles.foldArguments(write_bytes.bindTo(sink.content), measured)
        null = self._with(write_length, 0, jpype.JClass("java.lang.Integer")(_NULL))
        is_null = self._lookup.findStatic(
            self._class("java.util.Objects"), "isNull", self._types.methodType(self.boolean, self.object)
        )
        guarded = handles.guardWithTest(
            is_null,
            handles.dropArguments(null, 0, self._classes([self.object])),
            handles.filterReturnValue(self._spelled(kind, modern=modern), write),
        )
        value = self._typed(self._value(index, kind, modern=modern), self.object, self.result)
        return handles.filterReturnValue(value, guarded)

    def _value(self, index: int, kind: Kind, *, modern: bool) -> Any:
        number = jpype.JClass("java.lang.Integer")(index)
        wanted = kind.java_class if modern or kind.getter != "getObject" else None
        if wanted:
            get = self._virtual(
                "java.sql.ResultSet", "getObject", self.object, self.int, self._class("java.lang.Class")
            )
            return self._with(get, 1, number, self._class(wanted))
        getter = kind.getter if modern else kind.old_getter
        returned = {
            "getBytes": self.bytes,
            "getString": self.text,
            "getBigDecimal": self._class("java.math.BigDecimal"),
            "getDate": self._class("java.sql.Date"),
            "getTime": self._class("java.sql.Time"),
            "getTimestamp": self._class("java.sql.Timestamp"),
        }.get(getter, self.object)
        return self._with(self._virtual("java.sql.ResultSet", getter, returned, self.int), 1, number)

    def _spelled(self, kind: Kind, *, modern: bool) -> Any:
        """(value): its bytes."""
        if kind is Kind.BINARY:
            return self._typed(self.handles.identity(self.bytes), self.bytes, self.object)
        if kind is Kind.DECIMAL:
            spell = self._virtual("java.math.BigDecimal", "toPlainString", self.text)
        else:
            spell = self._virtual("java.lang.Object", "toString", self.text)
        if kind is Kind.MOMENT_IN_ZONE:
            # At zone zero, and with its seconds: as an Instant spells it.
            instant = self._class("java.time.Instant")
            owner = "java.time.OffsetDateTime" if modern else "java.sql.Timestamp"
            at_zero = self._virtual(owner, "toInstant", instant)
            spell = self.handles.filterReturnValue(at_zero, self._typed(spell, self.text, instant))
        encode = self._with(
            self._virtual("java.lang.String", "getBytes", self.bytes, self._class("java.nio.charset.Charset")),
            1,
            self._utf8,
        )
        return self._typed(self.handles.filterReturnValue(spell, encode), self.bytes, self.object)

    @cached_property
    def _utf8(self) -> Any:
        return jpype.JClass("java.nio.charset.StandardCharsets").UTF_8

    def _virtual(self, owner: str, name: str, returned: Any, *parameters: Any) -> Any:
        kind = self._types.methodType(returned, self._classes(list(parameters)))
        return self._lookup.findVirtual(self._class(owner), name, kind)

    def _typed(self, handle: Any, returned: Any, parameter: Any) -> Any:
        return handle.asType(self._types.methodType(returned, self._classes([parameter])))

    def _with(self, handle: Any, position: int, *values: Any) -> Any:
        return self.handles.insertArguments(
            handle, position, jpype.JArray(jpype.JClass("java.lang.Object"))(list(values))
        )

    def _class(self, name: str) -> Any:
        return jpype.JClass(name).class_
