"""What differs between two sets of plans, field by field, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from finport_ingestion.engine.errors import ConfigError

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog

_ABSENT = object()
_KINDS = {"sources": "source", "steps": "step"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One difference. `part` says where in the workflow, e.g. `source us-stocks`; empty for the workflow itself."""

    workflow: str
    part: str
    key: str  # empty: the part as a whole
    kind: str  # added, removed, changed
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        from finport_ingestion.cli.plans import spell_value

        what = ": ".join(text for text in (self.part, self.key) if text) or "the workflow"
        if not self.key:
            return f"{what} is {self.kind}{f' ({self.after})' if isinstance(self.after, str) else ''}"
        if self.kind == "changed":
            return f"{what} changes from {spell_value(self.before)} to {spell_value(self.after)}"
        return f"{what} is {self.kind}: {spell_value(self.after if self.kind == 'added' else self.before)}"

    def as_row(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "workflow": self.workflow,
            "part": self.part,
            "key": self.key,
            "kind": self.kind,
            "before": self.before,
            "after": self.after,
            "text": str(self),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """The plans of a project by workflow, as plain values; `broken` are workflows whose documents have mistakes."""

    plans: Mapping[str, Mapping[str, Any]]
    broken: frozenset[str] = field(default_factory=frozenset)

    def only(self, workflow: str) -> Plans:
        """The same with one workflow."""
        plans = {name: plan for name, plan in self.plans.items() if name == workflow}
        return Plans(plans=plans, broken=self.broken & {workflow})


def compiled_plans(documents: Catalog) -> Plans:
    """The plans of all workflows that can be compiled."""
    from finport_ingestion.cli.plans import effective
    from finport_ingestion.engine.workflow.compile import compile_plan

    plans, broken = {}, set(documents.names("Workflow")) - set(documents.usable_workflows)
    for name in documents.usable_workflows:
        try:
            plans[name] = effective(compile_plan(documents, name))
        except ConfigError:
            broken.add(name)
    return Plans(plans=plans, broken=frozenset(broken))


def alterations(before: Plans, now: Plans) -> list[Alteration]:
    """Every difference, by workflow and then in the order of the plan."""
    found: list[Alteration] = []
    for name in sorted({*before.plans, *now.plans, *before.broken, *now.broken}):
        found += _of_workflow(name, before, now)
    return found


def _of_workflow(name: str, before: Plans, now: Plans) -> Iterator[Alteration]:
    old, new = before.plans.get(name), now.plans.get(name)
    if old is not None and new is not None:
        yield from _of_parts(name, old, new)
        return
    if name in now.broken:
        if name not in before.broken:
            yield _whole(name, "broken", "its documents have mistakes; 'finport validate' shows them")
    elif old is None:
        yield _whole(name, "repaired" if name in before.broken else "added", None)
    else:
        yield _whole(name, "removed", None)


def _whole(name: str, kind: str, told: str | None) -> Alteration:
    return Alteration(workflow=name, part="", key="", kind=kind, after=told)


def _of_parts(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Alteration]:
    rest = [{key: value for key, value in plan.items() if key not in _KINDS} for plan in (old, new)]
    yield from _of_fields(name, "", *rest)
    for group, kind in _KINDS.items():
        parts_before, parts_now = _named(old[group]), _named(new[group])
        for part in dict.fromkeys([*parts_before, *parts_now]):
            where = f"{kind} {part}"
            if part not in parts_now:
                yield Alteration(workflow=name, part=where, key="", kind="removed")
            elif part not in parts_before:
                yield Alteration(
                    workflow=name, part=where, key="", kind="added", after=parts_now[part].get("description")
                )
            else:
                yield from _of_fields(name, where, parts_before[part], parts_now[part])


def _of_fields(name: str, part: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Alteration]:
    fields_before, fields_now = flat(old), flat(new)
    for key in dict.fromkeys([*fields_before, *fields_now]):
        was, is_now = fields_before.get(key, _ABSENT), fields_now.get(key, _ABSENT)
        if was == is_now:
            continue
        if was is _ABSENT or was is None:
            yield Alteration(workflow=name, part=part, key=key, kind="added", after=is_now)
        elif is_now is _ABSENT or is_now is None:
            yield Alteration(workflow=name, part=part, key=key, kind="removed", before=was)
        else:
            yield Alteration(workflow=name, part=part, key=key, kind="changed", before=was, after=is_now)


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every value by its dotted key; members of a list that have names are told apart by them."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        where = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping):
            found |= flat(value, where)
        elif isinstance(value, list) and value and all(isinstance(one, Mapping) and "name" in one for one in value):
            for one in value:
                found |= flat({k: v for k, v in one.items() if k != "name"}, f"{where}[{one['name']}]")
        elif value not in ([], {}, None):
            found[where] = value
    return found


def _named(parts: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {part["name"]: part for part in parts}
