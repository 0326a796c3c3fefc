"""Cross-validation by single rows: what each strength of a ridge says of every row that it was not fitted to."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.fitted import rows_present
from softglm.inference.classes import log_probabilities
from softglm.leave_one_out import LeftOut, OneStep, one_step, takes_too_many, why_not
from softglm.model import Penalty, Prepared
from softglm.observations import Observations
from softglm.selection import Rule, Selection, select
from softglm.sweep import sweep

# What the mean score of a strength that may be chosen is known to, relative to it.
TOLERANCE = 1e-3
# A neighbour that may yet be the better one has no more than this much more of the log loss: one step is off by less.
_CLOSE = 0.05
# It is told from the best by bounds of one in so many parts of what is between them.
_PARTS = 3.0
# What fits with all rows are made to: how far they are from their optima counts in the bounds.
_NEAR = 1e-6
_FOLDS = "Use folds: cv=10."


@final
@dataclass(frozen=True, eq=False)
class SingleRows:
    """The scores of rows in the fits without them.

    Attributes
    ----------
    scores : array of shape (n, n_strengths)
        The log-likelihood of each row, per trial.
    bound : array of shape (n_strengths,)
        What the mean score of each strength may be off by, at most, in nats; inf where nothing is proved.
    is_open : bool array of shape (n_strengths,)
        Which could not be made as exact as they have to be to be chosen.
    selection : Selection
        Of those that could.
    n_nonzero : array of shape (n_strengths,)
    """

    scores: FloatArray
    bound: FloatArray
    is_open: BoolArray
    selection: Selection
    n_nonzero: FloatArray


def check_single_rows(seen: Observations, prepared: Prepared) -> None:
    """Raise where rows cannot be left out one by one, or the loss without one of them is infinite."""
    reason = why_not(prepared)
    if reason is not None:
        raise ValueError(f'cv="loo" takes the Hessian of a fit, and {reason}. {_FOLDS}')
    if seen.factors is not None and seen.response.codes is None:
        raise ValueError(
            'cv="loo" has no class_weight for a y of probabilities or counts: they change what is observed. '
            "Fold them into y, or use folds: cv=10."
        )
    alone = _known_from_one_row(seen)
    if len(alone):
        raise ValueError(
            f"The classes {alone[:10].tolist()} are observed in a single row: without it their probability is 0, "
            'and the log loss of cv="loo" infinite, whatever the strength. Leave out these rows, or merge their '
            "classes with others."
        )


def _known_from_one_row(seen: Observations) -> FloatArray:
    """Return the classes that are observed, with weight, in one row only."""
    K, weights = len(seen.response.classes), seen.weights
    rows = np.zeros(K, dtype=np.int64)
    for k in range(K):
        observed = seen.response.observed_at(k)
        rows[k] = np.count_nonzero(observed if weights is None else observed * weights)
    return np.asarray(seen.response.classes[rows == 1])


def score_single_rows(
    seen: Observations, prepared: Prepared, penalties: list[Penalty], rule: Rule, *, max_iter: int
) -> SingleRows:
    """Score each row in the fits without it, and choose among the strengths.

    Every strength takes one Newton step for each row. What would be chosen is made as exact as `TOLERANCE` asks, and
    neighbours that are nearly as good until they are told from it, if that takes no more than some of the rows;
    otherwise they are left out of the choice.

    Parameters
    ----------
    seen : Observations
    prepared : Prepared
        Of them.
    penalties : list of Penalty
        From the strongest on.
    rule : {"min", "1se"}
    max_iter : int
    """
    sizes = seen.sizes
    shares = sizes / sizes.sum()
    fits = list(sweep(prepared, penalties, tol=_NEAR, max_iter=max_iter))
    n_strengths = len(fits)
    scores, bounds = np.zeros((len(sizes), n_strengths)), np.zeros((len(sizes), n_strengths))
    counts = shares > 0.0
    # The tolerance to which a strength was made; and which could not be made as exact as they have to be.
    made, is_open = np.full(n_strengths, np.inf), np.zeros(n_strengths, dtype=bool)

    def stepped(place: int) -> OneStep:
        return one_step(prepared, penalties[place], fits[place], shares)

    def enter(place: int, left: LeftOut, tolerance: float) -> None:
        scores[:, place] = _log_likelihoods(seen, left.eta)
        bounds[counts, place] = left.bound[counts] * shares[counts]
        made[place] = tolerance

    def loss(place: int) -> float:
        return -float(shares @ scores[:, place])

    # Hessians are large: those of the best and its neighbours are kept, which may have to be made more exact.
    kept: dict[int, OneStep] = {}
    for place in range(n_strengths):
        kept[place] = stepped(place)
        enter(place, kept[place].refined(np.inf), np.inf)
        best = min(range(place + 1), key=loss)
        kept = {other: step for other, step in kept.items() if abs(other - best) <= 1 or other == place}
    while not is_open.all():
        selection = select(scores[:, np.newaxis], sizes, rule, ~is_open[np.newaxis])
        aims = _aims(selection, bounds.sum(axis=0), np.where(is_open, 0.0, made))
        if not aims:
            break
        for place, tolerance in aims.items():
            is_open[place] = takes_too_many(bounds[:, place], tolerance * loss(place))
            if not is_open[place]:
                enter(place, (kept.get(place) or stepped(place)).refined(tolerance), tolerance)
                is_open[place] = not bounds[:, place].sum() <= tolerance * loss(place)
    else:
        raise ValueError(
            f'cv="loo" cannot tell what the fits without single rows are to {TOLERANCE:g} of their loss, at no '
            f"strength: too many rows decide too much. {_FOLDS} Or try stronger penalties."
        )
    n_nonzero = np.array([np.count_nonzero(result.coef.any(axis=1)) for result in fits], dtype=np.float64)
    return SingleRows(scores, bounds.sum(axis=0), is_open, selection, n_nonzero)


def _aims(selection: Selection, bound: FloatArray, made: FloatArray) -> dict[int, float]:
    """Return how exact strengths, by their places, still have to be made.

    What is best and what is chosen to `TOLERANCE`. Neighbours of the best that are nearly as good have only to be told
    from it, to a third of what is between them; to `TOLERANCE` where that was not enough.
    """
    mean, best, chosen = selection.mean[0], selection.best[1], selection.chosen[1]
    aims = {place: TOLERANCE for place in (best, chosen) if made[place] > TOLERANCE}
    for place in (best - 1, best + 1):
        if not 0 <= place < len(mean) or place == chosen or not mean[place] >= (1.0 + _CLOSE) * mean[best]:
            continue
        between = mean[best] - mean[place]
        if made[place] > TOLERANCE and not bound[place] + bound[best] < between:
            is_first = np.isinf(made[place])
            aims[place] = max(TOLERANCE, between / (-_PARTS * mean[place])) if is_first else TOLERANCE
    return aims


def _log_likelihoods(seen: Observations, eta: FloatArray) -> FloatArray:
    """Return the log-likelihood of each row per trial, shape (n,), given eta of the classes that are present."""
    found = log_probabilities(eta).T
    whole = np.full((len(found), len(seen.present)), -np.inf)
    whole[:, rows_present(seen.present)] = found
    totals, trials = seen.response.log_likelihoods(whole), seen.response.trials
    per_trial = totals if trials is None else totals / np.where(trials > 0.0, trials, 1.0)
    # Rows that do not count may well be impossible.
    return np.where(seen.sizes > 0.0, per_trial, 0.0)
