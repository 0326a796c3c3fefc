"""Cells: numbers and p-values as text, and the table they stand in. All that is printed is made of these."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from softglm.arrays import FloatArray
from softglm.inference.missing import is_missing

# A number, in brackets or with stars behind it.
_DECIMAL = re.compile(r"\(?[+-]?\d+(?:\.\d+)?(\)?\**)")
NOT_ESTIMABLE = "-"
# Below a table of what the data do not determine, or of which the covariance does not tell.
_LEFT_OPEN = "-: infinite estimates leave it open, or collinear columns."
_NO_ERROR = "No standard error: it hangs on a coefficient that one cluster alone knows."
# Decimals of a row: enough for three digits of its standard error; where that takes more, exponents.
_LEAST_DECIMALS, _MOST_DECIMALS, _EXPONENT_DECIMALS = 2, 6, 2
# A number of many digits before the point shows fewer behind it.
_MOST_DIGITS = 6
# P-values below this are not told apart.
_LEAST_P_VALUE = 1e-4
# Degrees of freedom below this would be rounded to nothing.
_LEAST_DF, _FEW_DIGITS = 0.1, 2
# Notes are not broken narrower than this, however narrow the table.
_LEAST_WIDTH = 72


def number(value: float, decimals: int) -> str:
    """Return a cell for a number: a dash where there is none; an exponent where it is too large or too small."""
    if np.isnan(value):
        return NOT_ESTIMABLE
    if np.isinf(value):
        return f"{value:+}"
    is_small = decimals > _MOST_DECIMALS or abs(value) < 10.0**-decimals
    if value != 0.0 and (is_small or abs(value) >= 1e7):
        return f"{value:.{_EXPONENT_DECIMALS}e}"
    digits = int(np.floor(np.log10(abs(value)))) if value != 0.0 else 0
    return f"{value:.{max(min(decimals, _MOST_DIGITS - digits), 0)}f}"


def _decimals_for(size: float) -> int:
    """Return how many decimals show three digits of a number: a standard error, or what has none."""
    if not (size > 0.0 and np.isfinite(size)):
        return _LEAST_DECIMALS
    return max(2 - int(np.floor(np.log10(size))), _LEAST_DECIMALS)


def p_cell(value: float) -> str:
    """Return a cell for a p-value."""
    return NOT_ESTIMABLE if np.isnan(value) else "<0.0001" if value < _LEAST_P_VALUE else f"{value:.4f}"


def df_cell(value: float) -> str:
    """Return a cell for degrees of freedom, which need not be whole, nor finite."""
    if np.isnan(value):
        return NOT_ESTIMABLE
    return f"{value:.{_FEW_DIGITS}g}" if value < _LEAST_DF else f"{value:,.1f}"


def p_text(p_value: float) -> str:
    """Return a p-value as sentences have it: p = 0.0123, p < 0.0001."""
    return "p < 0.0001" if p_value < _LEAST_P_VALUE else f"p = {p_value:.4f}"


def shown_value(value: Any) -> str:  # noqa: ANN401 - whatever columns hold
    """Return a value as text: of a number six digits; a missing one is called as its level is."""
    if is_missing(value):
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def cells_of(
    *,
    estimate: FloatArray,
    std_error: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    decimals: int | None = None,
    z: FloatArray | None = None,
    p_value: FloatArray | None = None,
    df: FloatArray | None = None,
) -> list[list[str]]:
    """Return the formatted cells of estimates, all of shape (k,): a list for each of them.

    With so many decimals, or by default with as many as the standard error of each has digits.
    """
    # Without a standard error three digits of the estimate itself are shown.
    sizes = np.where(np.isnan(std_error), np.abs(estimate), std_error)
    places = [_decimals_for(size) if decimals is None else decimals for size in sizes]

    def formatted(values: FloatArray) -> list[str]:
        return [number(value, place) for value, place in zip(values, places, strict=True)]

    columns = [formatted(estimate), formatted(std_error)]
    if z is not None and p_value is not None:
        columns.append([number(value, 2) for value in z])
        columns += [] if df is None else [[df_cell(value) for value in df]]
        columns.append([p_cell(value) for value in p_value])
    columns += [formatted(lower), formatted(upper)]
    return [list(cells) for cells in zip(*columns, strict=True)]


def estimate_headings(
    level: float, statistic: str | None = None, estimate: str = "estimate", *, has_df: bool = False
) -> list[str]:
    """Return the names of the columns of estimates with their standard errors, tests (if any) and intervals."""
    tail = 50.0 * (1.0 - level)
    tests = [] if statistic is None else [statistic, *(["df"] if has_df else []), "p-value"]
    return [estimate, "std. error", *tests, f"{tail:.4g}%", f"{100.0 - tail:.4g}%"]


def aligned(
    header: Sequence[str], groups: Mapping[str, Sequence[Sequence[str]]], foot: Sequence[Sequence[str]] = ()
) -> list[str]:
    """Return the lines of a table: a head, a rule, and under the name of each group its rows; below a rule, its foot.

    Parameters
    ----------
    header : sequence of str
        The names of the columns, but for the first, which has the names of rows.
    groups : dict from name to rows of cells
        A group without a name is not indented.
    foot : rows of cells
    """
    names = [f"  {row[0]}" if name else row[0] for name, rows in groups.items() for row in rows]
    names += [row[0] for row in foot]
    stub = max(map(len, (*names, *groups)), default=0)
    cells = [row[1:] for rows in (*groups.values(), foot) for row in rows]
    columns = [_at_the_point(column) for column in zip(*cells, strict=True)] or [[] for _ in header]
    widths = [max(map(len, (title, *column))) for title, column in zip(header, columns, strict=True)]
    lines = [_line("", header, stub, widths)]
    lines.append("-" * len(lines[0]))
    rest = zip(names, zip(*columns, strict=True), strict=True)
    for name, rows in groups.items():
        lines += [name] if name else []
        lines += [_line(*next(rest), stub, widths) for _ in rows]
    return [*lines, lines[1], *(_line(*row, stub, widths) for row in rest)] if foot else lines


def _at_the_point(cells: Sequence[str]) -> list[str]:
    """Return cells that stand with their decimal points below one another, set flush right."""
    places = [_behind_the_point(cell) for cell in cells]
    most = max(places, default=0)
    return [cell if place < 0 else cell + " " * (most - place) for cell, place in zip(cells, places, strict=True)]


def _behind_the_point(cell: str) -> int:
    """Return how many characters of a number follow its point, or the place for one; -1 where there is no number."""
    found = _DECIMAL.fullmatch(cell)
    if found is None:
        return -1
    return len(cell.partition(".")[2] if "." in cell else found[1])


def _line(name: str, values: Sequence[str], stub: int, widths: Sequence[int]) -> str:
    cells = "".join(f"  {value.rjust(width)}" for value, width in zip(values, widths, strict=True))
    return f"{name.ljust(stub)}{cells}".rstrip()


def notes_on_t(degrees_of_freedom: float | None) -> list[str]:
    """Return the note below a table whose p-values and intervals are of Student's t, if they are."""
    if degrees_of_freedom is None:
        return []
    return [f"p-values and intervals: t with {df_cell(degrees_of_freedom).removesuffix('.0')} degrees of freedom."]


def notes_on_gaps(estimate: FloatArray, std_error: FloatArray) -> list[str]:
    """Return the notes below a table in which estimates are missing, or have no standard error."""
    notes = [_LEFT_OPEN] if np.isnan(estimate).any() else []
    return [*notes, _NO_ERROR] if (np.isfinite(estimate) & np.isnan(std_error)).any() else notes


def wrapped(notes: Iterable[str], width: int) -> list[str]:
    """Return the lines of notes below a table of this width."""
    broken = (textwrap.wrap(note, max(width, _LEAST_WIDTH), break_long_words=False) for note in notes)
    return [line for lines in broken for line in lines]
