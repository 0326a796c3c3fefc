"""What the user's columns do to those of the model, where a pipeline makes these of them: as the inference sees it.

It knows no pipeline. It can set an input to a value, or shift it, in all rows, and is told which inputs there are, and
how each acts: smoothly, so that it has derivatives, or by steps, so that it has levels.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray, Matrix
from softglm.inference.names import Name, Names

# What inputs are set to, in all rows, by their positions: values, or a `Move` from where they are.
Setting: TypeAlias = Mapping[int, Any]
VariableKind: TypeAlias = Literal["number", "switch", "factor", "undetermined"]


@final
@dataclass(frozen=True, repr=False)
class Move:
    """What is added to a number in every row, in place of a value that it is set to."""

    by: float

    def __repr__(self) -> str:
        """Return it with its sign, to all its digits."""
        return f"{self.by:+}"


@final
@dataclass(frozen=True)
class Level:
    """Values of an input that the pipeline does not tell apart.

    Attributes
    ----------
    name : str
        For a reader: the value, the ends of a range of numbers, or several values.
    value : object
        One of them, as the pipeline takes it.
    """

    name: str
    value: Any


@final
@dataclass(frozen=True, eq=False)
class Variable:
    """A column of the user's X on which columns of the model depend.

    Attributes
    ----------
    name : str
    position : int
        Among the user's columns.
    kind : {"number", "switch", "factor", "undetermined"}
        A number acts smoothly, whatever the pipeline makes of it; a switch is 0 or 1; a factor has levels, of values or
        of ranges of numbers; undetermined is what acts smoothly and by steps at once, or has too many levels.
    columns : tuple of int
        The columns of the model that depend on this input and no other.
    acts_by_steps : bool
        Whether what depends on it does so by steps only.
    levels : tuple of Level
        Those that occur, of a switch or a factor: the base first.
    slope : array of shape (p,) or None
        What a unit adds to the columns of the model, where that is the same in every row.
    mean : float
        The weighted mean of a column of numbers over the rows where it is not missing; NaN of others.
    step : float
        The shift of which differences are derivatives.
    reason : str
        Why it is undetermined.
    """

    name: str
    position: int
    kind: VariableKind
    columns: tuple[int, ...]
    acts_by_steps: bool = False
    levels: tuple[Level, ...] = ()
    slope: FloatArray | None = field(default=None, repr=False)
    mean: float = float("nan")
    step: float = float("nan")
    reason: str = ""


class Inputs(ABC):
    """The user's columns.

    Attributes
    ----------
    names : tuple of str
        Of all columns, those included on which nothing depends.
    """

    names: tuple[str, ...]

    @property
    @abstractmethod
    def is_known(self) -> bool:
        """Whether it could be found out what the inputs do; if not, there are only the columns of the model."""

    @property
    @abstractmethod
    def variables(self) -> tuple[Variable, ...]:
        """The columns on which those of the model depend; none if that is not known."""

    @abstractmethod
    def transformed(self, setting: Setting) -> Matrix:
        """Return the columns of the model, shape (n, p), with inputs set to the same value in all rows, or moved.

        Raises
        ------
        ValueError
            If the pipeline does not take a value.
        """

    @abstractmethod
    def shifted(self, variable: Variable, setting: Setting) -> tuple[Matrix, Matrix]:
        """Return the columns of the model with a number moved up and down by its step, and other inputs set.

        Parameters
        ----------
        variable : Variable
            Of kind "number".
        setting : mapping from position to value
            What inputs are set to; the number, if it is one of them, is moved from there.

        Returns
        -------
        tuple of two arrays or CSR matrices of shape (n, p)
            Moved up, and down.

        Raises
        ------
        ValueError
            If the pipeline does not take the others as they are set.
        """

    @property
    @abstractmethod
    def entered(self) -> dict[str, tuple[int, ...]]:
        """The columns of the model that change with each input, in any row, under its name; none if that is not known.

        Raises
        ------
        ValueError
            If the pipeline does not take a value in another row than its own.
        """

    @abstractmethod
    def observed(self, position: int) -> npt.NDArray[Any]:
        """Return the values of an input in rows of positive weight: float64, NaN where missing, or objects."""

    @property
    def factors(self) -> dict[str, tuple[int, ...]]:
        """The columns of the model that are made of one input each, by steps, under its name."""
        return {each.name: each.columns for each in self.variables if each.acts_by_steps and each.columns}

    def position(self, name: Name) -> int | None:
        """Return the position of a column by its name, or its position; None if there is none such."""
        return Names(self.names).find(name)

    def variable(self, position: int) -> Variable | None:
        """Return the input at a position; None if nothing depends on it."""
        return next((each for each in self.variables if each.position == position), None)

    def means(self) -> dict[int, float]:
        """Return the setting that puts numbers at their means, and leaves switches and factors in their proportions."""
        numbers = [each for each in self.variables if each.kind in {"number", "undetermined"}]
        return {each.position: each.mean for each in numbers if np.isfinite(each.mean)}
