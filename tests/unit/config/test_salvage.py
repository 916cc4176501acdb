"""What is still known of a document that is no YAML."""

from __future__ import annotations

from textwrap import dedent

from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.config.salvage import salvage


def test_all_blocks_but_the_broken_one_are_read() -> None:
    text = """\
        ---
        # a comment
        apiVersion: finport.io/v1
        kind: Source
        metadata:
          name: prices

          labels: {workflow: w}
        spec:
          dataset: eod
          source: {protocol: file
          # a comment between
          provides:
            - x
            - y
        """
    assert salvage(dedent(text)) == {
        "apiVersion": "finport.io/v1",
        "kind": "Source",
        "metadata": {"name": "prices", "labels": {"workflow": "w"}},
        "spec": {"dataset": "eod", "provides": ["x", "y"]},
    }


def test_text_that_is_nothing_at_all_salvages_to_nothing() -> None:
    assert salvage("[[[\n\t- x\n]]") == {}


@given(st.text(alphabet="ab:-[]{}'\" \n#", max_size=80))
@settings(max_examples=40)
def test_no_text_makes_salvage_raise(text: str) -> None:
    assert isinstance(salvage(text), dict)
