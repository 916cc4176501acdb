"""The page of the commands, out of the command line itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args, get_origin

import typer

from docs.generated_tables import table
from finport_ingestion.cli.entry import app
from finport_ingestion.cli.exits import Ending

_ENDINGS = {
    Ending.DONE: "Done; also when there was nothing to do.",
    Ending.REFUSED: "Refused or failed: mistakes in documents, a failed run, a closed quality gate.",
    Ending.USAGE: "The command was not written as it must be.",
    Ending.FAULT: "A fault of finport itself; the message names the file with the traceback.",
}


def commands_page() -> str:
    """Every command with its arguments and options, and the exit codes."""
    root: Any = typer.main.get_command(app)
    lines = ["# Commands", "", root.help.strip(), "`finport COMMAND --help` says the same in the terminal."]
    for words, command in commands(root):
        lines += ["", f"## {' '.join(words)}", "", inspect.cleandoc(command.help or "")]
        lines += ["", "```text", _usage(words, command), "```"]
        if command.params:
            lines += [
                "",
                table(("argument or option", "default", "what it is"), [_row(each) for each in command.params]),
            ]
    endings = [(str(ending.value), _ENDINGS[ending]) for ending in Ending]
    lines += ["", "## Exit codes", "", "The same for every command.", "", table(("code", "meaning"), endings), ""]
    return "\n".join(lines)


def commands(command: Any, words: Sequence[str] = ("finport",)) -> Iterator[tuple[list[str], Any]]:
    """Every command that does something, with the words that call it."""
    inner = getattr(command, "commands", {})
    if not inner:
        yield list(words), command
    for name, each in inner.items():
        if not each.hidden:
            yield from commands(each, (*words, name))


def _usage(words: Sequence[str], command: Any) -> str:
    arguments = [_argument(each) for each in command.params if not _is_option(each)]
    required = [f"{each.opts[0]} {_value(each)}" for each in command.params if _is_option(each) and each.required]
    optional = any(_is_option(each) and not each.required for each in command.params)
    return " ".join([*words, *(["[OPTIONS]"] if optional else []), *required, *arguments])


def _row(parameter: Any) -> tuple[str, str, str]:
    if not _is_option(parameter):
        return f"`{_argument(parameter)}`", "required" if parameter.required else "", parameter.help or ""
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    value = _value(parameter)
    shown = f"{names} `{value}`" if value else names
    default = (
        "required" if parameter.required else "" if parameter.default in (None, False) else f"`{parameter.default}`"
    )
    return shown, default, parameter.help or ""


def _argument(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _value(parameter: Any) -> str:
    if parameter.is_flag:
        return ""
    if parameter.metavar:
        return str(parameter.metavar)
    annotation = parameter.type_descriptor.annotation
    if get_origin(annotation) is Literal:
        return " or ".join(get_args(annotation))
    return "NUMBER" if annotation is int else str(parameter.name.upper())


def _is_option(parameter: Any) -> bool:
    return bool(parameter.opts[0].startswith("-"))
