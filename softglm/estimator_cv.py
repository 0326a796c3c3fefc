"""SoftmaxGLMCV: the strength of the penalty is chosen by cross-validation, then the model is fitted to all rows."""

import math
from typing import Any, Self, final

import numpy as np
from sklearn.metrics import get_scorer

from softglm.arrays import FloatArray
from softglm.classifier import SoftmaxClassifier
from softglm.cross_validation import Problem, by_folds, by_single_rows
from softglm.data import one_blas_thread
from softglm.drawing import Drawing, drawn
from softglm.estimator import SoftmaxGLM
from softglm.fit import prepare, solve
from softglm.fitted import attributes_of
from softglm.folds import Grid, Scorer
from softglm.observations import observe
from softglm.penalised import penalty_at
from softglm.progress import say, verbosity
from softglm.scoring import neg_log_loss
from softglm.selection import Rule
from softglm.sources import check_is_in_memory
from softglm.strongest import default_strengths
from softglm.validation.entries import as_given
from softglm.validation.finite import as_float
from softglm.validation.parameters import MOST_ALPHA, check_count, check_ending, flag, number, ratio, strengths
from softglm.verdict import FitPrinter, sentence

# LogisticRegressionCV's grid, and glmnet's number of strengths.
_LEAST_C, _MOST_C, _N_CS, _N_ALPHAS = 1e-4, 1e4, 10, 100


@final
class SoftmaxGLMCV(SoftmaxClassifier):
    """`SoftmaxGLM` with the strength of its penalty chosen by cross-validation.

    In each fold fits run from the strongest penalty on, each begun where the last ones lead, and are scored on the rows
    that are left out. The best strength, or the strongest that is not clearly worse, is then fitted to all rows, to a
    proven optimum. With ``cv="loo"`` each row is left out by itself, for about the price of one to six fits at each
    strength, however many rows there are, and what that is off by is proved.

    Parameters
    ----------
    alphas : int or array-like of shape (n_alphas,), default=None
        The strengths to try, as `SoftmaxGLM` has them; an int for so many that fall geometrically as glmnet's do: from
        the smallest that leaves nothing in the model but what is not penalised (what that would be for
        ``l1_ratio=0.001`` where all of `l1_ratios` are less), to 1e-4 of it, or 1e-2 with fewer rows than columns.
    Cs : int or array-like of shape (n_alphas,), default=None
        LogisticRegressionCV's inverse strengths, alpha = 1 / (C W) with the weight W of each fit; an int for so many
        from 1e-4 to 1e4. Give `alphas` or `Cs`. With neither, ``Cs=10`` where all of `l1_ratios` are 0, else
        ``alphas=100``.
    l1_ratios : array-like of shape (n_l1_ratios,), default=(0.0,)
        What to try for `l1_ratio` of `SoftmaxGLM`.
    penalty_factors, grouped, groups, within_ratio, lower, upper, standardize : object
        As of `SoftmaxGLM`. Standard deviations are those of the rows of each fit, with ``cv="loo"`` those of all.
    cv : int, splitter, iterable or "loo", default=None
        Folds as scikit-learn has them: None for 5; an int is stratified by labels, and not shuffled. Of a y of
        probabilities or counts splitters see the numbers of the rows only. "loo" is for ridges.
    scoring : str or callable, default=None
        As scikit-learn has it; None is "neg_log_loss", weighted, for every kind of y: what the fit itself minimises,
        glmnet's default and that of LogisticRegressionCV from scikit-learn 1.11 on. Accuracy, its default until then,
        is a coarse guide to a strength.
    rule : {"min", "1se"}, default="min"
        "min" chooses the best mean score; "1se" the largest alpha whose mean score is within one standard error of it,
        at the l1_ratio of the best.
    refit : bool, default=True
        Whether to fit the chosen strength to all rows. If not, there is nothing to predict with.
    n_jobs : int, default=None
        Folds that are fitted at the same time, by joblib.
    fit_intercept, class_weight : object
        As of `SoftmaxGLM`. "balanced" is that of all rows, also in folds.
    tol : float, default=1e-8
        Of the final fit, as of `SoftmaxGLM`.
    fold_tol : float, default=1e-4
        Of the fits in folds: 1e-3 has chosen the same strengths, 1e-2 others.
    max_iter : int, default=1000
        Of each fit.
    verbose : bool or int, default=False
        1, as True, prints a line for each fold, with its best strength, its passes over its rows and its seconds; what
        was chosen; and of the final fit what `SoftmaxGLM` does. 2 prints one for each strength of each fold.

    Attributes
    ----------
    classes_, coef_, intercept_, n_iter_, n_evaluations_, n_passes_, n_features_in_, feature_names_in_ : object
        Of the final fit, as of `SoftmaxGLM`; so are the next ones.
    alpha_, scale_, converged_, status_, loss_, gap_, gap_kind_, deviance_, null_deviance_ : object
        The first is the strength that was chosen.
    best_estimator_ : SoftmaxGLM
        The final fit, with its parameters. `infer` takes it from here, and says that it was selected.
    C_ : float
        What was chosen, as LogisticRegression has it: one over alpha times the weight W of all rows.
    l1_ratio_ : float
        What was chosen.
    alphas_, Cs_ : array of shape (n_alphas,)
        The strengths that were tried, in the order in which they were given, as they are for all rows.
    l1_ratios_ : array of shape (n_l1_ratios,)
        Theirs.
    scores_ : array of shape (n_folds, n_l1_ratios, n_alphas)
        Of each fold; with ``cv="loo"`` of each row: its log-likelihood per trial, in nats.
    mean_score_, standard_error_ : array of shape (n_l1_ratios, n_alphas)
        Of the folds, weighted by the rows they score (and how often these count), as cv.glmnet does.
    score_bound_ : array of shape (1, n_alphas)
        With ``cv="loo"`` only: what a mean score may be off by, at most, from that of leaving out each row in turn; inf
        where nothing is proved. It is at most 0.001 of the log loss where it decides: for what is chosen.
    n_nonzero_ : array of shape (n_l1_ratios, n_alphas)
        Features of which some coefficient is not 0, the mean of the folds.
    coefs_paths_ : array of shape (n_folds, n_l1_ratios, n_alphas, K, p + 1), or (..., 1, p + 1) for two classes
        Of the fits in folds, the intercept last, if there is one; not with ``cv="loo"``.

    Notes
    -----
    Leaving one out. A row is left out whole, whatever its weight, and the total strength of the penalty, W alpha, stays
    what it is, as with LogisticRegression's C. From the Hessian of the fit with all rows one Newton step leaves out a
    row, and self-concordance bounds what that is off by. At the strength that is chosen the rows of the largest bounds
    take more steps, all of them together, or a fit of their own, until the mean score is known to 0.001 of the log
    loss; at neighbours that are nearly as good, until they are told from it. Where more than 1000 rows would have to,
    or more than 100 need a fit of their own, a strength is not chosen, and a warning says so: too many rows decide too
    much, and folds cost less.

    References
    ----------
    K. Rahnama Rad and A. Maleki, "A scalable estimate of the out-of-sample prediction error via approximate
    leave-one-out cross-validation", Journal of the Royal Statistical Society B 82, 2020, doi:10.1111/rssb.12374.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLMCV
    >>> X, y = load_wine(return_X_y=True)
    >>> model = SoftmaxGLMCV(Cs=20, standardize=True, cv="loo").fit(X, y)
    >>> round(model.C_, 3), model.converged_
    (4.281, True)
    """

    best_estimator_: SoftmaxGLM
    C_: float
    l1_ratio_: float
    alphas_: FloatArray
    Cs_: FloatArray
    l1_ratios_: FloatArray
    scores_: FloatArray
    mean_score_: FloatArray
    standard_error_: FloatArray
    score_bound_: FloatArray
    n_nonzero_: FloatArray
    coefs_paths_: FloatArray

    def __init__(
        self,
        alphas: Any = None,
        *,
        Cs: Any = None,
        l1_ratios: Any = (0.0,),
        penalty_factors: Any = None,
        grouped: bool = False,
        groups: Any = None,
        within_ratio: float = 0.0,
        lower: Any = None,
        upper: Any = None,
        standardize: bool = False,
        cv: Any = None,
        scoring: Any = None,
        rule: Rule = "min",
        refit: bool = True,
        n_jobs: int | None = None,
        fit_intercept: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        tol: float = 1e-8,
        fold_tol: float = 1e-4,
        max_iter: int = 1000,
        verbose: int = False,
    ) -> None:
        self.alphas = alphas
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.penalty_factors = penalty_factors
        self.grouped = grouped
        self.groups = groups
        self.within_ratio = within_ratio
        self.lower = lower
        self.upper = upper
        self.standardize = standardize
        self.cv = cv
        self.scoring = scoring
        self.rule = rule
        self.refit = refit
        self.n_jobs = n_jobs
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.tol = tol
        self.fold_tol = fold_tol
        self.max_iter = max_iter
        self.verbose = verbose

    @one_blas_thread
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> Self:
        """Choose the strength, and fit it to all rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
            As `SoftmaxGLM` takes it. Each fold copies its rows.
        y : array-like of shape (n,) or (n, K)
            Labels, class probabilities or counts, as `SoftmaxGLM` takes them.
        sample_weight : array-like of shape (n,), default=None
            At least 0: of rows in fits and in scores.
        offset : array-like of shape (n, K), or (n,) for two classes, default=None
            A known part of eta, in fits and in scores.

        Returns
        -------
        SoftmaxGLMCV
            The estimator itself.

        Raises
        ------
        ValueError
            If the input cannot be fitted, or nothing can be chosen by its scores; the message says what to do. A fit
            that raises leaves the estimator as it was.

        Warns
        -----
        ConvergenceWarning
            If the optimum of the final fit was not reached.
        UserWarning
            If ``cv="loo"`` left strengths out of the choice; and as `SoftmaxGLM` does.
        """
        self._check_parameters()
        check_is_in_memory(X, "SoftmaxGLMCV")
        seen = observe(X, y, sample_weight, offset, class_weight=self.class_weight, estimator=self, needs_two=True)
        rows, total_weight = seen.rows()
        prepared = prepare(rows, seen.family, fit_intercept=self.fit_intercept)
        l1_ratios = np.array([ratio(each, "an entry of l1_ratios") for each in np.asarray(self.l1_ratios).tolist()])
        problem = Problem(
            seen=seen,
            prepared=prepared,
            total_weight=total_weight,
            models=[self._model(float(l1_ratio)) for l1_ratio in l1_ratios],
            scorer=self._scorer(offset),
        )
        values, is_inverse = self._strengths(problem)
        alphas = np.array(Grid(values, is_inverse).strengths(total_weight))
        order = np.argsort(-alphas, kind="stable")
        grid = Grid(values[order], is_inverse)
        if isinstance(self.cv, str):
            found = by_single_rows(problem, alphas[order], self.rule)
        else:
            tol, verbose = as_float(self.fold_tol), int(self.verbose)
            found = by_folds(problem, grid, self.cv, self.rule, tol=tol, n_jobs=self.n_jobs, verbose=verbose)
        row, place = found.selection.chosen
        alpha, l1_ratio = float(alphas[order[place]]), float(l1_ratios[row])
        Cs = values if is_inverse else np.array([_inverse(each, total_weight) for each in alphas])
        fitted = {
            **seen.columns,
            "classes_": seen.response.classes,
            "_has_offset": offset is not None,
            "alpha_": alpha,
            "C_": float(Cs[order[place]]),
            "l1_ratio_": l1_ratio,
            "l1_ratios_": l1_ratios,
            "alphas_": alphas,
            "Cs_": Cs,
            **found.in_order(np.argsort(order, kind="stable")),
        }
        if self.verbose:
            say("SoftmaxGLMCV", f"chose alpha {alpha:.4g}, l1_ratio {l1_ratio:g}")
        if self.refit:
            fitted |= self._refitted(problem, row, alpha, fitted)
        self._become(fitted)
        return self

    @property
    def penalty(self) -> str:
        """What the penalty that was chosen is called, as of `SoftmaxGLM`."""
        return self.best_estimator_.penalty

    @drawn
    def plot(self) -> Drawing:
        """Draw the scores of the strengths, and what is chosen by them: `softglm.plots.CVDisplay`."""
        return Drawing("CVDisplay", "from_estimator", self)

    def _check_parameters(self) -> None:
        """Raise if a parameter is not what its docstring says."""
        check_ending(self.tol, self.max_iter)
        if not 0.0 < number(self.fold_tol) < math.inf:
            raise ValueError(f"fold_tol must be a finite number above 0, got {as_given(self.fold_tol)}.")
        if self.rule not in ("min", "1se"):
            raise ValueError(f'rule must be "min" or "1se", got {as_given(self.rule)}.')
        if isinstance(self.cv, str) and self.cv != "loo":
            raise ValueError(f'cv must be an int, a splitter, an iterable of splits or "loo", got {as_given(self.cv)}.')
        if self.alphas is not None and self.Cs is not None:
            raise ValueError("alphas and Cs were both given, and both say which strengths to try. Leave one out.")
        if np.ndim(self.l1_ratios) != 1 or not np.size(self.l1_ratios):
            raise ValueError(
                f"l1_ratios must be a sequence of numbers from 0 to 1, such as (0.0,), got {as_given(self.l1_ratios)}."
            )
        for name in ("standardize", "refit", "fit_intercept"):
            flag(getattr(self, name), name)
        verbosity(self.verbose)

    def _model(self, l1_ratio: float) -> SoftmaxGLM:
        """Return the estimator that is fitted in folds."""
        return SoftmaxGLM(
            l1_ratio=l1_ratio,
            penalty_factors=self.penalty_factors,
            grouped=self.grouped,
            groups=self.groups,
            within_ratio=self.within_ratio,
            lower=self.lower,
            upper=self.upper,
            standardize=self.standardize,
            fit_intercept=self.fit_intercept,
            class_weight=self.class_weight,
            tol=self.tol,
            max_iter=self.max_iter,
        )

    def _scorer(self, offset: Any) -> Scorer | None:
        """Return what scores the rows that are left out; None for the mean log-likelihood."""
        if self.scoring is None or self.scoring is neg_log_loss or self.scoring == "neg_log_loss":
            return None
        if isinstance(self.cv, str):
            raise ValueError(
                f'cv="loo" scores by the log loss, of which it can prove what it is; got scoring='
                f"{as_given(self.scoring)}. Leave scoring at None, or use folds: cv=10."
            )
        if offset is not None:
            raise ValueError(
                f"scoring={as_given(self.scoring)} would predict the rows of a fold without their offset. Leave it at "
                "None, the log loss."
            )
        scorer: Scorer = get_scorer(self.scoring)
        return scorer

    def _strengths(self, problem: Problem) -> tuple[FloatArray, bool]:
        """Return the strengths to try, and whether they are inverse: C."""
        alphas, Cs = self.alphas, self.Cs
        if alphas is None and Cs is None:
            alphas, Cs = (None, _N_CS) if not any(model.l1_ratio for model in problem.models) else (_N_ALPHAS, None)
        if Cs is not None:
            if np.ndim(Cs):
                return strengths(Cs, "Cs", "an int", math.inf), True
            check_count(Cs, "Cs")
            return np.logspace(math.log10(_LEAST_C), math.log10(_MOST_C), int(Cs)), True
        if np.ndim(alphas):
            return strengths(alphas, "alphas", "an int", MOST_ALPHA), False
        check_count(alphas, "alphas")
        forms = [problem.form(model) for model in problem.models]
        ends = [default_strengths(problem.prepared, form, 2) for form in forms]
        return np.geomspace(max(first for first, _ in ends), min(last for _, last in ends), int(alphas)), False

    def _refitted(self, problem: Problem, row: int, alpha: float, chosen: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes of the fit of a strength to all rows."""
        seen, model = problem.seen, problem.models[row]
        form, count = problem.form(model), problem.prepared.count
        printer, n_before = FitPrinter(int(self.verbose)), count.n_passes
        result = solve(
            problem.prepared,
            penalty_at(form, alpha, fit_intercept=self.fit_intercept),
            tol=as_float(self.tol),
            max_iter=int(self.max_iter),
            precision=np.float32 if seen.X.dtype in (np.float32, np.float16) else np.float64,
            report=None
            if printer.is_silent
            else lambda progress, *_: printer.report(progress, count.n_passes - n_before),
        )
        fitted = attributes_of(
            result,
            seen,
            problem.total_weight,
            fit_intercept=self.fit_intercept,
            alpha=alpha,
            form=form,
            status=sentence(result),
        )
        printer.end(fitted["status_"])
        self._warn(result, fitted["status_"], seen.response.classes[~seen.present])
        model.set_params(alpha=alpha)
        known = {name: chosen[name] for name in (*seen.columns, "classes_", "_has_offset")}
        model.__dict__.update({**known, **fitted})
        return {**fitted, "best_estimator_": model}


def _inverse(alpha: float, total_weight: float) -> float:
    """Return C = 1 / (alpha W)."""
    return 1.0 / (alpha * total_weight) if alpha * total_weight > 0.0 else math.inf
