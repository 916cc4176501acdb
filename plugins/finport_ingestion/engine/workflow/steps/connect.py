"""Connect, log in, and say how the connection is protected."""

from __future__ import annotations

from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.sources.opening import open_source
from finport_ingestion.engine.step import StepContext


class ConnectStep:
    """`connector` / `establish_secure_connection`."""

    def run(self, context: StepContext) -> StepResult:
        """Prove that credentials and encryption are accepted, so that collecting does not begin in vain."""
        if context.flags.replay_of:
            return StepResult(notes=("replay: no connection is made",))
        return StepResult(notes=(open_source(context).check(),))
