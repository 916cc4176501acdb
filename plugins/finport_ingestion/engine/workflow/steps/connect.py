"""Connect, log in, and say how the connection is protected."""

from __future__ import annotations

from finport_ingestion.engine.events.event import EventType
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.sources.opening import login_facts, open_source, tell
from finport_ingestion.engine.step import StepContext


class ConnectStep:
    """`connector` / `establish_secure_connection`."""

    def run(self, context: StepContext) -> StepResult:
        """Prove that credentials and encryption are accepted, so that collecting does not begin in vain."""
        if context.flags.replay_of:
            return StepResult(notes=("replay: no connection is made",))
        answered = open_source(context).check()
        if any(login_facts(context.source).values()):
            tell(context, EventType.AUTHENTICATED)
        return StepResult(notes=(answered,))
