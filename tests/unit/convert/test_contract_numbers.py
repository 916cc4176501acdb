"""Numbers with marks in columns of a contract: understood where all values say one thing, set aside where not."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.config.models.contract import Contract
from finport_ingestion.engine.convert.cast import Reading
from finport_ingestion.engine.convert.casting import CastBatch, cast_batch
from finport_ingestion.engine.convert.columns import TargetColumn
from finport_ingestion.engine.convert.interface import Batch, Origin
from finport_ingestion.engine.convert.numerals import DECIMAL, NumberStyle, all_match
from finport_ingestion.engine.convert.settle import Seen, Settled, Terms, observe, settle
from finport_ingestion.engine.errors import ContractBroken
from tests.unit.convert.deployment import Converted, Delivered, Deployment

_POINT, _COMMA = Reading(), Reading(style=NumberStyle.COMMA)


def agreed(kind: str = "decimal(18,2)", mode: str = "discardRow", **rules: Any) -> Contract:
    return Contract.model_validate({"mode": mode, "columns": [{"name": "x", "type": kind, **rules}]})


def settled(
    values: list[str | None], contract: Contract, *, delimiter: str = ";", reading: Reading = _POINT
) -> tuple[Settled, CastBatch]:
    terms = Terms(contract=contract, reading=reading, typed=False)
    array = pa.array(values, pa.string())
    evidence, _ = observe(array, key="x", known=None, origins=frozenset({Origin.FIELD}), terms=terms)
    found = settle([Seen(uri="x", evidence={"x": evidence}, delimiter=delimiter)], terms, final=True)
    batch = Batch(columns=pa.record_batch({"x": array}), rows=pa.array(range(len(values)), pa.int64()))
    return found, cast_batch(batch, {}, schema=found.schema, terms=terms, part="x", lineage=False)


def read(values: list[str | None], contract: Contract, **options: Any) -> list[Decimal | str | None]:
    """Each value, or "-" where it is set aside."""
    _, cast = settled(values, contract, **options)
    return ["-" if at in cast.misfits.records else found for at, found in enumerate(cast.column("x").to_pylist())]


def numbers(*texts: str | None) -> list[Decimal | str | None]:
    return [text if text in ("-", None) else Decimal(text) for text in texts]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["$12.50", "$1,234.50", None], ["12.50", "1234.50", None]),
        (["1,234.50", "12"], ["1234.50", "12"]),
        (["(5.00)", "12.00", "7-"], ["-5", "12", "-7"]),
        (["12.5 %", "3%"], ["12.5", "3"]),
        (["1.234,50", "12"], ["1234.50", "12"]),
        (["1 234,50 €", "5 €"], ["1234.50", "5"]),
        (["$5", "$7"], ["5", "7"]),  # without a point or a comma there is nothing to tell
        (["1,234.50", "n/a"], ["1234.50", "-"]),
        (["12", "1.5", "x"], ["12", "1.5", "-"]),
        # What the values do not tell is set aside, and plain numbers are not.
        (["1,234", "5,678", "12"], ["-", "-", "12"]),
        (["1,234.50", "1,5", "12"], ["-", "-", "12"]),
        (["1,5", "2.25"], ["-", "2.25"]),
        (["12.5 %", "3"], ["-", "3"]),
        (["$5", "€7", "9"], ["-", "-", "9"]),
        (["(5)", "(7)"], ["-", "-"]),
        (["$1,000", "$5"], ["-", "-"]),
    ],
)
def test_marks_are_understood_where_all_values_say_one_thing(
    values: list[str | None], expected: list[str | None]
) -> None:
    assert read(values, agreed()) == numbers(*expected)


def test_integers_are_read_alike() -> None:
    assert read(["1,234,567", "-12", "(5)"], agreed("integer")) == [1234567, -12, -5]
    assert read(["1,234.50", "12"], agreed("integer")) == ["-", 12]


def test_fields_that_are_cut_by_commas_have_them_for_thousands() -> None:
    assert read(["1,234", "5,678"], agreed(), delimiter=",") == numbers("1234", "5678")


def test_a_format_that_states_its_decimal_comma_leaves_no_doubt() -> None:
    assert read(["€ 1.234", "€ 5,5"], agreed(), reading=_COMMA) == numbers("1234", "5.5")
    assert read(["1.234", "€ 5,5"], agreed(mark="€"), reading=_COMMA) == numbers("-", "5.5")
    assert read(["€ 1.5", "€ 5,5"], agreed(), reading=_COMMA) == numbers("-", "5.5")


def test_a_stated_mark_is_what_every_number_carries() -> None:
    values: list[str | None] = ["12.5 %", "0.125", None, "5%"]
    found, cast = settled(values, agreed(mark="%"))
    assert read(values, agreed(mark="%")) == numbers("12.5", "-", None, "5")
    assert [column.label for column in found.schema.columns] == ["percent"]
    assert cast.misfits.records[1][0].reason == "column 'x': not decimal(18,2) with %"
    assert found.drift == ()
    assert read(["$5"], agreed(mark="%")) == ["-"]
    assert settled([], agreed(mark="$"))[0].schema.columns[0].label == "currency $"


def test_a_mark_or_a_comma_that_no_document_states_is_told() -> None:
    def drift(values: list[str | None], **options: Any) -> tuple[str, ...]:
        return settled(values, agreed(), **options)[0].drift

    assert drift(["12.5 %"]) == ("column 'x' is delivered as percent, which the contract does not state",)
    assert drift(["$12.50"]) == ("column 'x' is delivered as currency $, which the contract does not state",)
    commas = (
        "column 'x' is delivered with numbers like 1.234,50 or 1 234,50, which the Format does not state (decimalComma)"
    )
    assert drift(["12,5"]) == drift(["1 234"]) == (commas,)
    assert drift(["1,234.50", "(7.00)"]) == ()
    assert drift(["12,5"], reading=_COMMA) == ()


def test_why_marks_are_not_understood_is_told() -> None:
    def notes(*values: str) -> tuple[str, ...]:
        return settled([*values], agreed())[0].notes

    assert "thousands or of decimals (decimalComma would say it)" in notes("1,234")[0]
    assert notes("1,5", "2.25") == (
        "column 'x' has numbers with decimal points and with decimal commas; only plain numbers are taken",
    )
    assert notes("5 %", "7") == ("column 'x' has values with % and without; only plain numbers are taken",)
    assert notes("5", "x") == ()


def test_a_point_beside_decimal_commas_of_another_column_is_told(tmp_path: Path) -> None:
    columns = [{"name": "x", "type": "decimal(18,3)"}]
    content = b"x;other\n1.338;12,5\n2.500;7,25\n"
    converted = Deployment(tmp_path, contract={"columns": columns}).run(content)
    assert converted.column("x") == [Decimal("1.338"), Decimal("2.5")]
    assert "state decimalComma if they are of thousands" in converted.result.notes[0]
    both = [*columns, {"name": "other", "type": "decimal(18,2)"}]
    converted = Deployment(tmp_path / "both", contract={"columns": both}).run(content)
    assert converted.column("other") == [Decimal("12.5"), Decimal("7.25")]
    assert "state decimalComma if they are of thousands" in converted.result.notes[0]


def test_an_evolving_contract_widens_for_what_the_marks_leave() -> None:
    found, cast = settled(["1,234,567.125", "5"], agreed("decimal(8,2)", "evolve"))
    assert found.schema.columns[0].spelling == "decimal(18,3)"
    assert cast.column("x").to_pylist() == numbers("1234567.125", "5")
    assert settled(["1,234.5000"], agreed("decimal(8,2)", "evolve"))[0].schema.columns[0].spelling == "decimal(8,2)"


_TEXTS = ["5", "-1", "1.5", "1.338", "12.25", "1.000", "1,338", "1,000", "1.338,5", "1,338.5", "1,5", "(7)", "7-", "x"]
_MARKED = ["$5", "€5,5", "$-1.25", "$1,000", "5 %", "1 234,5", "1'234"]
_TEXT = st.sampled_from([*_TEXTS, *_MARKED, None])


@settings(max_examples=200, deadline=None)
@given(values=st.lists(_TEXT, max_size=6), delimiter=st.sampled_from([",", ";"]))
def test_a_contract_understands_what_inference_does_and_plain_numbers_else(
    values: list[str | None], delimiter: str
) -> None:
    inferred, found = settled(values, Contract(), delimiter=delimiter)
    [column] = inferred.schema.columns
    contract = agreed("decimal(38,6)")
    here = read(values, contract, delimiter=delimiter)
    if is_number(column):
        assert here == found.column("x").to_pylist()
        assert settled(values, contract, delimiter=delimiter)[0].schema.columns[0].label == column.label
        return
    rest = [value for value in values if value != "x"]
    if "x" in values and is_number(settled(rest, Contract(), delimiter=delimiter)[0].schema.columns[0]):
        assert [value for value in here if value != "-"] == read(rest, contract, delimiter=delimiter)
        return
    plain = [value if value is None or all_match(pa.array([value]), DECIMAL) else "-" for value in values]
    assert here == numbers(*plain)


def is_number(column: TargetColumn) -> bool:
    return column.logical.kind in ("integer", "decimal")


@settings(max_examples=100, deadline=None)
@given(values=st.lists(_TEXT, max_size=8), cuts=st.lists(st.integers(0, 8), max_size=3))
def test_evidence_of_pieces_is_the_evidence_of_the_whole(values: list[str | None], cuts: list[int]) -> None:
    terms = Terms(contract=agreed(), reading=_POINT, typed=False)
    origins = frozenset({Origin.FIELD})

    def look(piece: list[str | None], known: Any = None) -> Any:
        return observe(pa.array(piece, pa.string()), key="x", known=known, origins=origins, terms=terms)[0]

    running = look([])
    for start, end in pairwise([0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]):
        running = look(values[start:end], running)
    assert running == look([]) + look(values)
    assert type(running).from_plain(running.to_plain()) == running


def rows(*values: str) -> bytes:
    return ("id,x\n" + "".join(f'a,"{value}"\n' for value in values)).encode()


def convert(root: Path, *contents: bytes, mode: str = "evolve", **rules: Any) -> Converted:
    contract = agreed(mode=mode, **rules).model_dump(mode="json", by_alias=True, exclude_unset=True)
    contract["columns"].append({"name": "id", "type": "text"})
    return Deployment(root, contract=contract).run(*contents)


def test_all_parts_of_a_run_are_read_in_one_way(tmp_path: Path) -> None:
    clear = convert(tmp_path / "clear", rows("1,5"), rows("1.234"))
    assert clear.column("x") == [Decimal("1.5"), Decimal(1234)]
    unclear = convert(tmp_path / "unclear", rows("1,5"), rows("1,234.50"), rows("3"))
    assert unclear.column("x") == [Decimal(3)]
    assert [reject["column"] for reject in unclear.rejects] == ["x", "x"]


def test_a_frozen_contract_takes_what_it_states(tmp_path: Path) -> None:
    frozen = convert(tmp_path / "thousands", rows("1,234.50", "(12.00)"), mode="freeze")
    assert frozen.column("x") == [Decimal("1234.50"), Decimal(-12)]
    with pytest.raises(ContractBroken, match=r"column 'x': not decimal\(18,2\)"):
        convert(tmp_path / "unstated", rows("12.5 %"), mode="freeze")
    assert convert(tmp_path / "stated", rows("12.5 %"), mode="freeze", mark="%").column("x") == [Decimal("12.5")]


def test_marks_that_no_sample_has_seen_are_understood_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finport_ingestion.engine.convert.reading.slices._PLACES", 1)
    monkeypatch.setattr("finport_ingestion.engine.convert.step.slice_size", lambda parts: 3_000)
    for mode in ("evolve", "freeze"):
        values = [f"{n % 900}.50" for n in range(120_000)]
        values[60_000] = "1,234.50"
        contract = {"mode": mode, "columns": [{"name": "id", "type": "text"}, {"name": "x", "type": "decimal(18,2)"}]}
        converted = Deployment(tmp_path / mode, contract=contract).run(Delivered(rows(*values)))
        assert converted.rejects == []
        column = converted.column("x")
        assert (column[59_999], column[60_000]) == (Decimal("599.50"), Decimal("1234.50"))


def test_a_mark_is_of_numbers_only() -> None:
    with pytest.raises(ValueError, match="a mark is of an integer or a decimal, and 'x' is text"):
        agreed("text", mark="$")


def test_a_list_of_allowed_values_is_an_enumeration_by_agreement() -> None:
    terms = Terms(contract=agreed("text", allowed=["BUY", "SELL"]), reading=_POINT, typed=False)
    [column] = settle([], terms, final=True).schema.columns
    assert column.label == "enumeration"
