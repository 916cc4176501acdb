"""Whether a text is a cron expression of five fields; when it is due, Airflow's timetable knows."""

from __future__ import annotations

import re

_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("day of the week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_PRESETS = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@quarterly", "@yearly", "@annually")
# The last (Friday), the weekday nearest to the 15th, and croniter's random and hashed values.
_SPECIAL = re.compile(r"L[0-7]?|\d{1,2}W|[RH]")
_PART = re.compile(r"(?:[*?]|(?P<low>\w+)(?:-(?P<high>\w+))?(?:#[1-5])?)(?:/(?P<step>[1-9]\d*))?")


def cron_problem(expression: str) -> str | None:
    """What is wrong with a cron expression, None where it is one."""
    if expression in _PRESETS:
        return None
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        return f"a cron expression has five fields, e.g. '0 */6 * * *', and this one has {len(fields)}"
    for field, (name, low, high, words) in zip(fields, _FIELDS, strict=True):
        if not all(_fits(part, low, high, words) for part in field.split(",")):
            return f"the {name} of a cron expression cannot be '{field}'; it is {low} to {high}, *, a range or a list"
    return None


def _fits(part: str, low: int, high: int, words: tuple[str, ...]) -> bool:
    match = _PART.fullmatch(part)
    if match is None:
        return False
    ends = [end for end in (match["low"], match["high"]) if end is not None and not _SPECIAL.fullmatch(end)]
    return all(low <= int(end) <= high if end.isdecimal() else end.lower() in words for end in ends)
