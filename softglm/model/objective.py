r"""What is minimised: the penalised mean negative log-likelihood of an exponential family in eta = theta' x.

    f(B, b) = (1/W) sum_i w_i [ A(eta_i) - <t_i, eta_i> ] + r(B),    eta_i = B' (x_i - c) + b + o_i

The data enter the part that is linear in theta only through sums that are computed once, sum w t and
sum w t (x - c)'; an evaluation needs nothing but A and its gradient. The rows are centred at their weighted mean c
through the intercept, never by touching X: b here is the intercept at c, and `uncentred` is the way out.

Symbols, with the names they carry in the code (q natural parameters, m = p + 1 with an intercept, else p):

    x_i (p,) X      t_i (q,) targets    w_i weights (row totals folded in)    o_i (q,) offset    c (p,) center
    theta (m, q) parameters: the rows of B (p, q), coef, then b (q,), intercept
    eta_i (q,) eta      mu_i = grad A(eta_i) (q,) mean      W total_weight
"""

import math
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.data.rows import Arrays
from softglm.families import UnconstrainedFamily
from softglm.model.penalties import Penalty
from softglm.sums import CentredCross, CrossMoments, Evaluation
from softglm.tuning import DEFAULT, Tuning

# Where the mean of a column is so much of its root mean square, 50 times its spread, a difference of sums loses digits;
# beyond 1000 times it is read from an origin, or constant.
_CANCELS, _FAR = 0.9998, 0.9999995


@final
@dataclass(frozen=True)
class Moments:
    """Sums over the rows that never change during a fit.

    Attributes
    ----------
    total_weight : float
        W = sum w.
    center : array of shape (p,)
        c = sum w x / W, or zeros without an intercept.
    mean_target : array of shape (q,)
        sum w t / W.
    cross : array of shape (p, q)
        sum w (x - c) t' / W.
    is_about : bool
        Whether that was summed as it stands here, and is no difference of two sums.
    offset_term : float
        sum w <t, o> / W.
    mean_offset : array of shape (q,)
        sum w o / W.
    size : array of shape (p,)
        The root of sum w x^2 / W, about 0: how large the entries are that rounding is relative to.
    offset_size : float
        The root of sum w max o^2 / W.
    """

    total_weight: float
    center: FloatArray
    mean_target: FloatArray
    cross: FloatArray
    is_about: bool
    offset_term: float
    mean_offset: FloatArray
    size: FloatArray
    offset_size: float


def moments_of(rows: Rows, n_parameters: int, *, centred: bool, summed: Arrays | None = None) -> Moments:
    """Return the sums of one pass over the rows, for q = n_parameters natural parameters.

    Parameters
    ----------
    rows : Rows
    n_parameters : int
    centred : bool
    summed : tuple of array or None, default=None
        What `CrossMoments` sum up to, if that is at hand.
    """
    if summed is None:
        summed = rows.sum(CrossMoments(n_parameters))
    sums, cross, squares, offset, offset_term, offset_square = summed
    weight, totals = float(sums[-1]), sums[:-1]
    center = cross[:, -1] / weight if centred else np.zeros(len(cross))
    about, size = cross[:, :-1] - np.outer(center, totals), np.sqrt(squares / weight)
    distance = np.abs(center)
    cancels = not rows.is_sparse and bool(((distance > _CANCELS * size) & (distance < _FAR * size)).any())
    if cancels:
        (about,) = rows.sum(CentredCross(center, n_parameters))
    return Moments(
        total_weight=weight,
        center=center,
        mean_target=totals / weight,
        cross=about / weight,
        is_about=cancels,
        offset_term=float(offset_term[0]) / weight,
        mean_offset=offset / weight,
        size=size,
        offset_size=math.sqrt(float(offset_square[0]) / weight),
    )


@final
class Objective:
    """f and its gradient in one pass over the rows.

    Parameters
    ----------
    rows : Rows
    family : UnconstrainedFamily
    penalty : Penalty
    fit_intercept : bool
    tuning : Tuning, optional
        How a fit is made.
    summed : tuple of array or None, default=None
        What the moments of the rows sum up to, if that is at hand.

    Attributes
    ----------
    linear : array of shape (m, q)
        What is multiplied by the parameters: the means of z t', z = [x - c; 1].
    is_penalised : bool
        Whether every coefficient is.
    dtype : dtype
        The precision of what is computed for a block; the sums over blocks are in float64.
    """

    dtype: type[np.floating[Any]] = np.float64

    def __init__(
        self,
        rows: Rows,
        family: UnconstrainedFamily,
        penalty: Penalty,
        *,
        fit_intercept: bool,
        tuning: Tuning = DEFAULT,
        summed: Arrays | None = None,
    ) -> None:
        self.rows, self.family, self.penalty, self.fit_intercept = rows, family, penalty, fit_intercept
        self.tuning = tuning
        self.moments = moments_of(rows, family.n_parameters, centred=fit_intercept, summed=summed)
        linear = [self.moments.cross, self.moments.mean_target[np.newaxis]]
        self.linear = np.concatenate(linear if fit_intercept else linear[:1])
        self.is_penalised = _penalises(penalty, rows)

    def with_penalty(self, penalty: Penalty) -> "Objective":
        """Return the objective with another penalty: no pass over the rows."""
        other = self._copy()
        other.penalty, other.is_penalised = penalty, _penalises(penalty, self.rows)
        return other

    def in_single_precision(self, rows: Rows, center: FloatArray) -> "Objective":
        """Return the objective on these rows in single precision, of this center, shape (p,)."""
        other = self._copy()
        other.dtype, other.rows, other.moments = np.float32, rows, replace(self.moments, center=center)
        return other

    def tilted(self, rows: Rows, multiplicity: float, parameters: FloatArray, gradient: FloatArray) -> "Objective":
        """Return the objective of a few of the rows, tilted until its gradient, at these parameters, is the given one.

        Parameters
        ----------
        rows : Rows
            A sample, of weights that are multiplied by how many each stands for.
        multiplicity : float
            The most of these, by which the rows count less.
        parameters, gradient : arrays of shape (m, q)
        """
        other, moments = self._copy(), self.moments
        other.rows = rows
        other.moments = moments = replace(moments, total_weight=multiplicity * moments.total_weight, is_about=True)
        tilt = other.evaluate(parameters)[1] - gradient
        slopes, constant = self.split(tilt)
        other.moments = replace(moments, cross=moments.cross + slopes, mean_target=moments.mean_target + constant)
        other.linear = self.linear + tilt
        return other

    def _copy(self) -> "Objective":
        other = Objective.__new__(Objective)  # a quarter of the time of copy.copy, which small fits would notice
        other.__dict__.update(self.__dict__)
        return other

    @property
    def center(self) -> FloatArray:
        """The weighted means of the columns as they are given, shape (p,): from whatever origin they are read."""
        origin = self.rows.origin
        return self.moments.center if origin is None else self.moments.center + origin

    @property
    def shape(self) -> tuple[int, int]:
        """The shape (m, q) of the parameters."""
        m, q = self.linear.shape
        return m, q

    def split(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return coef, shape (p, q), and the intercept at the center, shape (q,)."""
        if self.fit_intercept:
            return parameters[:-1], parameters[-1]
        return parameters, np.zeros(parameters.shape[1])

    def uncentred(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return coef, shape (p, q), and the intercept at x = 0, shape (q,), so that eta = coef' x + intercept + o."""
        coef, intercept = self.split(parameters)
        return coef, intercept - self.moments.center @ coef

    def centred(self, coef: FloatArray, intercept: FloatArray) -> FloatArray:
        """Return the parameters, shape (m, q), of a coefficient matrix and an intercept at x = 0."""
        if not self.fit_intercept:
            return np.array(coef)
        return np.concatenate([coef, (intercept + self.moments.center @ coef)[np.newaxis]])

    def rounded(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what `uncentred` does, in the precision of the passes."""
        coef, intercept = self.uncentred(parameters)
        return coef.astype(self.dtype, copy=False), intercept.astype(self.dtype, copy=False)

    def evaluate(self, parameters: FloatArray) -> tuple[float, FloatArray]:
        """Return f and its gradient, shape (m, q)."""
        return self.assembled(self.rows.sum(Evaluation(self.family, *self.rounded(parameters))), parameters)

    def assembled(self, sums: Arrays, parameters: FloatArray) -> tuple[float, FloatArray]:
        """Return f and its gradient, shape (m, q), given the sums of an evaluation."""
        log_normalizer, cross, mean = sums
        gradient = np.empty(self.shape)
        np.subtract(cross, self.moments.center[:, np.newaxis] * mean, out=gradient[: len(cross)])
        if self.fit_intercept:
            gradient[-1] = mean
        return self.completed(float(log_normalizer[0]), gradient, parameters)

    def completed(
        self, log_normalizer: float, gradient: FloatArray, parameters: FloatArray
    ) -> tuple[float, FloatArray]:
        """Return f and its gradient, given sum_i w_i A(eta_i) and, to be overwritten, its gradient, shape (m, q)."""
        gradient /= self.moments.total_weight
        gradient -= self.linear
        penalty, slopes = self.penalty.value_and_gradient(parameters)
        gradient += slopes
        return self._loss(log_normalizer, parameters) + penalty, gradient

    def assembled_value(self, log_normalizer: float, parameters: FloatArray) -> float:
        """Return f, given sum_i w_i A(eta_i) at these parameters."""
        return self._loss(log_normalizer, parameters) + self.penalty.value(parameters)

    def _loss(self, log_normalizer: float, parameters: FloatArray) -> float:
        linear = float(np.vdot(self.linear, parameters)) + self.moments.offset_term
        return log_normalizer / self.moments.total_weight - linear


def _penalises(penalty: Penalty, rows: Rows) -> bool:
    return bool(penalty.curvature[: rows.n_features].all())
