"""Whether files are still growing, where no clock of theirs can be trusted: look twice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.sources.files.choice import FoundFile
from finport_ingestion.engine.sources.files.options import FileSetOptions

log = logging.getLogger(__name__)


def at_rest(
    look: Callable[[], Iterable[FoundFile]], options: FileSetOptions, *, deadline: Deadline, source: str
) -> list[FoundFile]:
    """The files that two looks, `options.look_again` apart, find alike; those of one look where that is zero.

    The rest is left for the next run: it is being written, or came in between. A first look that finds nothing is the
    only one.

    Raises:
        DeadlineExceeded: There is no time for a second look.
    """
    first = list(look())
    pause_seconds = options.look_again.total_seconds()
    if not first or not pause_seconds:
        return first
    deadline.clock.sleep(deadline.bound(pause_seconds))
    deadline.check()
    before = {_identity(file) for file in first}
    second = list(look())
    for file in second:
        if _identity(file) not in before:
            log.info("%s: %s changed within %g s; it is left for the next run", source, file.path, pause_seconds)
    return [file for file in second if _identity(file) in before]


def _identity(file: FoundFile) -> tuple[object, ...]:
    return file.path, file.size_bytes, file.modified_at, file.etag
