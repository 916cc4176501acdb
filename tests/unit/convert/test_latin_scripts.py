"""Encodings of one byte a character: what spells text of a language, however few letters with marks there are."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.convert.reading.latin_scripts import latin_encoding
from finport_ingestion.engine.convert.reading.transcoding import find_encoding

PLAIN = ["Payment", "Acme Fund", "Total", "Bond 2031"]
GERMAN = ["Zürich", "Überweisung", "Straße", "Köln", "ZÜRICH"]
FRENCH = ["Société Générale", "à payer", "Genève", "créé", "reçu"]
SPANISH = ["José García", "Señor Núñez", "España"]
PORTUGUESE = ["São Paulo", "ação", "não"]
SWEDISH = ["Malmö", "Ängelholm", "Åre"]
DANISH = ["København", "Århus", "Ålborg"]
SIGNS = ["£100", "50 €", "5\u20137", "§ 12", "20°C", "O\u2019Neil", "“quoted”"]
WESTERN = [*GERMAN, *FRENCH, *SPANISH, *PORTUGUESE, *SWEDISH, *DANISH, *SIGNS]
POLISH = ["Łódź", "wpłata", "źródło", "książka", "należność"]
CZECH = ["Plzeň", "účet", "žádost", "Říčany", "příjem", "děkuji"]


def table(words: list[str]) -> str:
    rows = "".join(f"{number:05d},{word},{number}.50\n" for number, word in enumerate([*words, *PLAIN]))
    return f"id,name,amount\n{rows}"


def found(text: str, encoding: str) -> str:
    return find_encoding(io.BytesIO(text.encode(encoding)), declared=None).name


@pytest.mark.parametrize("word", WESTERN)
def test_one_western_word_in_a_table_is_enough(word: str) -> None:
    assert found(table([word]), "cp1252") == "cp1252"


@given(st.lists(st.sampled_from(WESTERN), min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_western_languages_may_be_mixed(words: list[str]) -> None:
    assert found(table(words), "cp1252") == "cp1252"


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (POLISH, "cp1250"),
        (POLISH, "iso8859-2"),
        (POLISH, "cp852"),
        (CZECH, "cp1250"),
        (CZECH, "iso8859-2"),
        (GERMAN, "cp850"),
        (["Şişli", "ödeme", "ağaç", "değer"], "cp1254"),
    ],
)
def test_languages_of_other_alphabets_have_other_encodings(words: list[str], encoding: str) -> None:
    text = table(words)
    assert text.encode(encoding).decode(found(text, encoding)) == text


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (["Москва", "счёт", "банк"], "cp1251"),
        (["Москва", "счёт", "банк"], "koi8-r"),
        (["Αθήνα", "τράπεζα"], "cp1253"),
        (["תשלום", "חשבון"], "cp1255"),
        (["東京", "カブシキ", "株式会社", "表示"], "shift_jis"),
        (["北京", "人民币", "公司"], "gb18030"),
        (["臺北", "銀行", "公司"], "big5"),
        (["서울", "은행", "지급"], "euc_kr"),
    ],
)
def test_other_scripts_are_no_latin_letters(words: list[str], encoding: str) -> None:
    text = table(words)
    assert latin_encoding(text.encode(encoding)) is None
    assert text.encode(encoding).decode(found(text, encoding)) == text


def test_bytes_that_are_ascii_or_no_text_say_nothing() -> None:
    assert latin_encoding(b"") is None
    assert latin_encoding(b"id,name\n1,Acme\n") is None
    assert latin_encoding(bytes(range(128, 256)) * 4) is None


@pytest.mark.parametrize("word", ["äöü", "ÄÖÜ äöüß", "åäö", "æøå ÆØÅ"])
def test_words_of_umlauts_alone_are_western(word: str) -> None:
    assert found(table([word]), "cp1252") == "cp1252"


@pytest.mark.parametrize("word", ["Перевод", "Оплата счета"])
def test_words_of_another_script_are_not_taken_for_umlauts(word: str) -> None:
    assert found(table([word] * 3), "cp1251") == "cp1251"
