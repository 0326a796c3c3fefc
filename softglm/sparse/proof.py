"""The proof where a fit has arrived, from the means at hand: products of the working columns, and no pass."""

import math
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.families import Bernoulli, Categorical
from softglm.model import Prepared, SparsePenalty
from softglm.model.proof.conjugate import LEAST, Balance, Setting, Tilted, gap_by, overcome
from softglm.model.proof.rounding import UNIT, gradient_rounding, value_rounding
from softglm.model.proof.streamed import most_deviations
from softglm.sparse.columns import WorkingColumns
from softglm.sparse.matrix import FullColumns
from softglm.sparse.restricted import Restricted
from softglm.sparse.slopes import pull_of_sizes
from softglm.sparse.terms import Terms
from softglm.sums import Divergences, ScaledColumns, Targets, relative, seen_in

Indices = npt.NDArray[np.intp]

# How far s may be from 1.
MOST = 0.999
# Means that are computed again, from other products, differ by so many times what these differ by.
_AGAIN = 8.0
# What columns and sums are larger by, at the most, where they are rounded.
_SLACK = 1.01
# How far the intercepts may be from their optimum, in shares of the classes, for anything to be proved.
_BALANCED = 1e-2


@final
class Others(NamedTuple):
    """The features that are not held, among all.

    Attributes
    ----------
    pulls : array of shape (p,)
        How they pull at the most, at the means of the step.
    further : array of shape (p,)
        By how much more, where eta moves by 2, a root mean square, in one class.
    """

    pulls: FloatArray
    further: FloatArray


@final
class Arrived(NamedTuple):
    """Where a fit has arrived.

    Attributes
    ----------
    working : Restricted
    others : Others or None
        Where there are some.
    parameters : array of shape (m, q)
        In the units of the rows.
    step : array of shape (k, q) or None
        Where Newton's method would go from there.
    """

    working: Restricted
    others: Others | None
    parameters: FloatArray
    step: FloatArray | None


@final
class Proofs:
    """What all proofs of a path have in common.

    Parameters
    ----------
    prepared : Prepared
    held : WorkingColumns

    Attributes
    ----------
    off, off_constants : arrays of shape (p, q) and (n_constants, q)
        What slopes of any means, and gradients of the intercepts, are off by.
    spreads : array of shape (p,)
        The most that the features vary by, in the units of the working columns.
    seen : array of shape (n,) or (K, n)
        What was observed of rows of any weight, as `seen_in` returns it.
    counts : bool array of shape (n,) or slice
        Which rows have any weight.
    """

    def __init__(self, prepared: Prepared, held: WorkingColumns) -> None:
        self._likelihood, self._family, self._held = prepared.likelihood, prepared.family, held
        if not self.apply:
            return
        rows, (m, q) = self._likelihood.rows, self._likelihood.shape
        p, n_parameters = len(held.units), max(q, 2)
        gradient = np.full((m, q), _BALANCED)
        # Sums over the working columns are of all rows in a row.
        longer = max(1.0, rows.n_rows / max(rows.longest_sum, 1))
        off = longer * gradient_rounding(self._likelihood, np.zeros((m, q)), gradient, of_any_means=True)
        spreads = most_deviations(self._likelihood) * held.units
        constant = np.flatnonzero(~held.varies & (self._likelihood.moments.size > 0.0))
        spreads[~held.varies] = 0.0
        if len(constant):
            center, ones = self._likelihood.moments.center[constant], np.ones(len(constant))
            (columns,) = rows.concatenate(ScaledColumns(constant, center, ones))
            spreads[constant] = np.sqrt(np.square(columns) @ held.weights)
        # Of columns that count as constant nothing was summed.
        self.off = np.where(held.varies[:, np.newaxis], off[:p] * held.units[:, np.newaxis], spreads[:, np.newaxis])
        self.off_constants, self.spreads = off[p:], spreads
        # The largest entries of the columns that are held, as they come.
        self._largest = np.empty(0)
        self._off_sizes = np.linalg.norm(self.off, axis=1)
        self._doubtful = constant[spreads[constant] > 0.0]
        (targets,) = rows.concatenate(Targets())
        self.counts = held.weights > 0.0 if (held.weights == 0.0).any() else slice(None)
        self.seen = seen_in(targets, n_parameters)[..., self.counts]

    @property
    def apply(self) -> bool:
        """Whether there is a proof for the family."""
        return isinstance(self._family, Bernoulli | Categorical)

    def gap(self, penalty: SparsePenalty, terms: Terms, arrived: Arrived) -> float:
        """Return a bound on F - F*; inf where nothing is proved.

        Parameters
        ----------
        penalty : SparsePenalty
            On all features, in the units of the working columns.
        terms : Terms
            The same on those that are held.
        arrived : Arrived
        """
        working, others, parameters, step = arrived
        here, n = working.slopes(), terms.n_constants
        if not self.apply or np.abs(here[:n]).max(initial=0.0) > _BALANCED or self._doubts(penalty, parameters):
            return float("inf")
        moved, features = value_rounding(self._likelihood, parameters), self._held.features
        noise = self._likelihood.rows.noise
        if noise is not None:
            moved += float(noise @ np.abs(parameters[: len(noise)]).max(axis=1))
        free = np.flatnonzero(terms.is_free)
        setting = Setting(
            penalty=terms.penalty,
            features=slice(n, None),
            free=free,
            coef=working.coef[n:],
            identifiable=self._family.identifiable_directions,
            deviations=np.concatenate([np.ones(n), self.spreads[features]]),
            reach=self.reach(working.here.mean, n),
            noise=np.zeros(len(free)),
            off=np.concatenate([self.off_constants, self.off[features]]),
            moved=moved,
        )
        tilts = _Tilts(working, self._held, free, step)
        information = working.likelihood.information(working.here.mean, tilts.free_columns.array)
        balance = Balance(tilts.step, tilts.gradient, information)

        def tilting(step: FloatArray, _: float, margin: FloatArray) -> Tilted:
            return self._tilted(tilts, step, margin)

        if others is None:
            return gap_by(setting, balance, tilting)
        if step is not None:
            moved += value_rounding(self._likelihood, self._held.parameters(step))
        are_others, half = ~self._held.is_held, math.sqrt(working.coef.shape[1]) / 2.0
        pull = (others.pulls + pull_of_sizes(penalty, self._off_sizes))[are_others]
        further = half * others.further[are_others]
        return gap_by(setting, balance, tilting, lambda length: overcome(pull + (length + _AGAIN * moved) * further))

    def reach(self, mean: FloatArray, n_constants: int) -> FloatArray:
        """Return what a change of length 1 of what is not penalised moves slopes by, shape (p, q), by what is held.

        Where all means are near 0 or 1, as under weights of very different sizes, that is little.
        """
        held, features, known = self._held, self._held.features, len(self._largest)
        if known < len(features):
            new = held.matrix.of(slice(n_constants + known, None))
            self._largest = np.concatenate([self._largest, new.sizes()])
        deviations = np.sqrt((mean * (1.0 - mean)) @ held.weights + UNIT)
        by_size = np.where(held.varies[features], _SLACK * self._largest, np.inf)
        return np.minimum(np.multiply.outer(by_size, deviations), self.spreads[features, np.newaxis] / 2.0)

    def _doubts(self, penalty: SparsePenalty, parameters: FloatArray) -> bool:
        """Tell whether something depends on columns that count as constant, and are not quite."""
        doubtful = self._doubtful
        return len(doubtful) > 0 and bool(parameters[doubtful].any() or penalty.is_free[doubtful].any())

    def _tilted(self, tilts: "_Tilts", step: FloatArray, margin: FloatArray) -> Tilted:
        v, gradient = tilts.at(step)
        counts = self.counts
        least = v.min(axis=0) - margin[tilts.free] @ np.abs(tilts.free_columns.array)
        apart = Divergences.of(tilts.probabilities[:, counts], v[:, counts], self.seen, self._held.weights[counts])
        return Tilted(gradient, apart.at, MOST, are_means=bool((least[counts] >= LEAST - 1.0).all()))


@final
class _Tilts:
    """The means mu (1 + v) of a step, and of others that differ from it in what is not penalised.

    Parameters
    ----------
    working : Restricted
        Where mu is.
    held : WorkingColumns
    free : int array of shape (r,)
        The rows that are not penalised.
    step : array of shape (m, q) or None

    Attributes
    ----------
    free : int array of shape (r,)
    free_columns : FullColumns
        Their columns.
    probabilities : array of shape (K, n)
        mu.
    step : array of shape (m, q)
    gradient : array of shape (m, q)
        Of the free rows beyond the step, of the others before it.
    """

    def __init__(self, working: Restricted, held: WorkingColumns, free: Indices, step: FloatArray | None) -> None:
        self._likelihood, self.free = working.likelihood, free
        self.free_columns = FullColumns(held.matrix.of(free).full())
        self.probabilities, self.gradient = working.likelihood.probabilities(working.here), working.slopes()
        self._u = np.zeros_like(self.probabilities)
        self.step = np.zeros_like(self.gradient)
        if step is not None:
            self._u[-step.shape[1] :] = held.matrix.times(step)
            self.step, self.gradient = step, self.gradient.copy()
            mean = self._tilted(relative(self.probabilities, self._u.copy()))
            self.gradient[free] = self._likelihood.gradient_in(self.free_columns, mean, free)

    def at(self, step: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return v, shape (K, n), and the gradient there, (m, q)."""
        u = self._u.copy()
        u[-step.shape[1] :] += self.free_columns.times((step - self.step)[self.free])
        v = relative(self.probabilities, u)
        return v, self._likelihood.gradient(self._tilted(v))

    def _tilted(self, v: FloatArray) -> FloatArray:
        """Return the means of the q natural parameters, shape (q, n)."""
        return (self.probabilities * (1.0 + v))[-self.gradient.shape[1] :]
