"""The site is built without a warning, and asks no other host for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

_ASKED = re.compile(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?(https?://[^\s\">]+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # the theme's word about its own future, no fault of a page
    ended = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "WARNING" not in ended.stdout + ended.stderr
    return folder


def test_the_site_has_every_page(site: Path) -> None:
    for name in ("index.html", "how-to/add-a-source.html", "reference/source.html", "adr/index.html"):
        assert (site / name).is_file()
    assert (site / "reference" / "schemas" / "json" / "source.schema.json").is_file()
    assert not list(site.rglob("*.py"))


def test_the_site_asks_no_other_host(site: Path) -> None:
    asked = {found for page in site.rglob("*.html") for found in _ASKED.findall(page.read_text(encoding="utf-8"))}
    assert not asked
