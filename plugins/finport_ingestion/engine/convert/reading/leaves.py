"""The values inside nested ones, whatever they are nested in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from finport_ingestion.engine.convert.reading.nested_types import offsets_by_length, own_offsets

Change = Callable[[pa.Array], pa.Array]
Names = Callable[[Sequence[str]], Sequence[str]]
_kinds = pa.types
_LISTS = (
    _kinds.is_list,
    _kinds.is_large_list,
    _kinds.is_fixed_size_list,
    _kinds.is_list_view,
    _kinds.is_large_list_view,
)


def any_leaf(kind: pa.DataType, test: Callable[[pa.DataType], bool]) -> bool:
    """Whether `test` holds for the type, or for one inside it."""
    if _kinds.is_nested(kind):
        return any(any_leaf(kind.field(at).type, test) for at in range(kind.num_fields))
    return test(kind)


def each_leaf(values: pa.Array, change: Change, *, names: Names = list) -> pa.Array:
    """`values` with everything inside their lists, maps and structures changed; a union is one leaf.

    Args:
        names: Gives the members of a structure their names.
    """
    kind = values.type
    mask = values.is_null() if values.null_count else None
    if _kinds.is_struct(kind) and kind.num_fields:
        members = [each_leaf(values.field(at), change, names=names) for at in range(kind.num_fields)]
        return pa.StructArray.from_arrays(members, names=list(names([field.name for field in kind])), mask=mask)
    if _kinds.is_map(kind):
        first, last = values.offsets[0].as_py(), values.offsets[-1].as_py()
        keys = each_leaf(values.keys.slice(first, last - first), change, names=names)
        items = each_leaf(values.items.slice(first, last - first), change, names=names)
        return pa.MapArray.from_arrays(own_offsets(values), keys, items, mask=mask)
    if any(is_list(kind) for is_list in _LISTS):
        items = each_leaf(values.flatten(), change, names=names)
        return pa.ListArray.from_arrays(offsets_by_length(values), items, mask=mask)
    return change(values)
