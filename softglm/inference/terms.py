"""Terms to be tested: columns of the model, and what contains them.

A column that two variables enter is of their interaction, which contains both main effects. A test of type II is of a
term given all that do not contain it: of A given B, without A:B.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Term:
    """Columns that leave the model together.

    Attributes
    ----------
    columns : tuple of int
    containing : tuple of int
        The columns of terms that contain this one, which both models are without.
    """

    columns: tuple[int, ...]
    containing: tuple[int, ...] = ()


def terms_of_variables(entered: Mapping[str, Sequence[int]]) -> dict[str, Term]:
    """Return the main effects of variables, and then their interactions, "A:B".

    Parameters
    ----------
    entered : mapping from the name of a variable to the columns that it enters
    """
    order = list(entered)
    variables: dict[int, tuple[str, ...]] = {}
    for name in order:
        for column in entered[name]:
            variables[column] = (*variables.get(column, ()), name)
    by_term: dict[tuple[str, ...], tuple[int, ...]] = {}
    for column in sorted(variables):
        by_term[variables[column]] = (*by_term.get(variables[column], ()), column)
    terms = {}
    for names in sorted(by_term, key=lambda names: (len(names), [order.index(name) for name in names])):
        larger = [columns for others, columns in by_term.items() if set(others) > set(names)]
        terms[":".join(names)] = Term(by_term[names], tuple(column for columns in larger for column in columns))
    return terms
