"""`finport source authorize`: a person agrees, once, that a source's client may read."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from finport_ingestion.cli import screen, surroundings

_SECONDS = 1800.0


def authorize(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Name of a Source document; it may be paused.")],
) -> None:
    """Show an address and a code, and wait until somebody has agreed there. For sources with oauth2_device.

    What comes of it lies sealed in the state database, and serves all runs until the provider ends it.
    """
    from finport_ingestion.cli.source_looks import looking_at
    from finport_ingestion.engine.clock import Deadline
    from finport_ingestion.engine.sources.consent import device_of

    documents = surroundings.catalog(surroundings.project())
    surroundings.state().check()
    with looking_at(documents, source) as look:
        deadline = Deadline.after(_SECONDS, clock=look.clock, what=f"the consent for {source}")
        device = device_of(dataclasses.replace(look, deadline=deadline))
        code = device.begin()
        screen.say(f"open {code.url_with_code or code.url}")
        screen.say(f"the code is {code.user_code}, until {code.ends_at:%H:%M} UTC")
        device.poll(code)
    screen.say(f"{source} may read from now on")
