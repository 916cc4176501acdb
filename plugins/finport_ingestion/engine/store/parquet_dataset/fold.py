"""From commits to what is visible: adding one, and taking one back as the same fold without it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.records import Replaces
from finport_ingestion.engine.store.decision import check_retractable, replaced
from finport_ingestion.engine.store.parquet_dataset.snapshot import Action, Commit, SourceState


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """The state of a source without the commits of one run."""

    commits: tuple[int, ...]
    state: SourceState


def added(state: SourceState, commit: Commit) -> SourceState:
    """The source after a publication."""
    newer = {item.fingerprint.item: item.fingerprint.sha256 for item in commit.items}
    kept = [item for item in state.items if not replaced(item.fingerprint, by=commit.replaces, newer=newer)]
    items = (*kept, *commit.items)
    moves = commit.watermark is not None or commit.replaces is Replaces.SOURCE
    noted = {**state.commits, commit.number: dataclasses.replace(commit, items=())}
    watermark = commit.watermark if moves else state.watermark
    # The last commit that moved the watermark stays known, also when all its items were replaced.
    mark = max((number for number, note in noted.items() if note.watermark == watermark), default=None)
    live = {item.commit for item in items} | ({mark} if watermark else set())
    return SourceState(
        items=items, watermark=watermark, commits={number: noted[number] for number in sorted(noted) if number in live}
    )


def without(
    *, source: str, run_id: str, log: Mapping[int, Commit], state_at: Callable[[int], SourceState | None]
) -> TakenBack | None:
    """The source as it would be if the run had not published.

    Args:
        log: All commits that are still known, by number.
        state_at: The source's state in a snapshot; None when that has expired. 0 is before the first one.

    Returns:
        None when the run has published nothing that counts.

    Raises:
        PermanentError: A later increment builds on it, or what it replaced has expired.
    """
    own = {number: commit for number, commit in log.items() if commit.source == source}
    gone = {number for commit in own.values() for number in commit.took_back}
    targets = sorted(n for n, c in own.items() if c.run_id == run_id and c.action is Action.PUBLISH and n not in gone)
    if not targets:
        return None
    counting = [c for n, c in sorted(own.items()) if c.action is Action.PUBLISH and n not in gone.union(targets)]
    for target in targets:
        later = [(c.run_id, c.replaces, c.watermark) for c in counting if c.number > target]
        check_retractable(source=source, run_id=run_id, watermark=own[target].watermark, later=later)
    start = _start(targets[0], own)
    state = state_at(start - 1)
    if state is None:
        raise PermanentError(
            f"{source}: what run {run_id} published cannot be taken back, since what it replaced has expired.",
            hint="publish the source again from a landed run: 'finport replay RUN'",
        )
    for commit in counting:
        if commit.number >= start:
            state = added(state, commit)
    return TakenBack(commits=tuple(targets), state=state)


def _start(first: int, own: Mapping[int, Commit]) -> int:
    """The commit to fold from: no snapshot before it shows anything that was taken back later."""
    start = first
    while True:
        shown = [
            number
            for at, commit in own.items()
            for number in commit.took_back
            if number < start <= at  # the snapshot before `start` still has it
        ]
        if not shown:
            return start
        start = min(shown)
