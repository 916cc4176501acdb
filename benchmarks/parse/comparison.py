"""The contestants in turn, round after round, and whether they made the same DAGs."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measured import Goal, Outcome
from benchmarks.parse.documents import Size, write_dag_factory, write_documents
from benchmarks.parse.surroundings import DAG_FACTORY, Contestant, Run, airflow_version, dag_factory_python, run
from benchmarks.registry import Effort
from benchmarks.rounds import in_turn

OURS, LOOP, PEER = "ours", "loop", "dag-factory"
USUAL, ONE, PARTS = "loop, usual params", "ours, one DAG", "ours, in parts"
GOALS = (
    Goal(contestant=OURS, reference=LOOP, at_most=1.5),
    Goal(contestant=OURS, reference=PEER, at_most=0.5),
)
_ROUNDS = 5


def compare(effort: Effort) -> Outcome:
    """500 sources in 100 workflows, parsed by each contestant in a fresh process, five times in turn.

    Raises:
        RuntimeError: A contestant failed, or made other DAGs than it should.
    """
    size = Size(name="bench", workflows=8 if effort.quick else 100, sources=5)
    rounds = effort.rounds or (2 if effort.quick else _ROUNDS)
    with tempfile.TemporaryDirectory(prefix="finport-bench-") as folder:
        contestants = _contestants(Path(folder), size)
        taken: dict[str, list[Run]] = {name: [] for name in contestants}
        for number in range(rounds + 1):
            print(f"parse: round {number} of {rounds}", file=sys.stderr, flush=True)
            for name in in_turn(list(contestants), number):
                taken[name].append(run(contestants[name], Path(folder)))
            _check({name: runs[-1] for name, runs in taken.items()})
    # Round 0 fills the caches of the file system and of bytecode.
    samples = {name: [each.sample for each in runs[1:]] for name, runs in taken.items()}
    return Outcome(title="Parsing a project", samples=samples, goals=GOALS, facts=_facts(size, rounds, taken))


def _contestants(folder: Path, size: Size) -> dict[str, Contestant]:
    small = Size(name="warm", workflows=1, sources=size.sources)
    python = Path(sys.executable)
    documents = {
        "python": python,
        "warm_up": write_documents(folder / "warm-up", small),
        "measured": write_documents(folder / "project", size),
    }
    peer = Contestant(
        module="dag_factory",
        python=dag_factory_python(),
        warm_up=write_dag_factory(folder / "warm-up-dag-factory", small),
        measured=write_dag_factory(folder / "dag-factory", size),
    )
    modules = {OURS: "ours", LOOP: "loop", USUAL: "loop_usual", ONE: "ours_one", PARTS: "ours_parts"}
    ours = {name: Contestant(module=module, **documents) for name, module in modules.items()}
    return {OURS: ours.pop(OURS), LOOP: ours.pop(LOOP), PEER: peer, **ours}


def _check(runs: dict[str, Run]) -> None:
    if not runs[OURS].shape == runs[LOOP].shape == runs[PARTS].shape:
        raise RuntimeError("the hand-written loop does not make the DAGs that ours makes: the comparison means nothing")
    if runs[PEER].counts != runs[OURS].counts:
        raise RuntimeError(f"dag-factory makes {runs[PEER].counts}, ours {runs[OURS].counts}")
    if runs[ONE].counts["DAGs"] != 1:
        raise RuntimeError(f"one DAG was asked for, and {runs[ONE].counts['DAGs']} were made")


def _facts(size: Size, rounds: int, taken: dict[str, list[Run]]) -> dict[str, str]:
    counts = taken[OURS][-1].counts
    made = ", ".join(f"{count} {what}" for what, count in counts.items())
    return {
        "input": f"{size.workflows * size.sources} sources in {size.workflows} workflows",
        "made": f"{made}; the loop's are equal to ours, dag-factory's in number",
        "versions": f"Airflow {airflow_version()}, dag-factory {DAG_FACTORY}, Python {sys.version.split()[0]}",
        "rounds": f"{rounds}, each contestant once in each, in a fresh process",
    }
