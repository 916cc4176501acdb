"""The rejected records of a delivery: one row each, in the order of delivery, with what is wrong and the whole record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from finport_ingestion.engine.records import LINEAGE_COLUMNS, PART_COLUMN, ROW_COLUMN, Part
from finport_ingestion.engine.validate.rules import Rule
from finport_ingestion.engine.validate.wording import reason_of

STAGE = "validate"


def reject_rows(
    table: pa.Table, positions: Sequence[int], *, found: pa.Table, rules: Sequence[Rule], part: Part
) -> Iterator[dict[str, Any]]:
    pass
