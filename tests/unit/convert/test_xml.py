"""XML by record path: columns, names, hostile documents, places of errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.convert.formats.xml_records import XmlFormat
from finport_ingestion.engine.convert.interface import Head, Origin, RawFile
from finport_ingestion.engine.convert.reading import xml_fast, xml_window
from finport_ingestion.engine.convert.reading.xml_exact import Exact
from finport_ingestion.engine.convert.reading.xml_fast import Fast
from finport_ingestion.engine.convert.reading.xml_gather import Columns
from finport_ingestion.engine.convert.reading.xml_paths import RecordPath
from finport_ingestion.engine.convert.reading.xml_tokens import Unproved
from finport_ingestion.engine.errors import ConfigError, FormatError
from tests.unit.convert.xml_files import likeness, limits, raw_of, read, rows, warnings


def test_leaves_become_columns_by_their_paths(tmp_path: Path) -> None:
    raw = raw_of(
        tmp_path,
        '<l xmlns="urn:a" xmlns:b="urn:b"><r id="007"><b:n>AT&amp;T</b:n><s><t u="EUR">1.50</t></s><e/></r>'
        "<r id='8'><b:n><![CDATA[<x>]]></b:n></r></l>",
    )
    batches = read("xml", raw, records="/l/r")
    assert rows(batches) == [
        {"@id": "007", "n": "AT&T", "s.t.@u": "EUR", "s.t": "1.50"},
        {"@id": "8", "n": "<x>"},
    ]
    assert batches[0].columns.schema.names == ["@id", "n", "s.t.@u", "s.t", "e"]
    assert set(batches[0].origins.values()) == {frozenset([Origin.FIELD])}


def test_the_record_is_found_where_nobody_says(tmp_path: Path) -> None:
    tags = "".join(f"<tag>{number}</tag>" for number in range(5))
    batches = read("xml", raw_of(tmp_path, f"<l><h><x/><x/><x/></h><rs>{f'<r><a/>{tags}</r>' * 4}</rs></l>"))
    assert sum(batch.columns.num_rows for batch in batches) == 4
    assert batches[0].notes == ("records are the elements /l/rs/r",)


@pytest.mark.parametrize(
    ("document", "path", "count"),
    [
        ("<l><r><a>1</a></r></l>", "/l/r", 1),
        ("<config><a>1</a><b>2</b></config>", "/config", 1),
        ("<l><a>1</a><a>2</a></l>", "/l/a", 2),
    ],
)
def test_small_documents_have_records_too(tmp_path: Path, document: str, path: str, count: int) -> None:
    batches = read("xml", raw_of(tmp_path, document))
    assert sum(batch.columns.num_rows for batch in batches) == count
    assert path in batches[0].notes[0]


def test_what_is_there_several_times_is_a_list_and_stays_text_beside_single_ones(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, "<l><r><a>1</a><a>2</a><t>x</t><t/></r><r><a>3</a><t>y</t><t>z</t></r></l>")
    batches = read("xml", raw, records="r")
    assert rows(batches) == [{"a": '["1","2"]', "t": '["x",null]'}, {"a": "3", "t": '["y","z"]'}]
    assert batches[0].origins["a"] == {Origin.NESTED, Origin.STRING}
    assert batches[0].origins["t"] == {Origin.NESTED}


def test_repeated_elements_of_different_shape_are_kept_whole(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, "<l><r><p><n>1</n><q>2</q></p><p><q>3</q></p></r><r><p><n>1</n></p></r></l>")
    assert rows(read("xml", raw, records="r")) == [
        {"p.n": "1", "p.q": '["2","3"]', "p[]": '[{"n":"1","q":"2"},{"q":"3"}]'},
        {"p.n": "1"},
    ]


def test_text_beside_children_is_kept(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, "<l><r>before<a>1</a>after</r><r><b>x<!-- not text -->y</b></r></l>")
    assert rows(read("xml", raw, records="r")) == [{"#text": "beforeafter", "a": "1"}, {"b": "xy"}]


def test_names_of_two_namespaces_do_not_meet(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, '<l xmlns:a="urn:a" xmlns:b="urn:b"><r><a:id>1</a:id><b:id>2</b:id></r></l>')
    assert rows(read("xml", raw, records="r")) == [{"id": "1", "id_2": "2"}]


def test_a_prefix_is_what_it_means_not_how_it_is_spelled(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, '<l><r xmlns:a="urn:x"><a:n>1</a:n></r><r xmlns:b="urn:x"><b:n>2</b:n></r></l>')
    assert rows(read("xml", raw, records="r")) == [{"n": "1"}, {"n": "2"}]


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("windows-1252", "cp1252"), ("ISO-8859-1", "latin-1"), ("UTF-16", "utf-16"), ("UTF-8", "utf-8-sig")],
)
def test_the_encoding_is_the_declared_one_or_that_of_the_mark(tmp_path: Path, declared: str, codec: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?>\n<l><r><n>Zürich</n></r></l>'
    assert rows(read("xml", raw_of(tmp_path, text.encode(codec)), records="r")) == [{"n": "Zürich"}]


def test_an_unknown_encoding_is_said(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="the encoding 'klingon'"):
        read("xml", raw_of(tmp_path, '<?xml version="1.0" encoding="klingon"?><l/>'))


@pytest.mark.parametrize(
    "subset",
    [
        '<!ENTITY a "x">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY % p SYSTEM "http://127.0.0.1/x">%p;',
        '<!-- ]> --><!ELEMENT l ANY><!ENTITY a "x">',
    ],
)
def test_a_document_that_defines_entities_is_refused(tmp_path: Path, subset: str) -> None:
    with pytest.raises(FormatError, match=r"line 2: the document type defines entities") as caught:
        read("xml", raw_of(tmp_path, f'<?xml version="1.0"?>\n<!DOCTYPE l [{subset}]>\n<l><r>&a;</r></l>'))
    assert "root:" not in str(caught.value)


def test_a_plain_document_type_is_not_followed(tmp_path: Path) -> None:
    raw = raw_of(tmp_path, '<!DOCTYPE l SYSTEM "file:///nowhere/x.dtd">\n<l><r><a>1</a></r></l>')
    batches = read("xml", raw, records="r")
    assert rows(batches) == [{"a": "1"}]
    assert "the document type is not followed" in batches[0].notes


def test_an_entity_that_nobody_defined_is_an_error_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"line 2.*nbsp"):
        read("xml", raw_of(tmp_path, "<l>\n<r>&nbsp;</r></l>"), records="r")


def test_a_cut_document_is_refused_with_line_and_byte(tmp_path: Path) -> None:
    text = "<l>\n" + "<r><a>1</a></r>\n" * 50
    with pytest.raises(FormatError, match=r"landing/delivered: line 52, byte \d+") as caught:
        read("xml", raw_of(tmp_path, text), records="r")
    assert caught.value.offset_bytes == len(text)


@pytest.mark.parametrize(
    "broken",
    [
        "<a>1</b>",
        "<a x='1' x='2'/>",
        "<a>]]></a>",
        "<a>\x01</a>",
        "<a>&#0;</a>",
        "<a x=1/>",
        "<a><!-- -- --></a>",
        "<a b='<'/>",
        "<p:a/>",
        "<a>&</a>",
        "<1a/>",
        "<a/ >",
        "<?xml x?>",
        "<a<!-- -->b/>",
        "\udcff",
    ],
)
def test_what_is_not_well_formed_is_refused_at_its_line(tmp_path: Path, broken: str) -> None:
    prolog = '<?xml version="1.0" encoding="UTF-8"?>'
    content = f"{prolog}<l>\n<r><a>1</a></r>\n<r>{broken}</r>\n</l>".encode("utf-8", "surrogateescape")
    with pytest.raises(FormatError, match=r"line 3, byte \d+: no well-formed XML"):
        read("xml", raw_of(tmp_path, content), records="r")


def test_nesting_and_lengths_are_bounded(tmp_path: Path) -> None:
    deep = "<l><r>" + "<a>" * 30 + "</a>" * 30 + "</r></l>"
    with pytest.raises(FormatError, match="nested deeper than 20"):
        read("xml", raw_of(tmp_path, deep, limits=limits(nesting=20)), records="r")
    long = f"<l><r><a>{'x' * 5000}</a></r></l>"
    with pytest.raises(FormatError, match="longer than 1000 bytes"):
        read("xml", raw_of(tmp_path, long, limits=limits(field_bytes=1000)), records="r")
    many = f"<l><r>{'<a>1</a>' * 400_000}</r></l>"
    with pytest.raises(FormatError, match="a record of more than 1000 bytes"):
        read("xml", raw_of(tmp_path, many, limits=limits(record_bytes=1000)), records="r")


def test_a_path_that_finds_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no record at '/l/x'"):
        read("xml", raw_of(tmp_path, "<l><r/></l>"), records="/l/x")
    assert rows(read("xml", raw_of(tmp_path, "<l/>", may_be_empty=True))) == []
    with pytest.raises(ConfigError, match="is no path"):
        read("xml", raw_of(tmp_path, "<l/>"), records="/l/r[1]")


def test_it_is_recognised_by_its_beginning(tmp_path: Path) -> None:
    content = b'<?xml version="1.0"?><!-- x --><l><r/>'
    assert (found := likeness("xml", tmp_path, content))
    assert found.confidence >= 0.8
    assert likeness("xml", tmp_path, content.decode().encode("utf-16"))
    assert likeness("xml", tmp_path, b"<html><body/></html>") is None
    assert likeness("xml", tmp_path, b"a,b\n1,2\n") is None


def test_undeclared_text_of_another_encoding_is_read_with_a_warning(tmp_path: Path) -> None:
    content = "<l>" + "".join(f"<r><n>Zürich Genève {number}</n></r>" for number in range(20)) + "</l>"
    batches = read("xml", raw_of(tmp_path, content.encode("cp1252")), records="r")
    assert rows(batches)[0] == {"n": "Zürich Genève 0"}
    assert any("states no encoding" in note for batch in batches for note in (*batch.notes, *warnings(batches)))


# The vectorised way gives what the parser gives, or gives up.

_TEXTS = ["", "x", " ", " a ", "\n", "A&amp;B", "&#65;", "&#x20;", "<![CDATA[c<d&e]]>", "<!-- > -->", "a<!-- - -->b"]
_TEXTS += ["<?p q?>", "é日", "a>b", "\"'", "\r\nx", "&#13;", "]]", "&bad;", "\x02", "<"]
_VALUES = ["", "v", "a&amp;b", "x\ny", "&#10;z", "é'", " ", "a>b", "&lt;"]
_NAMES = ["a", "b", "p:d", "e.f", "q:undeclared"]


@st.composite
def _element(draw: st.DrawFn, depth: int = 0) -> str:
    name = draw(st.sampled_from(_NAMES[: 4 if draw(st.integers(0, 30)) else 5]))
    keys = draw(st.lists(st.sampled_from(["k", "m", "p:k", "xml:lang"]), max_size=2, unique=draw(st.booleans())))
    attributes = "".join(f' {key}="{draw(st.sampled_from(_VALUES))}"' for key in keys)
    if draw(st.integers(0, 6)) == 0:
        return f"<{name}{attributes}/>"
    if depth < 2 and draw(st.booleans()):
        inner = "".join(draw(st.lists(_element(depth + 1), max_size=3)))
    else:
        inner = "".join(draw(st.lists(st.sampled_from(_TEXTS[: 18 if draw(st.integers(0, 40)) else 21]), max_size=2)))
    return f"<{name}{attributes}>{inner}</{name}>"


@st.composite
def _document(draw: st.DrawFn) -> str:
    records = [
        f"{draw(st.sampled_from(['', chr(10), '<!-- r -->']))}<r>{''.join(draw(st.lists(_element(), max_size=4)))}</r>"
        for _ in range(draw(st.integers(1, 6)))
    ]
    return f'<?xml version="1.0"?>\n<l xmlns:p="urn:p"><h>1</h><g>{"".join(records)}</g></l>\n'


def _both(raw: RawFile, chunk_bytes: int) -> tuple[object, object]:
    path, columns, others = RecordPath.parse("r"), Columns(), Columns()
    try:
        exact: object = rows(list(Exact(raw, path, others).batches()))
    except FormatError:
        exact = None
    try:
        return rows(list(Fast.of(raw, path, columns).batches(chunk_bytes=chunk_bytes))), exact
    except (Unproved, FormatError):
        return "given up", exact


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=_document(), chunk_bytes=st.sampled_from([37, 300, 1 << 20]))
def test_the_fast_way_is_the_exact_way_or_gives_up(tmp_path: Path, document: str, chunk_bytes: int) -> None:
    fast, exact = _both(raw_of(tmp_path, document), chunk_bytes)
    assert fast in ("given up", exact)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=_document(), place=st.floats(0, 0.999), junk=st.binary(max_size=4), cut=st.integers(0, 6))
def test_damage_never_passes_the_fast_way_alone(
    tmp_path: Path, document: str, place: float, junk: bytes, cut: int
) -> None:
    content = document.encode()
    at = int(len(content) * place)
    fast, exact = _both(raw_of(tmp_path, content[:at] + junk + content[at + cut :]), 64)
    assert fast in ("given up", exact)


def test_an_honest_file_takes_the_fast_way(tmp_path: Path) -> None:
    records = "".join(
        f'<r n="{number}"><a>A&amp;B {number}</a><!-- {number} --><b c="é"><![CDATA[{number}<]]></b></r>\r\n'
        for number in range(3000)
    )
    raw = raw_of(tmp_path, f'<?xml version="1.0"?>\n<l>{records}</l>')
    fast, exact = _both(raw, 10_000)
    assert fast == exact
    assert len(fast) == 3000  # type: ignore[arg-type]


def test_after_the_fast_way_gave_up_no_record_is_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xml_fast.Fast.batches, "__kwdefaults__", {"chunk_bytes": 1000})
    records = [f"<r><a>{number}</a></r>" for number in range(500)]
    records[300] = "<r>mixed<a>300</a></r>"
    batches = read("xml", raw_of(tmp_path, f"<l>{''.join(records)}</l>"), records="r")
    assert [row["a"] for row in rows(batches)] == [str(number) for number in range(500)]
    assert [number for batch in batches for number in batch.rows.to_pylist()] == list(range(1, 501))
    assert len(batches) > 2


def test_attributes_of_a_tag_are_looked_at_once_for_all_of_them(tmp_path: Path) -> None:
    attributes = " ".join(f'a{number}="{number}"' for number in range(12_000))
    [first, second] = rows(read("xml", raw_of(tmp_path, f"<l><r {attributes}/><r a0='x'/></l>"), records="/l/r"))
    assert len(first) == 12_000
    assert (first["@a0"], first["@a11999"], second) == ("0", "11999", {"@a0": "x"})


def test_more_attributes_than_are_told_apart_fast_go_the_exact_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = raw_of(tmp_path, "<l><r a='1' b='2'/><r a='3' b='4'/></l>")
    monkeypatch.setattr(xml_window, "_MOST_ATTRIBUTES", 0)
    with pytest.raises(Unproved):
        list(Fast.of(raw, RecordPath.parse("/l/r"), Columns()).batches())
    assert rows(read("xml", raw, records="/l/r")) == [{"@a": "1", "@b": "2"}, {"@a": "3", "@b": "4"}]


@pytest.mark.parametrize("before", ["<!-- c -->" * 60_000, f"<logo>{'x' * 600_000}</logo>"])
def test_records_behind_a_long_beginning_are_found(tmp_path: Path, before: str) -> None:
    batches = read("xml", raw_of(tmp_path, f"<l>{before}{'<r><a>1</a></r>' * 3}</l>"))
    assert sum(batch.columns.num_rows for batch in batches) == 3


@pytest.mark.parametrize(
    ("text", "fix"),
    [("&nbsp;", "&#160;"), ("x" * 10_000_010, "smaller texts"), ("<b>" * 300 + "</b>" * 300, "less nesting")],
)
def test_what_the_parser_refuses_is_told_with_its_fix(tmp_path: Path, text: str, fix: str) -> None:
    with pytest.raises(FormatError) as refused:
        read("xml", raw_of(tmp_path, f"<l><r><a>{text}</a></r><r/></l>"))
    assert fix in str(refused.value)
    assert "XML_PARSE" not in str(refused.value)


def test_a_prolog_that_hides_the_root_is_xml_where_the_name_says_so(tmp_path: Path) -> None:
    content = f"<!--{'x' * 70_000}--><l><r/></l>".encode()
    assert likeness("xml", tmp_path, content) is None
    text = content[:65_536].decode()
    head = Head(content=content[:65_536], text=text, whole=False, name="in.xml")
    assert XmlFormat.recognises(head) is not None
    assert XmlFormat.recognises(replace(head, text="<!DOCTYPE html>" + " " * 70_000)) is None


def test_two_prefixes_of_one_namespace_are_one_name(tmp_path: Path) -> None:
    inside = "<a>1</a><p:a>2</p:a><b><c>3</c></b><p:b><c>4</c></p:b>"
    raw = raw_of(tmp_path, f'<l xmlns="urn:d" xmlns:p="urn:d"><r>{inside}</r><r><p:a>5</p:a></r></l>')
    assert rows(read("xml", raw, records="/l/r")) == [{"a": '["1","2"]', "b.c": '["3","4"]'}, {"a": "5"}]
