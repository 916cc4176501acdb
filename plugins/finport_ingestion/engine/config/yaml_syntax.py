"""What libyaml says of text that is no YAML, in words that help."""

from __future__ import annotations

import yaml

Place = tuple[int, int]
"""Line and column, both from 1."""

_WORDS = {
    "mapping values are not allowed in this context": (
        "a ':' where none can stand; put text with ': ' in it in quotes, or check the indentation"
    ),
    "block sequence entries are not allowed in this context": (
        "a list begins on a new line; put text that begins with '- ' in quotes"
    ),
    "did not find expected key": "no key where one is expected; check the indentation and quotes",
    "did not find expected '-' indicator": "a list ends where its next '-' is expected; check the indentation",
    "found undefined alias": "an alias that no anchor names; put text that begins with '*' in quotes",
    "found duplicate anchor": "two anchors of one name",
    "could not find expected ':'": "a key without ':'; check the line above",
    "found unknown escape character": "an unknown escape in double quotes; use single quotes, or double the '\\'",
    "found unexpected document indicator": "a quote is not closed before the document ends",
    "found invalid Unicode character escape code": "an escape that is no character",
    "did not find expected node content": "no value where one is expected; check brackets and quotes",
    "found unknown directive name": "directives cannot be used; remove the line",
    "did not find expected <document start>": "text between '...' and '---'; remove it",
    "found incompatible YAML document": "documents are written in YAML 1.2",
}
MAX_DEPTH = 64
"""Of lists and mappings in each other."""
_TOO_DEEP = "exceeded maximum nesting depth"  # libyaml's own limit, which comes before ours where all is on one line
_UNCLOSED = {
    "while scanning a quoted scalar": "a quote opens here and is not closed",
    "while parsing a flow sequence": "a '[' opens here and is not closed, or a ',' is missing",
    "while parsing a flow mapping": "a '{' opens here and is not closed, or a ',' is missing",
}


def explain_syntax(error: yaml.MarkedYAMLError, text: str, *, first_line: int) -> tuple[Place, str]:
    """Where the text ceases to be YAML, and what to do about it."""
    problem, context = error.problem or "", error.context or ""
    mark, start = error.problem_mark or error.context_mark, error.context_mark
    message = _WORDS.get(problem, problem or "no YAML")
    if problem == "found character that cannot start any token":
        message = "a tab or one of @ ` % cannot begin a value; indent with spaces, and put such text in quotes"
    if context in _UNCLOSED and start is not None and "escape" not in problem:
        if mark is None or mark.line != start.line or "end of stream" in problem:
            mark, message = start, _UNCLOSED[context]
        else:
            expected = problem.removeprefix("did not find expected ")
            message = f"no {expected} here; put text with brackets, such as '${{NAME}}', in quotes"
    if problem == _TOO_DEEP:
        message = f"nested more than {MAX_DEPTH} deep"
    line, column = _within(text, mark.line, mark.column) if mark is not None else (0, 0)
    return (line + first_line, column + 1), f"not YAML: {message}"


def _within(text: str, line: int, column: int) -> Place:
    """A place, or the last character of the text where the place lies behind it."""
    lines = text.rstrip().split("\n")
    return (line, column) if line < len(lines) else (len(lines) - 1, max(len(lines[-1]) - 1, 0))


def explain_refused(error: yaml.reader.ReaderError, text: str, *, first_line: int) -> tuple[Place, str]:
    """Where the character stands that YAML does not allow."""
    before = text[: error.position]
    column = error.position - (before.rfind("\n") + 1) + 1
    code = error.character if isinstance(error.character, int) else ord(error.character)
    return (before.count("\n") + first_line, column), f"not YAML: the control character U+{code:04X}; remove it"
