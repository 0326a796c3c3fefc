r"""What the observations ask of theta: contrasts a with a' theta >= 0.

With the directions D_d of the family, an observation t at x opposes theta where <D_d, theta' x> < 0 although t could
have been lower along D_d, or > 0 although it could have been higher. For labels: eta_y >= eta_l for every class l.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt
from scipy import linalg

from softglm.arrays import BoolArray, FloatArray
from softglm.model.coordinates import second_moments
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.objective import Objective
from softglm.once import cached_property
from softglm.sums import (
    ClassesBelow,
    ContrastForms,
    Features,
    Found,
    LargestLeverage,
    LargestSizes,
    LowestMargins,
    pivoted_directions,
)

# How many units in the last place a sum of products may lose.
_LOST = 64 * np.finfo(np.float64).eps
# So many units in the last place of the data count as its last digit.
_LAST_DIGITS = 8
# What a form is off by, times this, is what it may seem to see of a span that was found to be orthogonal to it.
UNSEEN = 8.0


class Rounding(NamedTuple):
    """What contrasts of length 1 may be off by: for the arithmetic alone, and for the last digit of the data as well.

    The latter is more where columns are far from 0 for their spread: their differences are exact, but not what they
    are differences of. Contrasts that are closer to 0 than `arithmetic` are taken to be 0, as where rows tie; between
    the two, nothing is told.
    """

    arithmetic: float
    data: float


@final
@dataclass(frozen=True)
class _Lowest:
    """So many of the lowest contrasts of several blocks, each once."""

    count: int

    def __call__(self, blocks: Iterable[tuple[npt.NDArray[Any], ...]]) -> Found:
        found: Found | None = None
        for block in blocks:
            parts = [Found(*block)] if found is None else [found, Found(*block)]
            found = Found.lowest(parts, self.count, each_once=True)
        assert found is not None  # noqa: S101 - there are rows
        return found


@final
class Contrasts:
    """The contrasts a, of length 1, as linear forms of gamma, shape (P,): theta = F gamma in whitened features.

    gamma has shape (r, s), flattened. Where a constant added to every class changes nothing, the first class is the
    pivot and s = q - 1. Rows without weight impose nothing.

    Parameters
    ----------
    objective : Objective
    coordinates : KroneckerCoordinates
        Whitened, so that contrasts are well scaled and of full rank.
    """

    def __init__(self, objective: Objective, coordinates: KroneckerCoordinates) -> None:
        self._objective, self.coordinates = objective, coordinates
        self.shape: tuple[int, int] = coordinates.scales.shape

    @property
    def n_parameters(self) -> int:
        """P."""
        r, s = self.shape
        return r * s

    @cached_property
    def rounding(self) -> Rounding:
        """What contrasts may be off by."""
        loadings, center = self.coordinates.features, self._objective.moments.center
        arithmetic = _LOST * float((np.abs(loadings).T @ self.coordinates.spreads).max(initial=1.0))
        if self._objective.rows.origin is not None:
            center = np.abs(center) + np.abs(self._objective.rows.origin)
        digits = np.finfo(np.float64).eps * np.abs(center)
        if self._objective.rows.noise is not None:
            digits = digits + self._objective.rows.noise
        at_center = np.abs(loadings[: len(center)]).T @ digits
        return Rounding(arithmetic, arithmetic + float(at_center.max(initial=0.0)))

    @cached_property
    def are_complete(self) -> bool:
        """Whether nothing but rounding, and the last digit of the data, is seen in what the coordinates leave out.

        They leave out what second moments do not tell from rounding: columns that are collinear to half their digits.
        """
        objective, rows, center = self._objective, self._objective.rows, self._objective.moments.center
        squares, _ = rows.sum(second_moments(objective, is_full=False))
        units, varies = np.sqrt(squares / objective.moments.total_weight), squares > 0.0
        rank, p = self.shape[0], len(center)
        if np.count_nonzero(varies) <= rank:
            return True
        # In these units the coordinates span what rows do, and what they leave out is orthogonal to that.
        unit = units[varies, np.newaxis] * self.coordinates.features[varies]
        hidden = np.zeros((len(units), len(unit) - rank))
        hidden[varies] = linalg.qr(unit)[0][:, rank:] / units[varies, np.newaxis]
        seen = rows.max(LargestLeverage(center, hidden[:p], hidden[p:].sum(axis=0)))[0]
        sizes = rows.max(LargestSizes())[0] + np.abs(center) + (0.0 if rows.origin is None else np.abs(rows.origin))
        far = np.divide(sizes, units[:p], out=np.zeros(p), where=varies[:p])
        digit = np.finfo(rows.dtype).eps if np.issubdtype(rows.dtype, np.floating) else np.finfo(np.float64).eps
        return bool(np.sqrt(seen[0]) <= _LAST_DIGITS * digit * linalg.norm(far))

    def pivoted(self, symmetric: FloatArray) -> FloatArray:
        """Return gamma, shape (r, s), of what has a column for each of the q natural parameters, shape (r, q)."""
        pivots = symmetric.shape[1] - self.shape[1]
        return np.asarray(symmetric[:, pivots:] - symmetric[:, :pivots].sum(axis=1, keepdims=True))

    def lowest(
        self, gamma: FloatArray, count: int, *, at_most: float = np.inf, seen_by: FloatArray | None = None
    ) -> FloatArray:
        """Return the contrasts with the lowest a' gamma.

        Parameters
        ----------
        gamma : array of shape (P,)
        count : int
            The most to return.
        at_most : float, default=inf
            The most that a' gamma may be.
        seen_by : array of shape (P, h), or None
            Leave out those orthogonal to all of these columns.

        Returns
        -------
        array of shape (count or fewer, P)
        """
        return self._forms(self._lowest(gamma, count, at_most, seen_by))

    def any_lower(self, gamma: FloatArray, at_most: float) -> bool:
        """Tell whether some a' gamma is no more than this."""
        return bool(len(self._lowest(gamma, 1, at_most, None).keys))

    def seen_by(self, span: FloatArray, most: int) -> FloatArray | None:
        """Return what the contrasts see of these columns, shape (P, h), those that see nothing left out.

        Returns
        -------
        array of shape (k, h), or None
            None if they are more than `most`.
        """
        # Along a direction of no meaning no two contrasts are equally low but for copies.
        generic = np.random.default_rng(0).standard_normal(self.n_parameters)
        found = self._lowest(generic, most + 1, np.inf, span)
        return self._forms(found, span) if len(found.keys) <= most else None

    def _lowest(self, gamma: FloatArray, count: int, at_most: float, seen_by: FloatArray | None) -> Found:
        """Find the contrasts with the lowest a' gamma, without forming them; see `lowest`."""
        statistic = LowestMargins(
            self._objective.family,
            self._features,
            gamma.reshape(self.shape),
            count,
            at_most,
            None if seen_by is None else self._by_class(seen_by),
            UNSEEN * self.rounding.data,
        )

        reduce = _Lowest(count)
        return reduce(self._objective.rows.gather(statistic, reduce))

    def _forms(self, found: Found, basis: FloatArray | None = None) -> FloatArray:
        """Return the contrasts that were found, shape (k, P), or what they see of the columns of a basis, (k, h)."""
        order = np.argsort(found.keys, kind="stable")
        statistic = ContrastForms(
            self._features,
            found.keys[order],
            self._directions(found.kinds[order]),
            None if basis is None else self._by_class(basis),
        )
        forms = np.empty((len(found.keys), self.n_parameters if basis is None else basis.shape[1]))
        if len(forms):
            for places, there in self._objective.rows.map(statistic):
                forms[order[places]] = there.T
        return forms

    def _directions(self, kinds: npt.NDArray[np.int64]) -> FloatArray:
        """Return the directions of contrasts of these kinds, shape (k,), as forms of a row of gamma: (k, s)."""
        (q, _), s = self._objective.family.identifiable_directions.shape, self.shape[1]
        directions, first = np.empty((len(kinds), s)), 0
        for _, those in self._objective.family.opposing(np.ones((q, 0))):
            chosen = (kinds >= first) & (kinds < first + len(those))
            directions[chosen] = pivoted_directions(those[kinds[chosen] - first], s)
            first += len(those)
        return directions

    def _by_class(self, columns: FloatArray) -> FloatArray:
        """Return columns of gamma, shape (P, h), by classes: (s, r, h)."""
        return np.ascontiguousarray(np.moveaxis(columns.reshape(*self.shape, -1), 1, 0))

    def alternatives(self, gamma: FloatArray, span: FloatArray) -> BoolArray:
        """Tell which classes the cone of directions that nothing opposes puts below what was observed, shape (n, K).

        Inside it those are all whose contrast with an observed class is not 0 on all of it. Nothing observed is one.

        Parameters
        ----------
        gamma : array of shape (P,)
            Inside the cone.
        span : array of shape (P, h)
            An orthonormal basis of its span.
        """
        everywhere = np.column_stack([gamma, span]).reshape(*self.shape, -1)
        below = ClassesBelow(self._features, everywhere, self._objective.shape[1], UNSEEN * self.rounding.data)
        return np.asarray(self._objective.rows.concatenate(below)[0].T)

    @property
    def _features(self) -> Features:
        return Features(self._objective.moments.center, self.coordinates.features)
