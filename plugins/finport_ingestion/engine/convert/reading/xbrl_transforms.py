"""The transformations of inline XBRL: what the reader of a page sees, as the value that is meant.

By the names of the Transformation Registries 1 to 5 (http://www.xbrl.org/inlineXBRL/transformation/...) and the common
ones of the SEC. A date of two digits is of this century, as the registries say.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SMALL_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBER_WORDS = {word: number for number, word in enumerate(_SMALL_WORDS.split())}
_TENS = {word: 10 * number for number, word in enumerate(_TEN_WORDS.split(), start=2)}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_CHECKED, _UNCHECKED = "☑☒🗹🗷✓✔✗✘", "☐"
_UNITS = {"year": "Y", "month": "M", "week": "W", "day": "D", "hour": "H"}
_DURATION_WORDS = re.compile(r"([\w\s-]+?)\s+(year|month|week|day|hour)s?\b(?:\s*,?\s*(?:and\s+)?)?")
_FILERS = (
    "Large Accelerated Filer",
    "Accelerated Filer",
    "Non-accelerated Filer",
)
_EXCHANGES = {
    "the new york stock exchange": "NYSE",
    "new york stock exchange": "NYSE",
    "new york stock exchange llc": "NYSE",
    "nyse": "NYSE",
    "the nasdaq stock market llc": "NASDAQ",
    "nasdaq stock market llc": "NASDAQ",
    "the nasdaq stock market": "NASDAQ",
    "nasdaq global select market": "NASDAQ",
    "the nasdaq global select market": "NASDAQ",
    "nasdaq global market": "NASDAQ",
    "the nasdaq global market": "NASDAQ",
    "nasdaq capital market": "NASDAQ",
    "the nasdaq capital market": "NASDAQ",
    "nasdaq": "NASDAQ",
    "nyse american": "NYSEAMER",
    "nyse american llc": "NYSEAMER",
    "nyse arca": "NYSEArca",
    "nyse arca, inc.": "NYSEArca",
    "chicago stock exchange": "CHX",
    "nyse chicago": "CHX",
    "cboe bzx exchange, inc.": "CboeBZX",
    "none": "NONE",
}
_STATES = (
    "AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|"
    "DC District of Columbia|FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|"
    "KY Kentucky|LA Louisiana|ME Maine|MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|"
    "MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|"
    "NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|RI Rhode Island|"
    "SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia|WA Washington|"
    "WV West Virginia|WI Wisconsin|WY Wyoming|PR Puerto Rico|GU Guam|VI Virgin Islands"
)
_STATE_CODES = {entry[3:].lower(): entry[:2] for entry in _STATES.split("|")}


class NoTransform(ValueError):
    """A transformation that is not known here, or a text that it does not take."""


def transformed(name: str, text: str) -> str:
    """The value that `text` means by the transformation of local name `name`.

    Raises:
        NoTransform: The transformation is unknown, or the text is not of its form.
    """
    plain = name.lower().replace("-", "")
    found = _TRANSFORMS.get(plain)
    if found is None:
        raise NoTransform(f"the transformation '{name}' is not known here")
    value = found(" ".join(text.replace("\u00a0", " ").split()))
    if value is None:
        raise NoTransform(f"its text is not of the form that '{name}' takes")
    return value


def _digits(thousands: str, mark: str) -> Callable[[str], str | None]:
    form = re.compile(rf"[\d{re.escape(thousands)}]*(?:{re.escape(mark)}[\d ]+)?" if mark else r"[\d, .]+")

    def read(text: str) -> str | None:
        if not form.fullmatch(text) or not any(character.isdigit() for character in text):
            return None
        whole, _, fraction = text.partition(mark)
        whole = re.sub(r"\D", "", whole).lstrip("0") or "0"
        fraction = fraction.replace(" ", "")
        return f"{whole}.{fraction}" if fraction else whole

    return read


def _with_units(text: str) -> str | None:
    parts = re.fullmatch(r"([\d.,\s]+)\D+?(?:(\d{1,2})\D*)?", text)
    if parts is None:
        return None
    whole = re.sub(r"\D", "", parts.group(1))
    return f"{whole}.{(parts.group(2) or '0').zfill(2)}" if whole else None


def _date(pattern: str, order: str) -> Callable[[str], str | None]:
    """A reader of dates: `order` names the groups of `pattern`, by y, m and d; without y or d the date is partial."""
    form = re.compile(pattern, re.IGNORECASE)

    def read(text: str) -> str | None:
        match = form.fullmatch(text)
        if match is None:
            return None
        found = dict(zip(order, match.groups(), strict=True))
        month = _month(found["m"]) if "m" in found else None
        if month is None:
            return None
        year = _year(found["y"]) if "y" in found else None
        day = int(found["d"]) if "d" in found else None
        if not _exists(year, month, day):
            return None
        if day is None:
            return f"{year}-{month:02d}"
        return f"{year}-{month:02d}-{day:02d}" if year else f"--{month:02d}-{day:02d}"

    return read


def _month(text: str) -> int | None:
    if text.isdigit():
        return int(text)
    name = text[:3].lower()
    return _MONTHS.index(name) + 1 if name in _MONTHS else None


def _year(text: str) -> str:
    return text if len(text) == 4 else f"20{text.zfill(2)}"


def _exists(year: str | None, month: int, day: int | None) -> bool:
    try:
        dt.date(int(year) if year else 2000, month, day or 1)
    except ValueError:
        return False
    return True


def _constant(value: str) -> Callable[[str], str | None]:
    return lambda text: value


def _box(checked: str, unchecked: str) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        if text and text in _CHECKED:
            return checked
        return unchecked if text and text in _UNCHECKED else None

    return read


def _among(known: Mapping[str, str]) -> Callable[[str], str | None]:
    return lambda text: known.get(text.lower().strip(" ."))


def _words_as_number(text: str) -> str | None:
    if re.fullmatch(r"[\d,]+(?:\.\d+)?", text):
        return text.replace(",", "")
    words = [word for word in re.split(r"[\s-]+", text.lower()) if word != "and"]
    if words in (["no"], ["none"], ["nil"]):
        return "0"
    total = part = 0
    for word in words:
        if word in _NUMBER_WORDS or word in _TENS:
            part += _NUMBER_WORDS.get(word, _TENS.get(word, 0))
        elif word == "hundred" and part:
            part *= 100
        elif word in _SCALES and part:
            total, part = total + part * _SCALES[word], 0
        else:
            return None
    return str(total + part) if words else None


def _words_as_duration(text: str) -> str | None:
    days, hours = "", ""
    at = 0
    for match in _DURATION_WORDS.finditer(text.lower()):
        if match.start() != at:
            return None
        at = match.end()
        number = _words_as_number(match.group(1).strip())
        if number is None:
            return None
        unit = _UNITS[match.group(2)]
        days, hours = (days, f"T{number}H") if unit == "H" else (f"{days}{number}{unit}", hours)
    return f"P{days}{hours}" if at and at == len(text) else None


def _duration(unit: str, *, time: bool = False) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        number = text.replace(",", "")
        if not re.fullmatch(r"\d+(?:\.\d+)?", number):
            return None
        return f"PT{number}{unit}" if time else f"P{number}{unit}"

    return read


_S = r"\s*[-./\s,]\s*"  # between the parts of a date of numbers
_D, _M, _Y = r"(\d{1,2})", r"(\d{1,2})", r"(\d{4}|\d{1,2})"
_DTH, _NAME = r"(\d{1,2})(?:st|nd|rd|th)?", r"([A-Za-z]{3,9})"
_W = r"[\s.,\-/]*"  # beside the name of a month
_DMY, _MDY, _YMD = (
    _date(_D + _S + _M + _S + _Y, "dmy"),
    _date(_M + _S + _D + _S + _Y, "mdy"),
    _date(r"(\d{4}|\d{2})" + _S + _M + _S + _D, "ymd"),
)
_D_NAME_Y = _date(_DTH + r"(?:\s+of)?" + _W + _NAME + _W + _Y, "dmy")
_NAME_D_Y = _date(_NAME + _W + _DTH + _W + r"(\d{4}|\d{2})", "mdy")
_DM, _MD = _date(_D + _S + _M, "dm"), _date(_M + _S + _D, "md")
_D_NAME, _NAME_D = _date(_DTH + r"(?:\s+of)?" + _W + _NAME, "dm"), _date(_NAME + _W + _DTH, "md")
_MY, _YM = _date(_M + _S + r"(\d{4}|\d{2})", "my"), _date(r"(\d{4}|\d{2})" + _S + _M, "ym")
_NAME_Y, _Y_NAME = _date(_NAME + _W + r"(\d{4}|\d{2})", "my"), _date(r"(\d{4}|\d{2})" + _W + _NAME, "ym")
_POINT, _COMMA = _digits(",' \u2019", "."), _digits(".' \u2019", ",")
_TRANSFORMS: dict[str, Callable[[str], str | None]] = {
    "numdotdecimal": _POINT,
    "numcommadot": _POINT,
    "numspacedot": _POINT,
    "numdotdecimalapos": _POINT,
    "numcommadecimal": _COMMA,
    "numdotcomma": _COMMA,
    "numspacecomma": _COMMA,
    "numcomma": _COMMA,
    "numcommadecimalapos": _COMMA,
    "numunitdecimal": _with_units,
    "zerodash": _constant("0"),
    "numdash": _constant("0"),
    "fixedzero": _constant("0"),
    "nocontent": _constant(""),
    "fixedempty": _constant(""),
    "booleantrue": _constant("true"),
    "fixedtrue": _constant("true"),
    "booleanfalse": _constant("false"),
    "fixedfalse": _constant("false"),
    "datedaymonthyear": _DMY,
    "datedoteu": _DMY,
    "dateslasheu": _DMY,
    "datemonthdayyear": _MDY,
    "datedotus": _MDY,
    "dateslashus": _MDY,
    "dateyearmonthday": _YMD,
    "datedaymonthnameyearen": _D_NAME_Y,
    "datedaymonthyearen": _D_NAME_Y,
    "datelonguk": _D_NAME_Y,
    "dateshortuk": _D_NAME_Y,
    "datemonthnamedayyearen": _NAME_D_Y,
    "datemonthdayyearen": _NAME_D_Y,
    "datelongus": _NAME_D_Y,
    "dateshortus": _NAME_D_Y,
    "datedaymonth": _DM,
    "dateslashdaymontheu": _DM,
    "datemonthday": _MD,
    "dateslashmonthdayus": _MD,
    "datedaymonthnameen": _D_NAME,
    "datedaymonthen": _D_NAME,
    "datelongdaymonthuk": _D_NAME,
    "dateshortdaymonthuk": _D_NAME,
    "datemonthnamedayen": _NAME_D,
    "datemonthdayen": _NAME_D,
    "datelongmonthdayus": _NAME_D,
    "dateshortmonthdayus": _NAME_D,
    "datemonthyear": _MY,
    "dateyearmonth": _YM,
    "datemonthnameyearen": _NAME_Y,
    "datemonthyearen": _NAME_Y,
    "datelongmonthyear": _NAME_Y,
    "dateshortmonthyear": _NAME_Y,
    "dateyearmonthnameen": _Y_NAME,
    "dateyearmonthen": _Y_NAME,
    "datelongyearmonth": _Y_NAME,
    "dateshortyearmonth": _Y_NAME,
    "boolballotbox": _box("true", "false"),
    "yesnoballotbox": _box("Yes", "No"),
    "numwordsen": _words_as_number,
    "durwordsen": _words_as_duration,
    "duryear": _duration("Y"),
    "durmonth": _duration("M"),
    "durweek": _duration("W"),
    "durday": _duration("D"),
    "durhour": _duration("H", time=True),
    "exchnameen": _among(_EXCHANGES),
    "stateprovnameen": _among(_STATE_CODES),
    "entityfilercategoryen": _among({name.lower(): name for name in _FILERS}),
}
