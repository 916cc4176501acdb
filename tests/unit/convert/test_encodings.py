"""Which encoding a file is in, found out from few words among many plain ones."""

from __future__ import annotations

import io

import pytest

from finport_ingestion.engine.convert.reading.transcoding import find_encoding, wide_without_mark

WESTERN = ["Zürich", "Genève", "Straße", "Köln", "créé", "España"]
CYRILLIC = ["Москва", "счёт", "Платёж", "Операция", "остаток", "Я"]


def table(words: list[str], *, plain: int = 5) -> str:
    rows = [*words, *(f"Plain text {number}" for number in range(plain))]
    return "id;name;amount\r\n" + "".join(f"{at:05d};{word};{at}.50\r\n" for at, word in enumerate(rows))


def read_back(text: str, encoding: str) -> str:
    content = text.encode(encoding)
    return content.decode(find_encoding(io.BytesIO(content), declared=None).name, "replace")


@pytest.mark.parametrize("encoding", ["cp1252", "mac-roman", "cp850"])
def test_western_words_of_several_languages(encoding: str) -> None:
    text = table(WESTERN)
    assert read_back(text, encoding) == text


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "iso8859-5", "cp866", "mac-cyrillic"])
def test_cyrillic_words(encoding: str) -> None:
    text = table(CYRILLIC)
    assert read_back(text, encoding) == text


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (["ąžuolas", "Šiauliai", "įmonė", "mokėjimų", "čekis"], "cp1257"),
        (["Rīga", "maksājums", "šķirne", "ļoti"], "cp1257"),
        (["œuvre", "à payer", "5 €", "créé"], "iso8859-15"),
        (["カタカナ", "カブシキ"], "shift_jis"),
        (["口座の残高", "カタカナ"], "euc-jp"),
        (["東京証券取引所", "残高"], "iso2022-jp"),
    ],
)
def test_other_alphabets(words: list[str], encoding: str) -> None:
    text = table(words)
    assert read_back(text, encoding) == text


@pytest.mark.parametrize("words", [["1 € fee", "€5", "5\u20137"], ["Ž", "Œuvre", "7‰"]])
def test_signs_among_latin_words_are_no_letters_of_another_script(words: list[str]) -> None:
    text = table(words)
    assert read_back(text, "cp1252") == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("words", [["Acme"], CYRILLIC, ["中國工商銀行", "上海"]], ids=["latin", "cyrillic", "chinese"])
def test_wide_text_that_does_not_say_so(encoding: str, words: list[str]) -> None:
    text = table(words, plain=0)
    assert read_back(text, encoding) == text


@pytest.mark.parametrize("content", [b"a,b,c\n\0,2,3\n", b"a,b\n1,2\n\0\0\0\0\n3,4\n", bytes(64), b"\0\2" * 32, b""])
def test_zero_bytes_here_and_there_are_no_wide_text(content: bytes) -> None:
    assert wide_without_mark(content) is None


@pytest.mark.parametrize(
    ("word", "encoding"), [("Zürich", "cp1252"), ("Zürich", "utf-8"), ("Москва", "cp1251"), ("银行名", "gb18030")]
)
def test_a_word_behind_a_megabyte_of_plain_text_is_found(word: str, encoding: str) -> None:
    text = table([*(f"Plain text {number}" for number in range(60_000)), word, word])
    assert read_back(text, encoding) == text
