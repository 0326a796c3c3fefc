"""What a method is: a generator of steps that knows neither when to end nor what anything costs."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from softglm.arrays import FloatArray
from softglm.solver.curvature import Curvature
from softglm.solver.line_search import Iterate
from softglm.solver.problem import Metric


class WithHessian(NamedTuple):
    """A point with f, its gradient, and the way to its Hessian there."""

    point: FloatArray
    value: float
    gradient: FloatArray
    hessian: Callable[[], Metric]

    @property
    def iterate(self) -> Iterate:
        return Iterate(self.point, self.value, self.gradient)


class Step(NamedTuple):
    """Where a step has led, and an estimate of f - f* there: half the square of the length of the whitened gradient."""

    here: Iterate
    estimate: float


class Function(Protocol):
    """What a method may ask of f."""

    def evaluate(self, point: FloatArray, /) -> Iterate:
        """Return f and its gradient at a point."""

    def evaluate_with_hessian(self, point: FloatArray, /) -> WithHessian:
        """Return also what makes the exact Hessian there, to be asked, if at all, before the next evaluation."""

    def renewed(self, point: FloatArray, /) -> Metric | None:
        """Return the best Hessian on offer, made at a point; None where that costs more than it gains."""


class Method(Protocol):
    """A way to minimise f: `lbfgs`, `newton`, `accelerated`, and whatever else is a generator of this signature."""

    def __call__(self, function: Function, start: Iterate, known: Curvature, /, *, rounding: float) -> Iterator[Step]:
        """Yield each accepted step; end where no step is acceptable.

        Whoever asks for the steps decides when there are enough of them, and then asks for no more. So what a next step
        alone needs (as the Hessian of Newton's method) is made once that step is asked for.

        Parameters
        ----------
        function : Function
        start : Iterate
        known : Curvature
            What is known at the start, and in the end what is then. A method tells it of each step before it yields it,
            by `known.travel(step)` in the coordinates of the metric, and of each metric it makes, by
            `known.replace(metric)`: proofs rest on both.
        rounding : float
            Differences of f below this, relative to |f| + 1, are rounding; the slope alone decides there.
        """
