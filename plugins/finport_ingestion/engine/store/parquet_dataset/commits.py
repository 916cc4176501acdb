"""The commit log as a list: what counts, as far back as it is known."""

from __future__ import annotations

import dataclasses

from finport_ingestion.engine.store.parquet_dataset.log import SnapshotLog
from finport_ingestion.engine.store.parquet_dataset.snapshot import Action, Commit, DatasetState


def counting(log: SnapshotLog) -> list[Commit]:
    """The publications that were not taken back, oldest first.

    Those whose snapshot has expired are known as far as their items are still visible.
    """
    states = list(log.states())
    if not states:
        return []
    known = {state.number: state.commit for state in states if state.commit}
    gone = {number for commit in known.values() for number in commit.took_back}
    commits = {**_remembered(states[0]), **known}
    return [
        commit for number, commit in sorted(commits.items()) if commit.action is Action.PUBLISH and number not in gone
    ]


def _remembered(head: DatasetState) -> dict[int, Commit]:
    """The commits that the current snapshot still shows something of, with the items that are left of them."""
    return {
        number: dataclasses.replace(commit, items=tuple(item for item in state.items if item.commit == number))
        for state in head.sources.values()
        for number, commit in state.commits.items()
    }
