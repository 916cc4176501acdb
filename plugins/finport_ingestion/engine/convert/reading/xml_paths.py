"""Where records stand in a document, and what the columns of their leaves are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from finport_ingestion.engine.errors import ConfigError

TEXT = "#text"
WHOLE = "[]"  # behind a path: its repeated elements as JSON, where the lists of their leaves would not tell them apart
Key = tuple[str, ...]  # names with namespaces from below the record down to a leaf: {ns}a, @{ns}b, #text, []


@dataclass(frozen=True, slots=True)
class RecordPath:
    """`/a/b` is the elements b right below the root a; `b`, or `a/b`, those at any depth."""

    steps: tuple[str, ...]
    absolute: bool

    @staticmethod
    def parse(text: str) -> RecordPath:
        """The path that a document states; prefixes in it are not looked at.

        Raises:
            ConfigError: It is no path.
        """
        steps = tuple(step.rpartition(":")[2].strip() for step in text.strip().strip("/").split("/"))
        if not all(steps) or any(character in text for character in "[]@*()"):
            raise ConfigError(
                f"records: '{text}' is no path of elements.", hint="write it like /Document/Rows/Row, or Row"
            )
        return RecordPath(steps, text.strip().startswith("/"))

    def matches(self, path: Sequence[str]) -> bool:
        """Whether an element whose local names from the root are `path` is a record."""
        if self.absolute:
            return tuple(path) == self.steps
        return tuple(path[-len(self.steps) :]) == self.steps

    def __str__(self) -> str:
        return ("/" if self.absolute else "") + "/".join(self.steps)


@dataclass(slots=True)
class Names:
    """The column of each leaf: its path of local names, made unique where two namespaces have the same."""

    found: dict[Key, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def of(self, key: Key) -> str:
        name = self.found.get(key)
        if name is None:
            plain = wanted = ".".join(map(_local, key)).replace(f".{WHOLE}", WHOLE)
            number = 2
            while name is None or name in self.taken:
                name = wanted
                wanted, number = f"{plain}_{number}", number + 1
            self.taken.add(name)
            self.found[key] = name
        return name


def _local(step: str) -> str:
    if step.startswith("@"):
        return "@" + step[step.rfind("}") + 1 :].lstrip("@")
    return step[step.rfind("}") + 1 :]


def local_of(name: str) -> str:
    """`{namespace}name` without its namespace."""
    return name[name.rfind("}") + 1 :]
