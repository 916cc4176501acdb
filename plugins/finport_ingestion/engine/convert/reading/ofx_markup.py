"""The markup of OFX, 1.x (SGML, whose leaves are often not closed) and 2.x (XML), element by element.

Entities are the five of XML and character references; a document type declaration is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.errors import FormatError

_TOKEN = re.compile(
    r"(?P<span><!\[CDATA\[|<!--|<\?)|<(?P<close>/?)(?P<tag>[A-Za-z][\w.:-]*)\s*(?P<empty>/?)>",
)
_ENDS = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}
_DECLARATION = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ENTITY = re.compile(
    r"&(?:#(?P<decimal>[0-9]{1,7})|#[xX](?P<hex>[0-9A-Fa-f]{1,6})|(?P<name>amp|lt|gt|quot|apos|nbsp));"
)
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
AGGREGATES = frozenset(
    """
    OFX SONRS STATUS FI SIGNONMSGSRSV1 BANKMSGSRSV1 CREDITCARDMSGSRSV1 INVSTMTMSGSRSV1 SECLISTMSGSRSV1
    LOANMSGSRSV1 STMTTRNRS CCSTMTTRNRS INVSTMTTRNRS LOANSTMTTRNRS STMTRS CCSTMTRS INVSTMTRS LOANSTMTRS SECLIST
    SECLISTTRNRS SECLISTRS BANKACCTFROM CCACCTFROM INVACCTFROM LOANACCTFROM BANKACCTTO CCACCTTO BANKTRANLIST
    INVTRANLIST LOANTRANLIST STMTTRN LEDGERBAL AVAILBAL BALLIST BAL PAYEE CURRENCY ORIGCURRENCY INVBANKTRAN
    INVBUY INVSELL INVTRAN SECID BUYDEBT BUYMF BUYOPT BUYOTHER BUYSTOCK CLOSUREOPT INCOME INVEXPENSE JRNLFUND
    JRNLSEC MARGININTEREST REINVEST RETOFCAP SELLDEBT SELLMF SELLOPT SELLOTHER SELLSTOCK SPLIT TRANSFER
    INVPOSLIST INVPOS POSDEBT POSMF POSOPT POSOTHER POSSTOCK INVBAL INVOOLIST INV401K INV401KBAL SECINFO
    STOCKINFO MFINFO DEBTINFO OPTINFO OTHERINFO STMTTRNP BANKTRANLISTP
    """.split()  # noqa: SIM905
)
"""What must be closed. Any other element that is not is a leaf without a value."""
_LISTS = frozenset({"BANKTRANLIST", "INVTRANLIST", "LOANTRANLIST"})
_BEHIND_LISTS = frozenset(
    """
    LEDGERBAL AVAILBAL BALLIST CASHADVBALAMT INTRATEPURCH INTRATECASH REWARDINFO MKTGINFO BANKTRANLISTP INVPOSLIST
    INVBAL INVOOLIST INV401K INV401KBAL
    """.split()  # noqa: SIM905
)
"""What follows the list of transactions in a statement, and ends it where a bank does not close it."""


@dataclass(slots=True)
class Element:
    """An aggregate with children, or a leaf with a text."""

    tag: str
    start: int  # of its tag, in characters
    text: str = ""
    children: list[Element] = field(default_factory=list)
    end: int = 0
    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)  # what was not built as it should be, and could only mean one thing

    def find(self, tag: str) -> Element | None:
        return next((child for child in self.children if child.tag == tag), None)

    def value(self, tag: str) -> str | None:
        """The text of a child; None where it is absent or empty."""
        found = self.find(tag)
        return found.text or None if found else None

    def leaves(self) -> Iterator[Element]:
        """All leaves below, in order."""
        for child in self.children:
            if child.children or child.tag in AGGREGATES:
                yield from child.leaves()
            else:
                yield child


def units(text: str, wanted: frozenset[str], *, raw: RawFile, begin: int) -> Iterator[Element]:
    """Each element of a `wanted` tag as soon as it ends, taken out of the tree.

    One that is not well-formed, or that the file ends in, has `faults`.

    Raises:
        FormatError: It declares a document type, is nested deeper than the limit, or is cut inside of a comment.
    """
    if _DECLARATION.search(text):
        raise FormatError(
            f"{raw.uri}: declares a document type or entities, which no OFX file needs.",
            hint="ask for the file again, without a declaration",
        )
    builder, at = _Builder(raw, wanted), begin
    while token := _TOKEN.search(text, at):
        builder.text(text[at : token.start()], plain=False)
        at = token.end()
        if token["span"]:
            at = _span(text, token, builder)
            continue
        tag = token["tag"].upper()
        if not token["close"]:
            builder.open(tag, token.start())
        if token["close"] or token["empty"]:
            yield from builder.close(tag, at)
    builder.text(text[at:], plain=False)
    yield from builder.end(len(text))


def _span(text: str, token: re.Match[str], builder: _Builder) -> int:
    """Where a comment, an instruction or literal text ends; the latter is taken as it stands."""
    opening = token["span"]
    end = text.find(_ENDS[opening], token.end())
    if end < 0:
        raise FormatError(
            f"{builder.raw.uri}: character {token.start()}: {opening} is not closed.",
            hint="ask for the file again: it may be cut",
        )
    if opening == "<![CDATA[":
        builder.text(text[token.end() : end], plain=True)
    return end + len(_ENDS[opening])


@dataclass(slots=True)
class _Builder:
    raw: RawFile
    wanted: frozenset[str]
    stack: list[Element] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)  # of the text since the last tag

    def text(self, found: str, *, plain: bool) -> None:
        if found:
            self.parts.append(found if plain else unescaped(found))

    def open(self, tag: str, start: int) -> None:
        self._end_of_text()
        if len(self.stack) >= self.raw.limits.nesting:
            raise FormatError(
                f"{self.raw.uri}: character {start}: nested deeper than {self.raw.limits.nesting}.",
                hint="raise 'nesting' of the policy's 'reading' where that is right",
            )
        self.stack.append(Element(tag, start))

    def close(self, tag: str, end: int) -> Iterator[Element]:
        """The end tag of `tag`; gives it where it is wanted."""
        self._end_of_text(closing=tag)
        if not any(element.tag == tag for element in self.stack):
            # The end tag of a leaf that its text has ended already, or one too many.
            if tag in AGGREGATES and self.stack:
                self.stack[-1].faults.append(f"</{tag}> without <{tag}>")
            return
        while self.stack:
            element = self.stack.pop()
            element.end = end
            if element.tag == tag:
                yield from self._done(element)
                return
            self._implied(element)

    def end(self, at: int) -> Iterator[Element]:
        """The end of the file: what is open was cut."""
        self._end_of_text()
        while self.stack:
            element = self.stack.pop()
            element.end = at
            if element.tag in AGGREGATES:
                element.faults.append(f"the file ends inside of <{element.tag}>")
                yield from self._done(element)
            else:
                self._implied(element)

    def _end_of_text(self, closing: str = "") -> None:
        found = "".join(self.parts).strip()
        self.parts.clear()
        if not found or not self.stack:
            return
        element = self.stack[-1]
        if element.children or (element.tag in AGGREGATES and closing != element.tag):
            element.faults.append(f"text that belongs to no element in <{element.tag}>")
            return
        element.text = found
        if closing != element.tag:
            # A leaf with a text ends there, whether it is closed or not.
            self._implied(self.stack.pop())

    def _done(self, element: Element) -> Iterator[Element]:
        if element.tag in self.wanted:
            yield element
        elif self.stack:
            self.stack[-1].children.append(element)
            self.stack[-1].faults.extend(element.faults)
            self.stack[-1].doubts.extend(element.doubts)

    def _implied(self, element: Element) -> None:
        """An element that ends without an end tag: a leaf. What seemed to be in it belongs to its parent."""
        if not self.stack:
            return
        parent = self.stack[-1]
        parent.faults.extend(element.faults)
        parent.doubts.extend(element.doubts)
        kept = 0
        if element.tag in _LISTS:
            parent.doubts.append(f"<{element.tag}> is not closed")
            tags = [child.tag for child in element.children]
            kept = next((place for place, tag in enumerate(tags) if tag in _BEHIND_LISTS), len(tags))
        elif element.tag in AGGREGATES:
            parent.faults.append(f"<{element.tag}> is not closed")
        moved, element.children = element.children[kept:], element.children[:kept]
        parent.children.extend([element, *moved])


def unescaped(text: str) -> str:
    """`text` with its character references resolved; an ampersand that begins none stands for itself."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    if match["name"]:
        return _NAMED[match["name"]]
    number = int(match["decimal"]) if match["decimal"] else int(match["hex"], 16)
    if not 0 < number < 0x110000 or 0xD800 <= number < 0xE000:
        return match[0]
    return chr(number)
