"""Every real and hostile file of the reference corpus, against what independent readers found in it.

Files are converted as `finport convert` does it, without any options but what nobody can see in their bytes. Another
corpus with the same kind of manifest is named by FINPORT_CORPUS; where there is none, the tests are skipped.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.formats.golden.converted import converted
from tests.conformance.formats.golden.corpus import CORPUS, GoldenFile, corpus_files
from tests.conformance.formats.golden.judge import differences

KNOWN_DIFFERENCES = {
    "arrow/1.0.0-littleendian_generated_duplicate_fieldnames.arrow_file": (
        "its members are",
        "members of a struct that have no name, or the same one, are numbered: no engine reads such a Parquet file",
    ),
}
"""Path, how its one difference is worded, and why it stays. Each has its evidence on PAGE."""
READ_OTHERWISE = ("iso20022/FI_camt_053_sample.xml", "ofx/suncorp.ofx")
"""Files of which a fact is wrong: the adapter knows the manifest's reader, and holds us to the file. On PAGE, too."""
PAGE = Path(__file__).parents[3] / "docs" / "explanations" / "known-differences.md"


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no reference corpus at {CORPUS}")
@pytest.mark.parametrize("file", corpus_files(), ids=lambda file: str(file.path))
def test_what_is_delivered_is_what_is_converted(file: GoldenFile, tmp_path: Path) -> None:
    found = list(differences(file, converted(file, tmp_path)))
    if file.path not in KNOWN_DIFFERENCES:
        assert found == []
        return
    wording, why = KNOWN_DIFFERENCES[file.path]
    assert [said for said in found if wording not in said] == []
    assert found, f"{file.path} is as the manifest has it: take it off the list ({why})"


@pytest.mark.parametrize("path", [*KNOWN_DIFFERENCES, *READ_OTHERWISE])
def test_a_difference_is_explained_to_people(path: str) -> None:
    assert f"`{path}`" in PAGE.read_text(encoding="utf-8")
