"""Columns of text made what they hold: booleans, numbers in their notation, or text, and why."""

from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from softglm.cli.tables.columns import Column, UnusableDataError
from softglm.cli.tables.notation import PADDED, PLAIN, Notation, Writing
from softglm.cli.tables.reading import option
from softglm.validation.finite import MOST

_TRUE, _FALSE = {"True", "TRUE", "true"}, {"False", "FALSE", "false"}
# Beyond this, neighbouring integers are the same number in float64.
MOST_EXACT = 2**53
# Of a text column with more different values an example is shown: it may be of numbers in a notation unknown here.
_MANY_VALUES = 20


def notation_of(
    path: Path,
    name: str,
    writing: Writing,
    settled: Collection[Notation],
    chosen: Notation | None,
    *,
    can_be_decimal: bool,
) -> Notation | None:
    """Return how to read a column, None for text.

    What could be read in both ways (1,234) is read as `chosen`, if anything is, or else as the other columns of the
    file, those that `settled` stands for.
    `can_be_decimal` says whether a comma may be a decimal mark: in files whose fields it separates it is hardly one.
    """
    if not writing.is_numeric:
        return None
    if chosen in writing.readings:
        return chosen
    if writing.is_mixed:
        other = f"{writing.point!r} in the same column" if writing.point else "others that contradict it"
        raise UnusableDataError(
            f"{path} has {writing.comma!r} in {name!r}, and {other}: which mark is the decimal one? Write its numbers "
            f"with a decimal point, and nothing between thousands, or leave the column out: {option('--drop', name)}."
        )
    comma, point = Notation.COMMA in writing.readings, Notation.POINT in writing.readings
    if not writing.comma:
        # 1.5 is what it seems, and so is 1.234 unless this is a file of decimal commas.
        if point and comma and writing.point and set(settled) == {Notation.COMMA}:
            raise _undecided(path, name, writing.point)
        if point:
            return Notation.POINT
        return Notation.COMMA if comma and Notation.POINT not in settled else None
    if not (point or can_be_decimal):
        raise UnusableDataError(
            f"{path}, whose fields are separated by commas, has {writing.comma!r} in {name!r}. If it is a decimal "
            "comma, pass --decimal comma, or write numbers with a decimal point; if they are codes or lists, replace "
            f"it, or leave the column out: {option('--drop', name)}."
        )
    if point and comma:
        if len(settled) != 1:
            raise _undecided(path, name, writing.comma)
        return next(iter(settled))
    return Notation.POINT if point else Notation.COMMA


def _undecided(path: Path, name: str, text: str) -> UnusableDataError:
    values = " or ".join(sorted({way.plain(text) for way in Notation}))
    return UnusableDataError(
        f"{path} has {text!r} in {name!r}, which may be {values}. Pass --decimal comma or --decimal point, or write "
        "its numbers with a decimal point, and nothing between thousands."
    )


def column_of(name: str, texts: list[str], notation: Notation | None, kinds: set[str]) -> Column:
    """Return a column of text as booleans if that is what all of its fields are, or as numbers in a notation.

    Of the texts those are missing that are not among the kinds.
    """
    is_missing = np.array([text not in kinds for text in texts])
    if kinds and kinds <= _TRUE | _FALSE:
        return Column(name, np.array([text in _TRUE for text in texts]), is_missing)
    if notation is None:
        return Column(name, np.array(texts, dtype=object), is_missing, remark_on(kinds), strays_among(kinds))
    plain = {text: notation.plain(text) for text in kinds}
    numbers = {text: float(number) for text, number in plain.items()}
    merged = remark_on_merged(int(plain[text]) for text in kinds if _is_long_integer(plain[text], numbers[text]))
    if merged:
        return Column(name, np.array(texts, dtype=object), is_missing, merged)
    values = np.array([numbers.get(text, np.nan) for text in texts])
    is_marked = notation is Notation.COMMA or any("," in text for text in kinds)
    return Column(name, values, np.isnan(values), notation=notation if is_marked else None)


def _is_long_integer(text: str, value: float) -> bool:
    return MOST_EXACT <= abs(value) <= MOST and text.lstrip("+-").isdecimal()


def remark_on_merged(integers: Iterator[int]) -> str:
    """Return a remark on different integers that are the same in float64, empty if there are none."""
    ordered = sorted(set(integers))
    for first, second in pairwise(ordered):
        if float(first) == float(second):
            return f"as text: {first} and {second} would be the same number"
    return ""


def remark_on(kinds: Collection[str]) -> str:
    """Return what to know of text that may look like numbers, empty if it does not."""
    strangers = _no_numbers_of(kinds)
    if not strangers:
        padded = min((text for text in kinds if not PLAIN.fullmatch(text)), default="")
        return f"as text: {padded!r} has leading zeros" if padded else ""
    if 2 * len(strangers) < len(kinds):
        return f"as text: {strangers[0]!r} is not a number"
    return f"such as {strangers[0]!r}" if len(kinds) > _MANY_VALUES else ""


def strays_among(kinds: Collection[str]) -> tuple[str, ...]:
    """Return the few entries without which all are numbers that can be read; empty if there are no such."""
    strangers = _no_numbers_of(kinds)
    rest = set(kinds).difference(strangers)
    is_readable = 0 < 2 * len(strangers) < len(kinds) and (writing := Writing.of(rest)).is_numeric
    return tuple(strangers) if is_readable and not writing.is_mixed else ()


def _no_numbers_of(kinds: Collection[str]) -> list[str]:
    ways = (PADDED, *(way.pattern for way in Notation))
    return sorted(text for text in kinds if not any(way.fullmatch(text) for way in ways))
