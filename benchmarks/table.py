"""An outcome as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.measured import Outcome, Sample


def rendered(outcome: Outcome) -> str:
    """The whole outcome, several lines."""
    lines = [*_head(outcome), "", *_times(outcome), "", *_parts(outcome), *_pairs(outcome), *_goals(outcome)]
    return "\n".join(lines)


def _head(outcome: Outcome) -> Iterator[str]:
    yield outcome.title
    for name, fact in outcome.facts.items():
        yield f"  {name}: {fact}"


def _times(outcome: Outcome) -> Iterator[str]:
    width = max(len(name) for name in outcome.samples) + 2
    names = [f"{by} / {name}" for name, by in outcome.compared]
    ratios = "".join(f"{name:>{len(name) + 3}}" for name in names)
    speed = f"{'peak':>8}{'speed':>15}" if outcome.unit else ""
    yield f"{'':{width}}{'wall s':^23}{'CPU s':^23}{'imports':>9}{speed}{ratios}"
    speed = f"{'MB':>8}{'':15}" if outcome.unit else ""
    yield f"{'':{width}}{'median    min    max':>23}{'median    min    max':>23}{'CPU s':>9}{speed}".rstrip()
    for name, samples in outcome.samples.items():
        compared = zip(names, outcome.compared, strict=True)
        found = "".join(f"{outcome.ratio(name, other, by=by):>{len(head) + 3}.2f}" for head, (other, by) in compared)
        imports = median(sample.imports_cpu for sample in samples)
        wall = _spread([sample.wall for sample in samples])
        cpu = _spread([sample.cpu for sample in samples])
        yield f"{name:{width}}{wall}{cpu}{imports:9.2f}{_speed(outcome, name)}{found}"


def _speed(outcome: Outcome, name: str) -> str:
    if not outcome.unit:
        return ""
    peak = median(sample.peak_bytes for sample in outcome.samples[name]) / 1e6
    return f"{peak:8.0f}{outcome.speed(outcome.per_second(name)):>15}"


def _spread(seconds: list[float]) -> str:
    return f"{median(seconds):9.3f}{min(seconds):7.3f}{max(seconds):7.3f}"


def _parts(outcome: Outcome) -> Iterator[str]:
    for name, samples in outcome.samples.items():
        parts = ", ".join(f"{part} {_part(samples, part):.3f}" for part in samples[0].parts)
        if parts:
            yield f"{name} by parts, median CPU s: {parts}"


def _part(samples: Sequence[Sample], part: str) -> float:
    return median(sample.parts[part] for sample in samples)


def _pairs(outcome: Outcome) -> Iterator[str]:
    """Every ratio, where each contestant is of another engine: how far one can trust their median."""
    if not outcome.unit:
        return
    for other, by in outcome.compared:
        for name in outcome.samples:
            if name != other:
                ratios = " ".join(f"{ratio:.2f}" for ratio in outcome.pairs(name, other, by=by))
                yield f"{by}, {name} / {other}, round by round: {ratios}"


def _goals(outcome: Outcome) -> Iterator[str]:
    for goal in outcome.goals:
        yield f"goal: {goal.told(outcome)}, {'reached' if goal.reached(outcome) else 'MISSED'}"
