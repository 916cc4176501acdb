"""Links, paths and make targets in the pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ALL, ROOT, WRITTEN, inline_code, prose, shell_lines

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`\n]+`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)
_MAKE = re.compile(r"\bmake ([a-z]+)\b")
_PATH = re.compile(r"^[\w.-]+(/[\w.-]+)*/?$")
_TOP = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
pages = pytest.mark.parametrize("page", ALL, ids=lambda page: str(page.relative_to(ROOT)))
written = pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))


def anchors(page: Path) -> set[str]:
    """What can be linked to within a page."""
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


@pages
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in _LINK.findall(_CODE.sub("", prose(page))):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@written
def test_make_targets_are_there(page: Path) -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text()))
    codes = [*shell_lines(page), *inline_code(page)]
    named = {found for code in codes if code.startswith(("make ", "FORCE=1 make ")) for found in _MAKE.findall(code)}
    assert named <= targets


@written
def test_paths_are_there(page: Path) -> None:
    words = [word for code in (*inline_code(page), *shell_lines(page)) for word in code.split()]
    named = [word for word in words if "/" in word and _PATH.match(word) and word.partition("/")[0] in _TOP]
    assert [word for word in named if not (ROOT / word).exists()] == []
