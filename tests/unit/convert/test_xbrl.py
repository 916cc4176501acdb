"""XBRL instances and inline XBRL: facts with what their contexts and units say, and values as they are meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from finport_ingestion.engine.convert.reading import xbrl_instance
from finport_ingestion.engine.convert.reading.xbrl_transforms import NoTransform, transformed
from finport_ingestion.engine.errors import FormatError
from tests.unit.convert.xml_files import bad, likeness, raw_of, read, rows, warnings

_NAMESPACES = (
    'xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:us="urn:us" xmlns:d="http://xbrl.org/2006/xbrldi" '
    'xmlns:link="http://www.xbrl.org/2003/linkbase" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


def context(key: str, period: str, segment: str = "") -> str:
    return (
        f'<xbrli:context id="{key}"><xbrli:entity><xbrli:identifier scheme="lei">00529</xbrli:identifier>{segment}'
        f"</xbrli:entity><xbrli:period>{period}</xbrli:period></xbrli:context>"
    )


INSTANT = "<xbrli:instant>2026-01-01T00:00:00</xbrli:instant>"
YEAR = "<xbrli:startDate>2025-01-01</xbrli:startDate><xbrli:endDate>2025-12-31</xbrli:endDate>"
UNITS = (
    '<xbrli:unit id="usd"><xbrli:measure>iso4217:USD</xbrli:measure></xbrli:unit>'
    '<xbrli:unit id="eps"><xbrli:divide><xbrli:unitNumerator><xbrli:measure>iso4217:USD</xbrli:measure>'
    "</xbrli:unitNumerator><xbrli:unitDenominator><xbrli:measure>xbrli:shares</xbrli:measure>"
    "</xbrli:unitDenominator></xbrli:divide></xbrli:unit>"
)


def instance(*parts: str) -> str:
    return f"<xbrli:xbrl {_NAMESPACES} xml:lang='en'>{''.join(parts)}</xbrli:xbrl>"


def test_a_fact_says_whom_when_and_what_it_is_about(tmp_path: Path) -> None:
    segment = (
        "<xbrli:segment><d:typedMember dimension='us:Z'><us:z>7</us:z></d:typedMember>"
        "<d:explicitMember dimension='us:A'>us:B</d:explicitMember></xbrli:segment>"
    )
    fact = '<us:Eps id="f1" contextRef="c" unitRef="eps" decimals="2">1.230</us:Eps>'
    [row] = rows(read("xbrl", raw_of(tmp_path, instance(fact, context("c", YEAR, segment), UNITS))), "facts")
    assert row == {
        "fact_id": "f1",
        "concept": "us:Eps",
        "name": "Eps",
        "namespace": "urn:us",
        "context_id": "c",
        "entity_scheme": "lei",
        "entity": "00529",
        "period_type": "duration",
        "period_start": "2025-01-01",
        "period_end": "2025-12-31",
        "dimensions": '{"us:A":"us:B","us:Z":{"z":"7"}}',
        "unit_id": "eps",
        "unit": "iso4217:USD / xbrli:shares",
        "decimals": "2",
        "nil": "false",
        "value": "1.230",
    }


def test_texts_are_whole_and_nil_is_null(tmp_path: Path) -> None:
    block = '<us:Text contextRef="c"> &lt;p&gt;A&amp;amp;B&lt;/p&gt;\n</us:Text>'
    nil = '<us:N contextRef="c" unitRef="usd" xsi:nil="true"/>'
    found = rows(read("xbrl", raw_of(tmp_path, instance(context("c", INSTANT), UNITS, block, nil))), "facts")
    assert found[0]["value"] == " <p>A&amp;B</p>\n"
    assert found[0]["language"] == "en"
    assert found[1]["nil"] == "true"
    assert "value" not in found[1]


def test_midnight_is_the_end_of_the_day_before(tmp_path: Path) -> None:
    [row] = rows(read("xbrl", raw_of(tmp_path, instance(context("c", INSTANT)))), "contexts")
    assert (row["period_type"], row["period_end"]) == ("instant", "2025-12-31")


def test_a_time_that_is_no_day_is_said(tmp_path: Path) -> None:
    odd = "<xbrli:instant>2026-01-01T12:00:00</xbrli:instant>"
    batches = read("xbrl", raw_of(tmp_path, instance(context("c", odd))))
    assert "period_end" not in rows(batches, "contexts")[0]
    assert "2026-01-01T12:00:00" in warnings(batches)[0]


def test_a_fact_without_its_context_is_set_aside(tmp_path: Path) -> None:
    batches = read("xbrl", raw_of(tmp_path, instance(context("c", YEAR), '<us:A contextRef="x">1</us:A>')))
    [record] = bad(batches)
    assert (record.rule, record.table, record.column) == ("unknown_context", "facts", "context_id")
    assert "us:A" in record.reason
    assert ">1<" in record.text


def test_footnotes_name_their_facts(tmp_path: Path) -> None:
    note = (
        '<link:footnoteLink><link:loc xlink:href="#f1" xlink:label="l"/>'
        '<link:footnoteArc xlink:from="l" xlink:to="n" xlink:arcrole="fact-footnote"/>'
        '<link:footnote xlink:label="n" xml:lang="en">See <b>note</b> 1</link:footnote></link:footnoteLink>'
    )
    [row] = rows(read("xbrl", raw_of(tmp_path, instance(context("c", YEAR), note))), "footnotes")
    assert row == {"fact_id": "f1", "role": "fact-footnote", "language": "en", "text": "See note 1"}


def test_facts_of_a_tuple_say_so(tmp_path: Path) -> None:
    fact = '<us:T><us:A contextRef="c">1</us:A></us:T>'
    [row] = rows(read("xbrl", raw_of(tmp_path, instance(context("c", YEAR), fact))), "facts")
    assert row["tuple"].startswith("/us:T@")


@pytest.mark.parametrize("content", ["<a/>", "<xbrl/>", instance(context("c", YEAR))[:-10]])
def test_what_is_no_instance_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(FormatError):
        read("xbrl", raw_of(tmp_path, content))


_PAGE = (
    '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="http://www.xbrl.org/2013/inlineXBRL" '
    f"{_NAMESPACES}><body><ix:header><ix:resources>{context('c', YEAR)}{UNITS}</ix:resources></ix:header>"
    "{}</body></html>"
)


def page(*facts: str) -> str:
    return _PAGE.replace("{}", "\n".join(facts))


def number(text: str, attributes: str = "") -> str:
    return f'<ix:nonFraction name="us:A" contextRef="c" unitRef="usd" decimals="0" {attributes}>{text}</ix:nonFraction>'


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        (number("1,234.50", 'format="ixt:num-dot-decimal"'), "1234.50"),
        (number("1.234,50", 'format="ixt:numcommadecimal" scale="3"'), "1234500"),
        (number("12.5", 'scale="-2" sign="-"'), "-0.125"),
        (number("—", 'format="ixt:fixed-zero" sign="-" scale="6"'), "0"),
        (number("98765432109876543210987.654321", 'scale="6"'), "98765432109876543210987654321"),
        (number(number("7", 'scale="0"'), 'scale="0"'), "7"),
    ],
)
def test_a_number_is_what_is_meant_not_what_is_seen(tmp_path: Path, fact: str, value: str) -> None:
    assert rows(read("inline_xbrl", raw_of(tmp_path, page(fact))), "facts")[0]["value"] == value


def test_continued_and_excluded_text(tmp_path: Path) -> None:
    fact = (
        '<ix:nonNumeric name="us:T" contextRef="c" escape="true" continuedAt="k"><p class="x">A &amp; B<br/>'
        f"{number('1')}<ix:exclude>page 3</ix:exclude></p></ix:nonNumeric>"
        '<ix:continuation id="k"><i>on</i></ix:continuation>'
    )
    batches = read(
        "inline_xbrl", raw_of(tmp_path, page(fact, fact.replace(' escape="true"', "").replace("us:T", "us:U")))
    )
    values = {row["concept"]: row["value"] for row in rows(batches, "facts")}
    assert values["us:T"] == '<p class="x">A &amp; B<br/>1</p><i>on</i>'
    assert values["us:U"] == "A & B1on"


def test_a_fact_with_an_unknown_transformation_is_set_aside_with_its_place(tmp_path: Path) -> None:
    batches = read("inline_xbrl", raw_of(tmp_path, page(number("1"), number("x", 'format="z:odd"'), number("2"))))
    assert [row["value"] for row in rows(batches, "facts")] == ["1", "2"]
    [record] = bad(batches)
    assert (record.row, record.rule) == (2, "transformation")
    assert "line 2" in record.reason
    assert [n for batch in batches if batch.table == "facts" for n in batch.rows.to_pylist()] == [1, 3]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("num-dot-decimal", "1 234.5", "1234.5"),
        ("numcommadecimal", "1 234,5", "1234.5"),
        ("date-day-month-year", "2.3.26", "2026-03-02"),
        ("datemonthdayyear", "3/2/2026", "2026-03-02"),
        ("date-monthname-day-year-en", "March 2, 2026", "2026-03-02"),
        ("date-day-monthname-year-en", "2nd of March 2026", "2026-03-02"),
        ("datemonthdayen", "December 31", "--12-31"),
        ("date-monthname-year-en", "March 2026", "2026-03"),
        ("date-year-month-day", "2026-03-02", "2026-03-02"),
        ("fixed-true", "anything", "true"),
        ("fixed-empty", "n/a", ""),
        ("boolballotbox", "☒", "true"),
        ("durwordsen", "three years and two months", "P3Y2M"),
        ("numwordsen", "one hundred and twenty-five million", "125000000"),
        ("stateprovnameen", "California", "CA"),
    ],
)
def test_transformations(name: str, text: str, value: str) -> None:
    assert transformed(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("num-dot-decimal", "1.234,5"),
        ("num-dot-decimal", "abc"),
        ("numcommadecimal", "1,234.5"),
        ("date-day-month-year", "31.2.2026"),
        ("datemonthdayyear", "13/1/2026"),
        ("durwordsen", "some years"),
        ("never-heard-of", "1"),
    ],
)
def test_a_text_of_another_form_is_not_guessed(name: str, text: str) -> None:
    with pytest.raises(NoTransform):
        transformed(name, text)


def test_pages_and_instances_are_recognised(tmp_path: Path) -> None:
    assert (found := likeness("inline_xbrl", tmp_path, page().encode()))
    assert found.confidence == 1
    assert (found := likeness("xbrl", tmp_path, instance().encode("utf-16")))
    assert found.confidence == 1
    assert likeness("inline_xbrl", tmp_path, b"<html><body/></html>") is None
    with pytest.raises(FormatError, match="without inline XBRL"):
        read("inline_xbrl", raw_of(tmp_path, '<html xmlns="http://www.w3.org/1999/xhtml"/>'))


def test_a_fraction_is_no_number_of_the_digits_of_both_its_parts(tmp_path: Path) -> None:
    parts = "<xbrli:numerator>1</xbrli:numerator><xbrli:denominator>3</xbrli:denominator>"
    fact = f'<us:F contextRef="c" unitRef="usd">{parts}</us:F>'
    [row] = rows(read("xbrl", raw_of(tmp_path, instance(context("c", INSTANT), UNITS, fact))), "facts")
    assert row["value"] == "1/3"


def test_tuples_on_one_line_are_told_apart(tmp_path: Path) -> None:
    fact = '<us:T><us:A contextRef="c">x</us:A><us:B contextRef="c">y</us:B></us:T>'
    found = rows(read("xbrl", raw_of(tmp_path, instance(context("c", INSTANT), fact, fact))), "facts")
    first, second = found[0]["tuple"], found[2]["tuple"]
    assert [row["tuple"] for row in found] == [first, first, second, second]
    assert first != second


def test_a_footnote_is_continued_behind_it(tmp_path: Path) -> None:
    note = '<ix:footnote id="n" continuedAt="k">a </ix:footnote><ix:continuation id="k">b</ix:continuation>'
    joined = '<ix:relationship fromRefs="f" toRefs="n"/>'
    batches = read("inline_xbrl", raw_of(tmp_path, page(note, number("5", 'id="f"'), joined)))
    assert [row["text"] for row in rows(batches, "footnotes")] == ["a b"]


def test_a_number_of_hundreds_of_digits_is_set_aside(tmp_path: Path) -> None:
    batches = read("inline_xbrl", raw_of(tmp_path, page(number("1" * 250), number("5"))))
    assert [row["value"] for row in rows(batches, "facts")] == ["5"]
    assert [found.rule for found in bad(batches)] == ["scale"]


def test_pairs_of_facts_and_notes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xbrl_instance, "_MOST_NOTES", 10)
    note = '<ix:footnote id="n">x</ix:footnote>'
    joined = f'<ix:relationship fromRefs="{"f " * 4}" toRefs="{"n " * 4}"/>'
    with pytest.raises(FormatError, match="more than 10 pairs of a fact and a footnote"):
        read("inline_xbrl", raw_of(tmp_path, page(note, number("5", 'id="f"'), joined)))


def test_texts_of_facts_are_not_many_times_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xbrl_instance, "_FREE_CHARACTERS", 1_000)
    rest = f'<ix:continuation id="k">{"y" * 5_000}</ix:continuation>'
    fact = '<ix:nonNumeric name="us:T" contextRef="c" continuedAt="k">x</ix:nonNumeric>'
    assert rows(read("inline_xbrl", raw_of(tmp_path, page(rest, fact))), "facts")[0]["value"] == "x" + "y" * 5_000
    with pytest.raises(FormatError, match="many times the text of the document"):
        read("inline_xbrl", raw_of(tmp_path, page(rest, fact * 50)))
