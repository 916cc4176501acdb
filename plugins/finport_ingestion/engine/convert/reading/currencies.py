"""How many decimals an amount of a currency has: the minor units of ISO 4217."""

from __future__ import annotations

DEFAULT = "USD"
# Those that have not two. Not from CLDR: it says how people write amounts (HUF without decimals), not what ISO says.
_ISO_4217 = {
    "XPF": 0,
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
        ],
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_units(currency: str | None) -> int:
    """Digits behind the point, e.g. 2 for USD, 0 for JPY, 3 for KWD; 2 for a code that nobody knows."""
    return _ISO_4217.get((currency or DEFAULT).strip().upper(), 2)


def from_minor(digits: str, currency: str | None = None) -> str:
    """An amount in minor units, with sign or without, in plain decimal notation: `+0001234` is `12.34` (USD).

    Raises:
        ValueError: It is not digits.
    """
    negative = digits.startswith("-")
    bare = digits[1:] if digits[:1] in ("+", "-") else digits
    if not (bare.isascii() and bare.isdigit()):
        raise ValueError("not digits")
    units = minor_units(currency)
    bare = bare.lstrip("0").rjust(units + 1, "0")
    text = f"{bare[:-units]}.{bare[-units:]}" if units else bare
    return f"-{text}" if negative else text
