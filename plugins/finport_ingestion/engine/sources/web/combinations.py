"""The items of an API: each combination of the values that a document gives, on each of the days that it asks for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
DAY = "day"
_WEEKEND = 5


def combinations(each: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, str]]:
    """One value of each name, the last name varying fastest; one empty combination for no names."""
    for values in itertools.product(*each.values()):
        yield dict(zip(each, values, strict=True))


def last_days(count: int, *, today: date, weekdays: bool) -> list[date]:
    """The last so many days up to today, oldest first; only those from Monday to Friday count where so asked."""
    days: list[date] = []
    day = today
    while len(days) < count:
        if not weekdays or day.weekday() < _WEEKEND:
            days.append(day)
        day -= timedelta(days=1)
    return days[::-1]


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with its `{name}`s replaced, where there is a value; what else stands in braces is left."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def filled_path(path: str, values: Mapping[str, str]) -> str:
    """The same of a path: a value is one part of it, whatever characters it has."""
    return filled(path, {name: quote(value, safe="") for name, value in values.items()})


def filled_body(body: Any, values: Mapping[str, str]) -> Any:
    """The same of every text in a JSON body, keys included."""
    if isinstance(body, str):
        return filled(body, values)
    if isinstance(body, Mapping):
        return {filled(name, values): filled_body(value, values) for name, value in body.items()}
    if isinstance(body, list | tuple):
        return [filled_body(value, values) for value in body]
    return body


def names_in(*parts: Any) -> set[str]:
    """Every `{name}` in texts and JSON bodies."""
    names: set[str] = set()
    for part in parts:
        if isinstance(part, str):
            names.update(PLACEHOLDER.findall(part))
        elif isinstance(part, Mapping):
            names.update(names_in(*part.keys(), *part.values()))
        elif isinstance(part, list | tuple):
            names.update(names_in(*part))
    return names


def id_of(path: str, values: Mapping[str, str]) -> str:
    """The id of an item: its path, and the values that do not stand in there; readable, and the same in each run."""
    inside = names_in(path)
    apart = [f"{name}={value}" for name, value in values.items() if name not in inside]
    return f"{filled(path, values)}{'?' if apart else ''}{'&'.join(apart)}"
