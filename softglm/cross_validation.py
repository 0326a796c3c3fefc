"""Cross-validation of the strengths of a penalty, by folds or by single rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import check_cv
from sklearn.utils.parallel import Parallel, delayed

from softglm.arrays import FloatArray
from softglm.estimator import SoftmaxGLM
from softglm.folds import Fold, Grid, Scorer, Task, classes_without_rows, print_folds
from softglm.model import Penalty, PenaltyForm, Prepared
from softglm.observations import Observations
from softglm.penalised import in_units_of, penalty_at, penalty_form
from softglm.selection import Rule, Selection, select
from softglm.single_rows import check_single_rows, score_single_rows
from softglm.warn import warn_user

Split: TypeAlias = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
"""The training rows of a fold, and those that are scored."""


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """What is fitted: all rows, and the models to choose among but for their strengths."""

    seen: Observations
    prepared: Prepared
    total_weight: float
    models: Sequence[SoftmaxGLM]
    scorer: Scorer | None

    def form(self, model: SoftmaxGLM) -> PenaltyForm:
        """Return the form of the penalty of a model."""
        return in_units_of(penalty_form(model, self.seen), self.prepared, standardize=model.standardize)


@final
@dataclass(frozen=True, eq=False)
class Found:
    """What cross-validation has found, strengths from the strongest on.

    Attributes
    ----------
    scores : array of shape (n_folds, n_l1_ratios, n_strengths)
    selection : Selection
    n_nonzero : array of shape (n_l1_ratios, n_strengths)
        Features of which some coefficient is not 0, the mean of the folds.
    more : dict
        Attributes that only one of the ways has, of the shape of `scores` or `n_nonzero` and more.
    """

    scores: FloatArray
    selection: Selection
    n_nonzero: FloatArray
    more: dict[str, FloatArray]

    def in_order(self, order: npt.NDArray[np.intp]) -> dict[str, FloatArray]:
        """Return attributes, the strengths in another order."""
        by_strength = {
            "mean_score_": self.selection.mean,
            "standard_error_": self.selection.error,
            "n_nonzero_": self.n_nonzero,
        }
        scores = {"scores_": self.scores[:, :, order]}
        # Of folds, or of the strengths alone.
        more = {name: part[:, :, order] if part.ndim > 2 else part[:, order] for name, part in self.more.items()}
        return {**scores, **{name: part[:, order] for name, part in by_strength.items()}, **more}


def by_folds(
    problem: Problem, grid: Grid, cv: Any, rule: Rule, *, tol: float, n_jobs: int | None, verbose: int
) -> Found:
    """Fit and score the folds, as `SoftmaxGLMCV` describes them."""
    seen = problem.seen
    splits = _splits(seen, cv)
    if problem.scorer is None:
        _check_classes(seen, splits)
    task = Task(problem.models, grid, tol, problem.scorer)
    run = delayed(task.run)
    folds: list[Fold] = Parallel(n_jobs=n_jobs)(run(seen, train, test) for train, test in splits)
    scores = np.array([fold.scores for fold in folds])
    if verbose:
        print_folds(folds, task, is_detailed=verbose > 1)
    selection = select(scores, np.array([fold.weight for fold in folds]), rule)
    if not np.isfinite(selection.mean[selection.best]):
        raise ValueError(
            f"The best mean score is {selection.mean[selection.best]}, and nothing can be chosen by such scores. "
            "Choose another scoring, or other folds."
        )
    n_nonzero = np.mean([fold.n_nonzero for fold in folds], axis=0)
    return Found(scores, selection, n_nonzero, {"coefs_paths_": np.array([fold.coefs for fold in folds])})


def by_single_rows(problem: Problem, alphas: FloatArray, rule: Rule) -> Found:
    """Leave out each row in turn."""
    (model, *others) = problem.models
    form = problem.form(model)
    penalties = [penalty_at(form, float(alpha), fit_intercept=model.fit_intercept) for alpha in alphas]
    ridges = [penalty for penalty in penalties if isinstance(penalty, Penalty)]
    if others or len(ridges) < len(penalties):
        raise ValueError(
            'cv="loo" is for ridges, l1_ratios=(0.0,) without bounds: what leaves 0 with a row is not known from '
            "the fit with it. Use folds: cv=10."
        )
    check_single_rows(problem.seen, problem.prepared)
    found = score_single_rows(problem.seen, problem.prepared, ridges, rule, max_iter=int(model.max_iter))
    if found.is_open.any():
        listed = ", ".join(f"{alpha:.4g}" for alpha in alphas[found.is_open][:10])
        warn_user(
            f'cv="loo" chose among other strengths than alpha = {listed}: too many rows decide too much there for '
            "the fits without them to be known from the fit with all. Use folds, cv=10, to choose among them too.",
            UserWarning,
        )
    more = {"score_bound_": found.bound[np.newaxis]}
    return Found(found.scores[:, np.newaxis], found.selection, found.n_nonzero[np.newaxis], more)


def _splits(seen: Observations, cv: Any) -> list[Split]:
    """Return the training rows and the others of each fold."""
    has_labels = seen.response.codes is not None
    labels = seen.response.values if has_labels else None
    splitter = check_cv(cv, labels, classifier=has_labels)
    splits = [(np.asarray(train), np.asarray(test)) for train, test in splitter.split(seen.X, labels)]
    everything = np.arange(seen.X.shape[0])
    # As masks they are allowed, too.
    return [(everything[train], everything[test]) for train, test in splits]


def _check_classes(seen: Observations, splits: list[Split]) -> None:
    """Raise if rows of some class are scored where none was fitted: no strength would be better than another."""
    for place, (train, test) in enumerate(splits):
        missing = classes_without_rows(seen, train, test)
        if len(missing):
            raise ValueError(
                f"Fold {place} scores rows of the classes {missing[:10].tolist()}, and none was among the rows it is "
                "fitted to: their probability is 0 there, and the log loss infinite, whatever the strength. Use "
                "stratified folds, or fewer; or merge rare classes."
            )
