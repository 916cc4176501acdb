"""An outcome as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.measured import Outcome, Sample


def rendered(outcome: Outcome) -> str:
    """The whole outcome, several lines."""
    return "\n".join([*_head(outcome), "", *_times(outcome), "", *_parts(outcome), *_goals(outcome)])


def _head(outcome: Outcome) -> Iterator[str]:
    yield outcome.title
    for name, fact in outcome.facts.items():
        yield f"  {name}: {fact}"


def _times(outcome: Outcome) -> Iterator[str]:
    references = outcome.references
    width = max(len(name) for name in outcome.samples) + 2
    ratios = "".join(f"{'CPU / ' + name:>{_column(name)}}" for name in references)
    yield f"{'':{width}}{'wall s':^23}{'CPU s':^23}{'imports':>9}{ratios}"
    yield f"{'':{width}}{'median    min    max':>23}{'median    min    max':>23}{'CPU s':>9}"
    for name, samples in outcome.samples.items():
        found = "".join(f"{outcome.ratio(name, other):>{_column(other)}.2f}" for other in references)
        imports = median(sample.imports_cpu for sample in samples)
        wall = _spread([sample.wall for sample in samples])
        yield f"{name:{width}}{wall}{_spread([sample.cpu for sample in samples])}{imports:9.2f}{found}"


def _column(name: str) -> int:
    return len(name) + 9


def _spread(seconds: list[float]) -> str:
    return f"{median(seconds):9.3f}{min(seconds):7.3f}{max(seconds):7.3f}"


def _parts(outcome: Outcome) -> Iterator[str]:
    for name, samples in outcome.samples.items():
        parts = ", ".join(f"{part} {_part(samples, part):.3f}" for part in samples[0].parts)
        if parts:
            yield f"{name} by parts, median CPU s: {parts}"


def _part(samples: Sequence[Sample], part: str) -> float:
    return median(sample.parts[part] for sample in samples)


def _goals(outcome: Outcome) -> Iterator[str]:
    for goal in outcome.goals:
        ratio = outcome.ratio(goal.contestant, goal.reference)
        verdict = "reached" if goal.reached(outcome) else "MISSED"
        yield f"goal: {goal.contestant} at most {goal.at_most:g}x {goal.reference}: {ratio:.2f}x, {verdict}"
