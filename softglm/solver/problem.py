"""What the solver asks of a problem: a function to minimise, the metrics it offers, and what it can prove."""

from collections.abc import Callable, Sequence
from typing import Protocol

from softglm.arrays import FloatArray


class Metric(Protocol):
    """A positive definite H ~ L L', factored once and applied often; one made of the Hessian itself bounds the gap."""

    def whiten(self, gradient: FloatArray) -> FloatArray:
        """Return L^-1 g, a vector."""

    def unwhiten(self, vector: FloatArray) -> FloatArray:
        """Return L^-T v, of the shape of a point."""

    def solve(self, gradient: FloatArray) -> FloatArray:
        """Return H^-1 g, of the shape of a point."""

    def gap(self, decrement: float, distance: float, rounding: FloatArray) -> float:
        """Bound f - f* where the whitened gradient has length `decrement`, at this distance from where it was made.

        inf where it proves nothing. Each entry of the gradient may be off by what `rounding` says, of its shape.
        """

    @property
    def proof_cost(self) -> float:
        """What `gap` costs the first time, in the unit of an evaluation's cost."""


class Offer(Protocol):
    """A metric that could be had."""

    @property
    def price(self) -> float:
        """What it costs, in the unit of an evaluation's cost."""

    def make(self, point: FloatArray, /) -> Metric:
        """Return it, for this point."""


class Problem(Protocol):
    """A smooth convex function that can be minimised. Nothing that is asked of it changes it."""

    @property
    def evaluation_cost(self) -> float:
        """The cost of `evaluate`, in any unit."""

    @property
    def approximations(self) -> Sequence[Offer]:
        """Approximations of the Hessian, from the cheapest to the best."""

    @property
    def hessians(self) -> Sequence[Offer]:
        """Hessians, from the cheapest to the exact one; none where they are too large."""

    @property
    def takes_newton_steps(self) -> bool:
        """Whether a Hessian at every step is worth its price."""

    def evaluate(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Return f and its gradient."""

    def evaluate_with_hessian(self, point: FloatArray) -> tuple[float, FloatArray, Callable[[], Metric]]:
        """Return f, its gradient, and what makes the exact Hessian there, so that one pass can serve both.

        Asked only where there is a Hessian. It costs no pass if it is made before the next evaluation.
        """

    @property
    def is_proved_by_sample(self) -> bool:
        """Whether what is held of f is to prove the optimum, rather than a metric."""

    @property
    def resolution(self) -> float:
        """The distance to the optimum, relative to that of the reference, that evaluations tell from rounding."""

    @property
    def rounding(self) -> float:
        """The differences of f, relative to |f| + 1, that are rounding."""

    @property
    def finer(self) -> "Problem | None":
        """The same function, evaluated more precisely, if that is possible."""

    def gradient_rounding(self, point: FloatArray, gradient: FloatArray, *, is_sharp: bool) -> FloatArray:
        """Bound what each entry of a gradient, as it was computed at a point, is off by: for nothing, or sharply."""

    def gap_by_gradient(self, point: FloatArray, value: float, gradient: FloatArray) -> float:
        """Bound f - f* by f and its gradient at a point, without a Hessian; inf where nothing is known."""

    def gap_at_partial_minimiser(self, gradient: FloatArray) -> float:
        """Estimate the bound on f - f* by the gradient at a partial minimiser; inf where nothing is known."""

    def partial_minimiser(self, point: FloatArray, allowed: float) -> FloatArray | None:
        """Return the point with those coordinates at their best that are minimised for little, given the others.

        As far as a gap can be proved that is allowed. None if it is not to be found.
        """

    def gap_by_partial_minimiser(self, point: FloatArray, value: float, gradient: FloatArray, allowed: float) -> float:
        """Bound f - f* by the gradient at a point that `partial_minimiser` has returned; inf where nothing is known.

        The bound is as sharp as it can be made unless one that costs less is below what is allowed.
        """

    def gap_by_sample(self, point: FloatArray, gradient: FloatArray, allowed: float) -> float:
        """Bound f - f* by its gradient at a point and what is held of it, as sharply as that can; inf where nothing is.

        Where the bound would be above what is allowed, it need not be finite.
        """

    def has_no_minimiser(self, point: FloatArray, *, thorough: bool) -> bool | None:
        """Tell whether f has none: cheaply, from this point, or thoroughly, whatever the cost; None if undecided."""
