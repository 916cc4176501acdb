"""Whatever stands in a file: loading never raises, and what does not load is told."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.config.examples import EXAMPLES
from finport_ingestion.engine.config.loader import FOLDERS, parse
from tests.unit.config.project import ProjectFolder

_FOLDERS = {kind: folder for folder, kind in FOLDERS.items()}
_EXAMPLES = {kind: yaml.safe_load(text) for kind, text in EXAMPLES.items()}
_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
_tempting = st.sampled_from(
    [
        "Europe",
        "",
        "0s",
        "99999999999999d",
        "1/minute",
        "0/second",
        "../../etc",
        "${A",
        "x" * 300,
        "\u0000",
        -1,
        2**80,
        [],
    ]
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [path, *(below for key in keys for below in _places(value[key], (*path, key)))]


@st.composite
def _changed_documents(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An example with one value replaced by another, or one key by another."""
    kind = draw(st.sampled_from(sorted(_EXAMPLES)))
    document: dict[str, Any] = yaml.safe_load(EXAMPLES[kind])
    *path, key = draw(st.sampled_from(_places(document)[1:]))
    parent: Any = document
    for part in path:
        parent = parent[part]
    if draw(st.booleans()) and isinstance(parent, dict):
        parent[draw(st.text(min_size=1, max_size=8))] = parent.pop(key)
    else:
        parent[key] = draw(_anything | _tempting)
    return kind, document


@given(_changed_documents())
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_changed_document_loads_or_is_told_to_be_wrong(changed: tuple[str, dict[str, Any]]) -> None:
    kind, document = changed
    text = yaml.safe_dump(document, allow_unicode=True)
    for found in parse(text.encode("utf-8", "surrogatepass"), path="a.yaml", kind=kind):
        assert (found.model is None) == bool(found.mistakes)
        for mistake in found.mistakes:
            assert 1 <= mistake.line <= text.count("\n") + 1
            assert mistake.column >= 1
            assert mistake.message


@given(st.lists(_changed_documents(), max_size=4))
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_project_of_changed_documents_never_raises(changed: list[tuple[str, dict[str, Any]]]) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "include/configs").mkdir(parents=True)
        project = ProjectFolder(Path(folder))
        for kind, text in EXAMPLES.items():
            project.write(f"{_FOLDERS[kind]}/example.yaml", text)
        for number, (kind, document) in enumerate(changed):
            text = yaml.safe_dump(document, allow_unicode=True)
            project.write(f"{_FOLDERS[kind]}/{number}.yaml", text.encode("utf-8", "surrogatepass"))
        catalog = project.catalog()
        for name in catalog.usable_workflows:
            for source in catalog.sources_of(name):
                assert catalog.settings(source.metadata.name).origins


@given(st.binary(max_size=200))
def test_bytes_that_are_no_document_never_raise(content: bytes) -> None:
    for found in parse(content, path="a.yaml", kind="Source"):
        assert found.mistakes


@given(
    st.sampled_from(sorted(EXAMPLES)), st.integers(0, 2_000), st.text(alphabet="\"'[]{}:-#&*!|>%@`\t\n x", max_size=3)
)
@settings(max_examples=60)
def test_a_document_with_a_slip_of_the_hand_never_raises(kind: str, at: int, slip: str) -> None:
    text = EXAMPLES[kind]
    at %= len(text)
    for found in parse((text[:at] + slip + text[at:]).encode(), path="a.yaml", kind=kind):
        assert (found.model is None) == bool(found.mistakes)
