"""What a fit needs before its penalty is known: moments, the null model, samples, and the rows where they are few."""

from typing import NamedTuple, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import CountedRows, PassCount, Rows, Sampling, Seen, survey
from softglm.families import UnconstrainedFamily
from softglm.model.collinearity import Collinearity, collinearity_of
from softglm.model.coordinates import is_decomposed, second_moments
from softglm.model.deviations import standard_deviations
from softglm.model.intercept import Null, null_model
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.objective import Objective
from softglm.model.passes import CachedPasses, HeldColumns, Passes, StreamedPasses, are_few
from softglm.model.penalties import Penalty, Ridge
from softglm.model.pilot import pilot_size, row_scores
from softglm.model.precision import in_single_precision
from softglm.model.rebasing import Basis, places_of, read_from
from softglm.model.row_space import RowSpace, row_space
from softglm.model.sample import draw_of, is_dear
from softglm.once import cached_property
from softglm.sums import CrossMoments
from softglm.sums.moments import without_noise
from softglm.tuning import DEFAULT, Tuning

# Units in the last place by which scales may differ that are the same.
_ROUNDINGS = 8.0


class Source(NamedTuple):
    """Rows before anything was done to them, and what their columns were multiplied by since, shape (p,), or None."""

    rows: Rows
    units: FloatArray | None


@final
class Prepared:
    """Rows and a family, with all that fits under different penalties share, each made when it is first asked for.

    Parameters
    ----------
    rows : Rows
    family : UnconstrainedFamily
    fit_intercept : bool
    tuning : Tuning, optional
    count : PassCount or None, default=None
        Where passes over the rows are counted already; None to count them from here.
    likelihood : Objective or None, default=None
        That of these rows, if it is at hand.
    source : Source or None, default=None
        Where its rows come from, if they are others in another form.
    """

    def __init__(
        self,
        rows: Rows,
        family: UnconstrainedFamily,
        *,
        fit_intercept: bool,
        tuning: Tuning = DEFAULT,
        count: PassCount | None = None,
        likelihood: Objective | None = None,
        source: "Source | None" = None,
    ) -> None:
        self.count = count or PassCount()
        self.rows = rows if count else CountedRows(rows, self.count)
        self.family, self.fit_intercept, self.tuning = family, fit_intercept, tuning
        self._given, self._source = likelihood, source or Source(self.rows, None)
        self._null_moments: dict[bool, FloatArray] = {}
        self._pilot_moments: dict[bool, FloatArray] = {}
        self._sampling: Sampling | None = None
        self._pilot: Rows | None = None
        self._has_chosen = False
        self._in_doubt: FloatArray | None = None
        self._seen: Seen | None = None
        self._reduced: dict[bool, tuple[FloatArray | None, tuple[Prepared, RowSpace] | None]] = {}

    def of(self, likelihood: Objective, basis: Basis | None = None) -> "Prepared":
        """Return the same for a likelihood of these rows in another form; passes are counted here.

        Parameters
        ----------
        likelihood : Objective
        basis : Basis or None, default=None
            In which its rows are read, each column by itself; None where they are combinations of columns.
        """
        return Prepared(
            likelihood.rows,
            self.family,
            fit_intercept=self.fit_intercept,
            tuning=self.tuning,
            count=self.count,
            likelihood=likelihood,
            source=None if basis is None else Source(self._source.rows, basis.units),
        )

    @cached_property
    def likelihood(self) -> Objective:
        """The objective without its penalty, on rows as they are to be read."""
        nothing = Ridge.on_coefficients(0.0, self.rows.n_features, fit_intercept=self.fit_intercept)
        if self._given is not None:
            return self._given.with_penalty(nothing)
        if is_dear(self.rows):  # what a few passes are to tell, the first tells already
            draw = draw_of(self.rows, self.family, self.tuning)
            self._seen = survey(self.rows, draw, sums=CrossMoments(self.family.n_parameters))
        given = Objective(
            self.rows,
            self.family,
            nothing,
            fit_intercept=self.fit_intercept,
            tuning=self.tuning,
            summed=self._seen and self._seen.sums,
        )
        places = places_of(given)
        self._in_doubt = places.in_doubt
        return given if places.origin is None else read_from(given, places.origin)

    @cached_property
    def drawn(self) -> Seen:
        """Rows that stand for all of them, as the likelihood reads these."""
        rows = self.likelihood.rows
        if self._seen is not None and rows is self.rows:
            return self._seen
        return survey(rows, draw_of(rows, self.family, self.tuning))  # in another form, or for the first time

    @property
    def is_wide(self) -> bool:
        """Whether there are fewer rows than features, and few enough to reduce the problem to their space."""
        rows = self.rows
        return rows.n_rows < rows.n_features and rows.n_rows <= self.tuning.reduced_rows and not rows.is_sparse

    def as_read(self, coef: FloatArray, intercept: FloatArray) -> FloatArray:
        """Return the parameters of the rows as they are read, shape (m, q), for those of the rows as they are given."""
        basis = self.basis
        return self.likelihood.centred(*((coef, intercept) if basis is None else basis.down(coef, intercept)))

    def lost_of_constants(self, penalty: Penalty) -> float:
        """Return what columns could explain, at most, that count as constant and vary in their last digits."""
        _ = self.likelihood  # which has looked
        if self._in_doubt is None:
            return 0.0
        doubtful = np.flatnonzero(self._in_doubt)
        strength, most = penalty.curvature[doubtful], self.family.largest_mean
        with np.errstate(divide="ignore"):
            return float((self.family.n_parameters * (most * self._in_doubt[doubtful]) ** 2 / (2.0 * strength)).sum())

    @property
    def basis(self) -> Basis | None:
        """The way from the parameters of `likelihood` to those of the rows as they are given; None where it is none."""
        origin = None if self._given else self.likelihood.rows.origin
        return None if origin is None else Basis(origin, np.ones_like(origin))

    @cached_property
    def null(self) -> Null:
        """The model without features, which has no penalty."""
        return null_model(self.likelihood)

    @cached_property
    def standard_deviations(self) -> FloatArray:
        """Those of the columns, shape (p,); 1 of those that are constant."""
        return standard_deviations(self.likelihood)

    @cached_property
    def held(self) -> HeldColumns | None:
        """The rows, where they are few."""
        return HeldColumns(self.likelihood, self.count) if are_few(self.likelihood) else None

    @cached_property
    def collinearity(self) -> Collinearity:
        """Which combinations of the columns vary, as far as it matters where nothing is penalised."""
        is_apart = self._given is not None and self._source.units is None
        if is_apart or not is_decomposed(self.likelihood):
            return Collinearity(None, is_told=True)
        moments = self.null_moments(is_full=True) / self.likelihood.moments.total_weight
        return collinearity_of(self.likelihood, moments, *self._source)

    @cached_property
    def rounded(self) -> Objective | None:
        """The likelihood in single precision, to begin with, where that pays."""
        return None if self.held else in_single_precision(self.likelihood)

    def passes(self, penalty: Penalty) -> Passes:
        """Return the passes of the objective with this penalty."""
        objective = self.likelihood.with_penalty(penalty)
        return CachedPasses(objective, self.held) if self.held else StreamedPasses(objective)

    def rounded_passes(self, penalty: Penalty) -> Passes | None:
        """Return those in single precision."""
        return None if self.rounded is None else StreamedPasses(self.rounded.with_penalty(penalty))

    @property
    def working(self) -> Objective:
        """The likelihood in the precision in which a fit begins."""
        return self.rounded or self.likelihood

    @property
    def sampling(self) -> Sampling | None:
        """The chances of rows to be drawn: equal, until `choose_chances` has seen what is unusual."""
        if self._sampling is None:
            self._sampling = self.working.rows.sampling()
        return self._sampling

    @property
    def pilot(self) -> Rows:
        """A sample that tells second moments; or all of the rows."""
        if self._pilot is None:
            self._pilot = self.working.rows.sample(pilot_size(self.working), self.sampling)
        return self._pilot

    def pilot_moments(self, *, is_full: bool) -> FloatArray:
        """Return the mean of z z' in the pilot sample, shape (m, m), or its diagonal."""
        if is_full not in self._pilot_moments:
            moments, total = self.pilot.sum(second_moments(self.working, is_full=is_full))
            self._pilot_moments[is_full] = moments / total
        return self._pilot_moments[is_full]

    def choose_chances(self, coordinates: KroneckerCoordinates) -> bool:
        """Give unusual rows better chances, the first time; tell whether there are any, and the pilot has changed.

        Parameters
        ----------
        coordinates : KroneckerCoordinates
            About those of the null model.
        """
        if self._has_chosen:
            return False
        self._has_chosen = True
        scores = row_scores(self.working, self.null.information, coordinates, self.pilot)
        if scores is None:
            return False
        self._sampling, self._pilot = self.working.rows.sampling(scores), None
        self._pilot_moments.clear()
        return True

    def null_moments(self, *, is_full: bool) -> FloatArray:
        """Return the sum of w z z' over all rows, shape (m, m), or only its diagonal unless they are held.

        Nobody may change it.
        """
        if self.held:
            moments, center = self.held.second_moments, self.likelihood.moments.center
            return without_noise(moments.copy(), center, self.likelihood.moments.total_weight)
        if is_full not in self._null_moments:
            self._null_moments[is_full], _ = self.rows.sum(second_moments(self.likelihood, is_full=is_full))
        return self._null_moments[is_full]

    def reduced(self, *, penalised: bool, scale: FloatArray | None = None) -> "tuple[Prepared, RowSpace] | None":
        """Return the same in the space that the rows span, with the way back; None if that would lose digits.

        Parameters
        ----------
        penalised : bool
        scale : array of shape (p,) or None, default=None
            By which columns are divided first, where something is penalised; None for ones. That of the last call is
            taken for another that differs from it by rounding.
        """
        if penalised in self._reduced:
            last, reduced = self._reduced[penalised]
            if _are_same(last, scale):
                return reduced
        self._reduced[penalised] = scale, self._reduce(penalised=penalised, scale=scale)
        return self._reduced[penalised][1]

    def _reduce(self, *, penalised: bool, scale: FloatArray | None) -> "tuple[Prepared, RowSpace] | None":
        found = row_space(self.rows, centred=self.fit_intercept, penalised=penalised, scale=scale, tuning=self.tuning)
        if found is None:
            return None
        rows, space = found
        counted = CountedRows(rows, self.count)
        prepared = Prepared(
            counted, self.family, fit_intercept=self.fit_intercept, tuning=self.tuning, count=self.count
        )
        return prepared, space


def _are_same(one: FloatArray | None, other: FloatArray | None) -> bool:
    """Tell whether scales are the same, but for the rounding of the products that they are made of."""
    if one is None or other is None:
        return one is other
    return bool((np.abs(one - other) <= _ROUNDINGS * np.finfo(np.float64).eps * one).all())
