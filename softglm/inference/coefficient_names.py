"""Coefficients by their names in text: a class in brackets and a term, as Stata writes them, "[general]write"."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray

# Where a name ends.
NAME_ENDS = re.compile(r"\s*(?:$|[-+*/=,)])")
_QUOTED = re.compile("`([^`]*)`")
# What somebody may have meant for a class, and for a term.
_BRACKETED, _WORD = re.compile(r"\[([^\]]*)\]\s*"), re.compile(r"[^-+*/=,]+")
# Names that a message lists: those that are near, of at least this likeness, or else the first.
_MOST_NEAR, _LIKENESS, _MOST_LISTED = 3, 0.5, 10
# A combination of more coefficients is no name.
_MOST_PARTS = 4


@final
@dataclass(frozen=True)
class CoefficientNames:
    """The names of coefficients.

    Attributes
    ----------
    classes : tuple of str, length K - 1
        Of two classes there is one equation, which need not be named.
    base : str
        The class whose coefficients are 0.
    terms : tuple of str, length n_terms
    """

    classes: tuple[str, ...]
    base: str
    terms: tuple[str, ...]

    @classmethod
    def of(cls, classes: npt.NDArray[Any], reference: Any, terms: tuple[str, ...]) -> "CoefficientNames":  # noqa: ANN401 - a class is what the user's labels are
        """Return those of a table of coefficients, whose classes are without the base."""
        return cls(tuple(map(str, classes)), str(reference), terms)

    def __len__(self) -> int:
        """Return how many coefficients there are."""
        return len(self.classes) * len(self.terms)

    def beginning(self, text: str) -> Iterator[tuple[int | None, int]]:
        """Yield the coefficients that a text may begin with, None for one of the base class, and where their names end.

        A name is one of those that there are, whatever is in it, or that in backquotes.
        """
        for row, start in self._classes_beginning(text):
            quoted = _QUOTED.match(text, start)
            for column, term in enumerate(self.terms):
                place = None if row is None else row * len(self.terms) + column
                if quoted is not None and quoted[1] == term and NAME_ENDS.match(text, quoted.end()):
                    yield place, quoted.end()
                elif text.startswith(term, start) and NAME_ENDS.match(text, start + len(term)):
                    yield place, start + len(term)

    def unknown(self, text: str) -> str:
        """Return what is wrong with a text that begins with no name."""
        bracketed = _BRACKETED.match(text)
        name = "" if bracketed is None else bracketed[1].strip()
        if bracketed is not None and name not in (*self.classes, self.base):
            return f"there is no class {name!r}; {_near(name, (*self.classes, self.base))}"
        word = _WORD.match(text, 0 if bracketed is None else bracketed.end())
        term = "" if word is None else word[0].strip()
        if bracketed is None and len(self.classes) > 1 and term in self.terms:
            example = self._name(self.terms.index(term))
            return f"{term!r} is of some class, as in {example!r}; test_terms tests it in all equations at once"
        if not term or (bracketed is None and len(self.classes) > 1):
            where = f"at {text!r}" if text else "at its end"
            return f"expected a coefficient, such as {self._name(0)!r}, or a number {where}"
        return f"there is no term {term!r}; {_near(term, self.terms)}"

    def written(self, weights: FloatArray, otherwise: str) -> str:
        """Return a combination of the coefficients as text, or what to say in place of a long one."""
        places = np.flatnonzero(weights).tolist()
        if len(places) > _MOST_PARTS:
            return otherwise
        parts = [f"{'-' if weights[place] < 0.0 else '+'} {self._part(place, abs(weights[place]))}" for place in places]
        text = " ".join(parts)
        return f"-{text[2:]}" if text.startswith("-") else text[2:] or "0"

    def _part(self, place: int, weight: float) -> str:
        return self._name(place) if weight == 1.0 else f"{weight:.6g}*{self._name(place)}"

    def _name(self, place: int) -> str:
        row, column = divmod(place, len(self.terms))
        return self.terms[column] if len(self.classes) == 1 else f"[{self.classes[row]}]{self.terms[column]}"

    def _classes_beginning(self, text: str) -> Iterator[tuple[int | None, int]]:
        """Yield the classes that a text begins with, None for the base, and where their terms are to follow."""
        for row, name in [*enumerate(self.classes), (None, self.base)]:
            found = re.match(rf"\[\s*{re.escape(name)}\s*\]\s*", text)
            if found is not None:
                yield row, found.end()
        if len(self.classes) == 1:
            yield 0, 0


def _near(name: str, names: Sequence[str]) -> str:
    """Return which names are near one that there is not."""
    near = get_close_matches(name, names, _MOST_NEAR, _LIKENESS)
    return f"the nearest: {near}" if near else f"expected one of {list(names[:_MOST_LISTED])}"
