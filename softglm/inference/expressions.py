"""Linear combinations of coefficients as text: "[general]write - [vocational]write", "([a]x + [b]x) / 2 = 1".

equation  sum, or sum = sum              signed  part, - part
sum       product, + product, ...        part    number, coefficient, (sum)
product   signed, * signed, / signed
"""

import re
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.inference.coefficient_names import NAME_ENDS, CoefficientNames

_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def read_expression(names: CoefficientNames, text: str) -> tuple[FloatArray, float | None]:
    """Return what a text says.

    Parameters
    ----------
    names : CoefficientNames
    text : str
        A combination, or an equation between two.

    Returns
    -------
    weights : array of shape (len(names),)
        Of the coefficients; of an equation those on the left less those on the right.
    value : float or None
        What the combination is equal to, by an equation.

    Raises
    ------
    ValueError
        If the text says nothing, or more than one thing; with the names that are nearest to an unknown one.
    """
    reader = _Reader(names, text)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            form, is_equation = reader.equation()
    except RecursionError:
        raise reader.problem("it has too many brackets in brackets") from None
    if not np.isfinite(form).all():
        raise reader.problem("its numbers are too large")
    if form[-1] != 0.0 and not is_equation:
        raise reader.problem("it adds a number. Leave that out, or say what the combination equals, after =")
    return form[:-1], 0.0 - float(form[-1]) if is_equation else None


@final
class _Reader:
    """What reads a text from its beginning to its end. A part of it is its weights, and last what is added to them.

    Parameters
    ----------
    names : CoefficientNames
    text : str
    """

    def __init__(self, names: CoefficientNames, text: str) -> None:
        self._names, self._text, self._rest = names, text, text.lstrip()

    def equation(self) -> tuple[FloatArray, bool]:
        """Return the whole, the right-hand side of an equation taken to the left; and whether it is one."""
        form, is_equation = self._sum(), False
        if self._taken("="):
            self._taken("=")  # as R writes it
            form, is_equation = form - self._sum(), True
        if self._rest:
            several = ". Several combinations are a list of texts" if self._rest[0] in ",=" else ""
            raise self.problem(f"expected +, -, *, /, = or its end at {self._rest!r}{several}")
        return form, is_equation

    def problem(self, what: str) -> ValueError:
        """Return what to raise."""
        return ValueError(f"{self._text!r} is no combination of coefficients: {what}.")

    def _taken(self, operators: str) -> str:
        """Return the operator that comes next, and pass over it, if it is one of these."""
        found = self._rest[:1]
        if not found or found not in operators:
            return ""
        self._pass(1)
        return found

    def _pass(self, length: int) -> None:
        self._rest = self._rest[length:].lstrip()

    def _sum(self) -> FloatArray:
        total = self._product()
        while operator := self._taken("+-"):
            part = self._product()
            total = total + part if operator == "+" else total - part
        return total

    def _product(self) -> FloatArray:
        product = self._signed()
        while operator := self._taken("*/"):
            other = self._signed()
            if operator == "/" and (other[:-1].any() or other[-1] == 0.0):
                raise self.problem("it divides by a coefficient, or by 0")
            if product[:-1].any() and other[:-1].any():
                raise self.problem("it multiplies coefficients")
            if other[:-1].any():
                product, other = other, product
            product = product / other[-1] if operator == "/" else product * other[-1]
        return product

    def _signed(self) -> FloatArray:
        sign = 1.0
        while found := self._taken("+-"):
            sign = -sign if found == "-" else sign
        return sign * self._part()

    def _part(self) -> FloatArray:
        rest = self._rest
        readings = [(self._form(place, 1.0), end) for place, end in self._names.beginning(rest)]
        number = _NUMBER.match(rest)
        if number is not None and NAME_ENDS.match(rest, number.end()):
            readings.append((self._form(-1, float(number[0])), number.end()))
        if len(readings) > 1:
            longest = max(end for _, end in readings)
            raise self.problem(
                f"{rest[:longest]!r} reads in two ways. Put the name of the term between backquotes, or pass an array, "
                "where two have one name"
            )
        if readings:
            ((form, end),) = readings
            self._pass(end)
            return form
        if not self._taken("("):
            raise self.problem(self._names.unknown(rest))
        inner = self._sum()
        if not self._taken(")"):
            raise self.problem(f"expected ) at {self._rest!r}")
        return inner

    def _form(self, place: int | None, value: float) -> FloatArray:
        """Return a form of one weight; of the base class, of none."""
        form = np.zeros(len(self._names) + 1)
        if place is not None:
            form[place] = value
        return form
