"""How numbers are written in text, and how entries are that stand for nothing."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import final

# The csv module reads none. They are those of pandas, and the question mark.
MISSING = ("?", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None",
           "<NA>", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN")  # fmt: skip
MARKERS = frozenset(("", *MISSING))
# These are missing only among numbers: elsewhere they may be answers.
MISSING_NUMBERS = (".", "..", "-", "--")


def _numbers(decimal: str, grouping: str, *, padded: bool = False) -> re.Pattern[str]:
    """Return the pattern of a number; one with leading zeros is a code, such as a zip code, unless `padded`."""
    whole = r"\d+" if padded else r"(?:0|[1-9]\d*)"
    if grouping:
        whole = rf"(?:{whole}|[1-9]\d{{0,2}}(?:{grouping}\d{{3}})+)"
    digits = rf"(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:e[+-]?\d+)?"
    return re.compile(rf"[+-]?(?:{digits}|inf|infinity|nan)", re.ASCII | re.IGNORECASE)


PLAIN, PADDED = _numbers(r"\.", ""), _numbers(r"\.", "", padded=True)


@final
class Notation(Enum):
    """How numbers are written: with which decimal mark, and with which mark between thousands, if any."""

    POINT = ("a decimal point, and commas between thousands", ",", _numbers(r"\.", ","))
    COMMA = ("a decimal comma, and points between thousands", ".", _numbers(",", r"\."))

    def __init__(self, words: str, grouping: str, pattern: re.Pattern[str]) -> None:
        self.words = words
        self.grouping = grouping
        self.pattern = pattern

    def plain(self, text: str) -> str:
        """Return the number as Python writes it."""
        return text.replace(self.grouping, "").replace(",", ".")


@final
@dataclass(frozen=True)
class Writing:
    """How the entries of a column are written.

    Attributes
    ----------
    readings : frozenset of Notation
        Those in which all entries are numbers.
    is_numeric : bool
        Whether each is a number in some notation.
    comma, point : str
        An entry with that mark; empty if there is none.
    is_clear : bool
        Whether an entry has both marks, or one twice, so that it says itself which is the decimal one.
    """

    readings: frozenset[Notation]
    is_numeric: bool
    comma: str
    point: str
    is_clear: bool

    @classmethod
    def of(cls, kinds: Collection[str]) -> "Writing":
        """Return how these different entries are written."""
        readings = frozenset(way for way in Notation if all(map(way.pattern.fullmatch, kinds)))
        is_numeric = bool(readings) or all(any(way.pattern.fullmatch(text) for way in Notation) for text in kinds)
        comma = min((text for text in kinds if "," in text), default="")
        point = min((text for text in kinds if "." in text), default="")
        is_clear = bool(comma or point) and any(text.count(",") + text.count(".") > 1 for text in kinds)
        return cls(readings, is_numeric, comma, point, is_clear)

    @property
    def is_mixed(self) -> bool:
        """Whether no notation can be told that all entries have."""
        return bool(self.comma and (not self.readings or (self.point and not self.is_clear)))

    @property
    def settles(self) -> bool:
        """Whether other columns of the file may be read as this one."""
        return bool(self.comma or self.point) and len(self.readings) == 1 and not self.is_mixed


def present_of(
    kinds: set[str], markers: frozenset[str] = MARKERS, among_numbers: Collection[str] = MISSING_NUMBERS
) -> set[str]:
    """Return the different entries of a column without those that stand for missing ones, anywhere or among numbers."""
    present = kinds - markers
    numbers = present.difference(among_numbers)
    return numbers if 0 < len(numbers) < len(present) and Writing.of(numbers).is_numeric else present
