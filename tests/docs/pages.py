"""The pages that people wrote, and the blocks of code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
WRITTEN = (ROOT / "README.md", ROOT / "AGENTS.md", DOCS / "index.md", *sorted((DOCS / "how-to").glob("*.md")))
GENERATED = tuple(sorted(REFERENCE.glob("*.md")))
ALL = (*WRITTEN, DOCS / "glossary.md", *sorted((DOCS / "adr").glob("*.md")), *GENERATED)

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, language: str) -> list[Block]:
    """The fenced blocks of a page that are of that language."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page=page, line=text.count("\n", 0, found.start()) + 2, language=language, text=found.group(2))
        for found in _FENCE.finditer(text)
        if found.group(1) == language
    ]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def inline_code(page: Path) -> list[str]:
    """What stands in backticks within the text."""
    return _CODE.findall(prose(page))


def shell_lines(page: Path) -> list[str]:
    """The lines of the blocks that are typed into a shell; what a quote holds together is one line."""
    found: list[str] = []
    for block in blocks(page, "bash"):
        for line in block.text.splitlines():
            if found and found[-1].count("'") % 2:
                found[-1] += f" {line.strip()}"
            elif line.strip():
                found.append(line.strip())
    return found
