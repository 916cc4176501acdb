"""A backfill: the records of a window of the cursor are taken again, and the watermark stays where it is.

What it publishes is an item of its own, so that the same backfill, done twice, stands once. Its records may have been
published before: the storage has to know them by their key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.records import Fingerprint, Part
from finport_ingestion.engine.step import StepContext


def check_backfill(context: StepContext) -> None:
    """Raise ConfigError where a backfill of the source would have no window, or would double records."""
    name, flags = context.source.name, context.flags
    if context.source.incremental is None:
        raise ConfigError(
            f"{name}: only an incremental source can be backfilled.", hint="state 'incremental', or run it with 'force'"
        )
    if not flags.backfill_until:
        raise ConfigError(f"{name}: the window of the backfill has no end.", hint="state its end, too")
    if not any(context.plan.settings(context.source, step).store.upserts for step in context.plan.steps):
        raise ConfigError(
            f"{name}: a backfill would publish records twice, since the storage only appends.",
            hint="use a storage with 'mode: upsert' and the contract's 'key'",
        )


def own_item(name: str, context: StepContext) -> str:
    """The id under which the backfill publishes the item `name`."""
    return f"{name} [{context.flags.backfill_from}, {context.flags.backfill_until})"


def renamed(
    parts: Sequence[Part], items: Sequence[Fingerprint], context: StepContext
) -> tuple[tuple[Part, ...], tuple[Fingerprint, ...]]:
    """Parts and items under the ids of the backfill."""
    return (
        tuple(dataclasses.replace(part, item=own_item(part.item, context)) for part in parts),
        tuple(dataclasses.replace(item, item=own_item(item.item, context)) for item in items),
    )
