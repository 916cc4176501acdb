"""How a command ends: one exit code a kind of ending, the same for every command."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from enum import IntEnum
from typing import Any

from typer import Exit, TyperException
from typer.core import TyperGroup
from typer.exceptions import Abort

from finport_ingestion.cli import screen
from finport_ingestion.engine.errors import FinportError

DEBUG_VARIABLE = "FINPORT_DEBUG"


class Ending(IntEnum):
    """The exit codes."""

    DONE = 0
    REFUSED = 1  # mistakes in documents, a failed run, a closed quality gate: a person has to do something
    USAGE = 2  # the command was not written as it must be; typer's own code
    FAULT = 3  # a fault of this package


class CommandGroup(TyperGroup):
    """The commands, with every error turned into its message and its exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except (TyperException, Exit, Abort, KeyboardInterrupt, EOFError, BrokenPipeError):
            raise  # typer knows what these mean
        except FinportError as error:
            screen.complain(error.message, error.hint)
            raise Exit(Ending.REFUSED) from error
        except Exception as error:
            _tell_fault(error)
            raise Exit(Ending.FAULT) from error


def refuse(message: str, hint: str | None = None) -> Exit:
    """Say why nothing is done; raise what this returns."""
    screen.complain(message, hint)
    return Exit(Ending.REFUSED)


def _tell_fault(error: Exception) -> None:
    text = "".join(traceback.format_exception(error))
    descriptor, path = tempfile.mkstemp(prefix="finport-fault-", suffix=".txt")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    if os.environ.get(DEBUG_VARIABLE) == "1":
        sys.stderr.write(text)
    summary = f"{type(error).__name__}: {error}".splitlines()[0]
    screen.complain(
        f"a fault in finport: {summary}",
        f"report it with the traceback in {path} ({DEBUG_VARIABLE}=1 shows it here)",
    )
