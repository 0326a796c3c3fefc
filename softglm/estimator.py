"""SoftmaxGLM: the numeric core behind scikit-learn's interface. Names, labels and warnings live here, no numbers."""

from typing import Any, Self

import numpy as np

from softglm.arrays import FloatArray
from softglm.callbacks import CallbackSupportMixin, FitTask, data_of_fit, with_callbacks
from softglm.candidates import Given, certified_softmax_glm
from softglm.certificate import Certificate
from softglm.classifier import SeparationWarning, SoftmaxClassifier
from softglm.data import one_blas_thread
from softglm.fit import prepare, solve
from softglm.fitted import attributes_of, fit_of_one_class, fitted_arrays
from softglm.penalised import in_units_of, penalty_at, penalty_form, penalty_named, strength_of
from softglm.progress import verbosity
from softglm.solver import Progress
from softglm.sources import observed
from softglm.validation.finite import as_float
from softglm.validation.parameters import check_ending, check_strength, flag
from softglm.verdict import ONE_CLASS, FitPrinter, sentence
from softglm.warm_start import last_solution
from softglm.warn import warn_user


class SoftmaxGLM(CallbackSupportMixin, SoftmaxClassifier):
    r"""Multiclass logistic regression, fitted to a proven optimum.

    A generalised linear model of the class: y | x is categorical (Bernoulli for two classes) with natural parameter
    eta = theta' x, so that the probabilities are softmax(eta). It minimises::

        (1/W) sum_i w_i [ log sum_k exp(eta_ik) - eta_i,y_i ] + alpha / 2 ||coef||^2,    W = sum_i w_i,

    which has the same optimum as ``LogisticRegression(C=1 / (alpha * W))``; intercepts are not penalised. The fit
    needs no scaled data: L-BFGS runs in coordinates in which the Fisher information is the identity, and where that is
    cheap to make at every step the method is Newton's. With `l1_ratio` above 0 some coefficients, or all of some
    features, are exactly 0, see Notes; `softglm_path` fits a whole sequence of strengths.

    Parameters
    ----------
    alpha : float or "1/n_samples", default="1/n_samples"
        Strength of the ridge, from 0 to 1e300. The default is 1/W, that of ``LogisticRegression(C=1.0)``. 0 is maximum
        likelihood; whether that has a maximum, and how near, is proved up to the sizes in the Notes.
    C : float or None, default=None
        LogisticRegression's inverse strength, alpha = 1 / (C W) in each fit; np.inf for no penalty. Give alpha or C.
    l1_ratio : float, default=0.0
        From 0 to 1, as in LogisticRegression: the penalty is alpha (l1_ratio ||coef||_1 + (1 - l1_ratio) / 2
        ||coef||^2). 0 is the ridge, 1 the lasso. What glmnet calls alpha, and lambda what is alpha here.
    penalty_factors : array-like of shape (p,), or dict, default=None
        Factors on alpha for each feature, at least 0; 0 leaves it unpenalised. A dict has some, by the name or position
        of the column; others have 1. They are taken as they are: glmnet divides them by their mean, so its lambda is
        our alpha times that mean.
    grouped : bool, default=False
        Whether the coefficients of a feature leave 0 together, in all classes: glmnet's type.multinomial="grouped". The
        penalty has ||coef of the feature|| in place of ||.||_1.
    groups : array-like of shape (p,), or list of lists, default=None
        Features that leave 0 together, such as the dummies of a factor, in all classes: a label for each, or lists of
        columns by name or position, the rest by themselves. A group of s columns has sqrt(s) times the norm. It implies
        `grouped`. Both are about the share l1_ratio: with ``l1_ratio=0`` they change nothing, and a warning says so.
    within_ratio : float, default=0.0
        Of the share l1_ratio, what is on single coefficients where there are groups: the sparse group lasso. From 0,
        groups only, to 1, where it is ||.||_1 again.
    lower, upper : float, array-like of shape (p,) or as `coef_`, or dict, default=None
        Bounds on the coefficients, lower <= 0 <= upper, for all, by feature, or by class and feature; a dict has some
        features. ``lower=0`` lets no coefficient fall below 0: log odds that only rise with it. For three classes and
        more they are bounds in the symmetric coding. In units of `coef_`, whatever `standardize` is.
    standardize : bool, default=False
        Whether the penalty acts on features in units of their standard deviations (weighted as the fit weighs rows,
        with the divisor W; 1 for constant ones), as if they came out of StandardScaler. `coef_` is that of features as
        they come all the same; sparse X stays sparse. It is glmnet's default.
    fit_intercept : bool, default=True
        Whether eta has a constant for each class, which is not penalised.
    class_weight : dict, "balanced" or None, default=None
        Factors on the weights of the rows of each class; on the columns of y if y holds probabilities or counts.
        "balanced" is W / (K W_k) with the sample-weighted class totals W_k.
    tol : float, default=1e-8
        The relative gap (f - f*) / (f_null - f*) to prove, f_null being the loss of the model without features; and, by
        an estimate, the relative distance to the optimum to reach. See Notes.
    max_iter : int, default=1000
        The most iterations; a fit takes tens.
    warm_start : bool, default=False
        Start from the last solution, if there is one: from `classes_`, `coef_` and `intercept_`, of a fit or set by
        hand.
    verbose : bool or int, default=False
        1, as True, prints a line for each stage of the fit: its loss, an estimate of what that is above its minimum
        (none where `l1_ratio` is above 0), the passes over the rows and the seconds so far; before the first, what it
        will not be able to prove for its size. 2 prints one for each iteration, as 1 does of rows that are elsewhere.

    Attributes
    ----------
    classes_ : array of shape (K,)
        Sorted.
    coef_ : array of shape (K, p), or (1, p) for two classes
        The columns sum to zero over three classes and more, under a ridge; see Notes.
        In nats per unit of a feature, as features come: not of scaled ones.
    intercept_ : array of shape (K,), or (1,)
        0 without an intercept, -inf for a class of no weight; of two classes inf if that is the first.
    n_iter_ : int array of shape (1,)
        Iterations, of L-BFGS or Newton's method.
    n_evaluations_ : int
        Evaluations of the loss and its gradient.
    n_passes_ : int
        Passes over all rows, whatever they were made for, see `softglm.fit.Fit.n_passes`.
    n_features_in_ : int
        How many columns X had.
    feature_names_in_ : array of shape (p,)
        Where X has named columns, all of them strings.
    alpha_ : float
        The strength that was used.
    scale_ : array of shape (p,), or None
        The standard deviations, where `standardize` is True.
    converged_ : bool
        See Notes.
    status_ : str
        How the fit ended, in a sentence.
    loss_ : float
        The objective at the solution, in nats per unit of weight.
    gap_ : float
        What the objective, at `coef_` and `intercept_` as these numbers stand, is at most above its minimum, in nats
        per unit of weight: with what rounding may have done to the gradient, and the numbers' own last digits.
    gap_kind_ : {"self-concordance", "strong convexity", "duality", "estimate"}
        What proves `gap_`; an estimate is not a proof.
    deviance_, null_deviance_ : float
        2 sum_i w_i sum_k t_ik log(t_ik / (m_i p_ik)), in nats, of the model and of the best one without features (and
        without any constant, if `fit_intercept` is False): sample weights in, class weights and penalty out. Infinite
        where a class weight of 0 left out a class that was observed.

    Notes
    -----
    What `converged_` promises. True means that the loss is proved to be within `tol`, relative to what the features
    explain, of its minimum: by the self-concordance of the loss, from a Hessian made near it, which with alpha = 0 also
    proves that the maximum-likelihood estimate exists, or by strong convexity, where the penalty is strong enough. The
    distance of the coefficients to the optimum, in the metric of the information, is then about `tol` of that of the
    null model, by an estimate, and the relative gap about the square of that; with alpha = 0 and `tol` up to 1e-6 the
    distance is a thousandth of it. Where the information matrix is too large ((K - 1)(p + 1) beyond 4096, or K beyond
    242) or too dear (400 evaluations, with a penalty), only the loss is brought within `tol`; without a penalty that is
    then estimated and not proved, `gap_kind_` says so, and since nothing decides whether the classes are separated
    (unless a single column does separate them), `converged_` is False. So it is where a Hessian proves nothing and the
    linear programs that would decide take too long. For float32 X the coefficients are rounded to float32 and the
    promise is 1e-6.

    With coefficients held at 0 (`l1_ratio` above 0), or within bounds, the proof is by duality, and `converged_` is
    True where `gap_` is at most `tol` times the loss of the model without features. A coefficient of 0 is exactly 0.
    Where some features are not penalised, by factors of 0 or a bound alone, and these separate the classes, the loss
    has an infimum and no minimum: that is not told then, and the gap is that to the infimum.

    What is unique under the lasso. Adding a constant to the coefficients of a feature in all classes changes no
    probability. A ridge makes them sum to 0; ``l1_ratio=1`` makes their median 0, and where K is even any value between
    the two middle ones is as good. The choice is then arbitrary, and probabilities do not depend on it; neither does
    the penalty. Between 0 and 1 the ridge decides, and the optimum is unique. Without a ridge and with collinear
    features, copies of one for example, only probabilities are.

    What it takes for granted. Rounding is part of the proof: where double precision cannot tell the gap it says so, as
    with columns so far from 0 that the intercept has no digits left. What varies by no more than the last digits of X,
    as the sum of other columns does or a dummy for every level once it was scaled, counts as constant or collinear:
    with alpha = 0 that is taken for granted, and `gap_kind_` is "estimate". Copies, and sums of whole numbers or of
    numbers of few binary digits, are seen to be exact; columns that are more than that apart are told apart, unless X
    is sparse.

    A model fitted with an offset cannot be used where scikit-learn calls `predict` or `score` without one: they raise,
    since leaving it out silently would score another model. With metadata routing enabled,
    ``set_score_request(offset=True)`` passes it to `score`, or to the scorer `neg_log_loss`; scikit-learn's own scorers
    do not pass it on.

    References
    ----------
    F. Bach, "Self-concordant analysis for logistic regression", Electronic Journal of Statistics 4, 2010,
    doi:10.1214/09-EJS521.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM
    >>> X, y = load_wine(return_X_y=True)
    >>> model = SoftmaxGLM().fit(X, y)
    >>> model.converged_, model.score(X, y)
    (True, 0.9943820224719101)

    The lasso, as glmnet has it, keeps 6 of the 13 features in the model:

    >>> lasso = SoftmaxGLM(0.1, l1_ratio=1.0, standardize=True).fit(X, y)
    >>> int(lasso.coef_.any(axis=0).sum()), lasso.score(X, y)
    (6, 0.949438202247191)
    """

    def __init__(
        self,
        alpha: float | str = "1/n_samples",
        *,
        C: float | None = None,
        l1_ratio: float = 0.0,
        penalty_factors: Any = None,
        grouped: bool = False,
        groups: Any = None,
        within_ratio: float = 0.0,
        lower: Any = None,
        upper: Any = None,
        standardize: bool = False,
        fit_intercept: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        tol: float = 1e-8,
        max_iter: int = 1000,
        warm_start: bool = False,
        verbose: int = False,
    ) -> None:
        self.alpha = alpha
        self.C = C
        self.l1_ratio = l1_ratio
        self.penalty_factors = penalty_factors
        self.grouped = grouped
        self.groups = groups
        self.within_ratio = within_ratio
        self.lower = lower
        self.upper = upper
        self.standardize = standardize
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.verbose = verbose

    @with_callbacks
    @one_blas_thread
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
            Few dense rows are copied, centred (n (p + 1 + 2 q) up to 2**17, q = 1 for two classes, else K); of three
            classes and more, or in float32, also others of up to 2**20 entries, to float32, for all but the last
            evaluations. Beyond, nothing is: blocks are converted as they are read. CSC is converted to CSR as a whole,
            misaligned memory is copied once. Files that ``numpy.load(path, mmap_mode="r")`` maps stay where they are.
            Rows elsewhere: `Blocks`, `Parquet`, the path of a Parquet file, or a dataset of pyarrow; of the latter two
            y, sample_weight and offset are names of columns, and all others are features.
            Arrays and frames of Dask, with y, sample_weight and offset, are read once into the memory of its workers
            and stay there: only sums over the rows come back, and a sample of them. Without a `distributed.Client`
            their partitions are read at every pass, one after the other.
        y : array-like of shape (n,) or (n, K)
            Labels; or for K >= 2 columns class probabilities or counts, whose row totals count as weights. The columns
            of a frame name the classes and are sorted; those of an array are the classes 0 to K - 1.
        sample_weight : array-like of shape (n,), default=None
            At least 0. A row of weight 2 counts as two rows.
        offset : array-like of shape (n, K), or (n,) for two classes, default=None
            A known part of eta.

        Returns
        -------
        SoftmaxGLM
            The estimator itself.

        Raises
        ------
        ValueError
            If the input cannot be fitted; the message says what to do. A fit that raises, whatever it is, leaves the
            estimator as it was: with the earlier fit, or none.
        ClusterError
            If a cluster of Dask, to which collections belong, cannot go on.

        Warns
        -----
        ConvergenceWarning
            If the optimum was not reached.
        SeparationWarning
            If it does not exist: alpha = 0 and the classes are separated.
        UserWarning
            If a class has no weight, if there are more than half as many classes as rows (and more than 20 rows), as
            in LogisticRegression, if a two-dimensional y looks like something else, or if groups were given and
            `l1_ratio` is 0.
        """
        self._check_parameters()
        printer = FitPrinter(verbosity(self.verbose))
        seen = observed(X, y, sample_weight, offset, class_weight=self.class_weight, estimator=self)
        classes, present = seen.classes, seen.present
        form = penalty_form(self, seen)
        if form.l1_ratio == 0.0 and (self.grouped or self.groups is not None):
            warn_user(
                "grouped or groups was given, which ties coefficients together in the share l1_ratio of the penalty; "
                "that is 0, and this is a plain ridge. Set l1_ratio=1 for the group lasso.",
                UserWarning,
            )
        continues = self.warm_start and hasattr(self, "coef_")
        start = last_solution(self, seen.n_features, classes, present) if continues else None
        rows, total_weight = seen.rows()
        alpha, max_iter = self._alpha(total_weight), int(self.max_iter)
        task = FitTask(self, max_iter, data_of_fit(X, y, sample_weight=sample_weight, offset=offset))
        known_before = {**seen.columns, "classes_": classes, "_has_offset": seen.has_offset}
        # Callbacks are shown copies of this estimator, which may know names from an earlier fit.
        unnamed = {"feature_names_in_": None}

        def report(progress: Progress, coef: FloatArray, intercept: FloatArray) -> None:
            printer.report(progress, prepared.count.n_passes)
            if task.is_watched:
                task.iterate(lambda: {**unnamed, **known_before, **fitted_arrays(coef, intercept, present)})

        printer.begin(seen, rows.place, fit_intercept=self.fit_intercept, alpha=alpha)
        precision = np.float32 if seen.dtype in (np.float32, np.float16) else np.float64
        if seen.n_present > 1:
            prepared = prepare(rows, seen.family, fit_intercept=self.fit_intercept)
            form = in_units_of(form, prepared, standardize=self.standardize)
            result = solve(
                prepared,
                penalty_at(form, alpha, fit_intercept=self.fit_intercept),
                start,
                tol=as_float(self.tol),
                max_iter=max_iter,
                precision=precision,
                report=None if printer.is_silent and not task.is_watched else report,
            )
        else:
            result = fit_of_one_class(seen.n_features, precision)
        fitted = {
            **known_before,
            **attributes_of(
                result,
                seen,
                total_weight,
                fit_intercept=self.fit_intercept,
                alpha=alpha,
                form=form,
                status=sentence(result) if seen.n_present > 1 else ONE_CLASS,
            ),
        }
        task.end({**unnamed, **fitted})
        printer.end(fitted["status_"])
        self._warn(result, fitted["status_"], classes[~present])
        self._become(fitted)
        return self

    def certify(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Certificate:
        """Return how far the model is from the optimum of its objective, and what that means for its predictions.

        What `softglm.certify` says of anyone's model: nothing that the fit said is believed, another is made beside it.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
            That of the fit.
        y : array-like of shape (n,) or (n, K)
            That of the fit.
        sample_weight : array-like of shape (n,), default=None
            That of the fit.
        offset : array-like of shape (n, K), or (n,) for two classes, default=None
            That of the fit.

        Returns
        -------
        Certificate
            Print it.

        Raises
        ------
        ValueError
            If the data are not those of the fit.
        """
        return certified_softmax_glm(self, Given(X, y, sample_weight, offset))

    @property
    def penalty(self) -> str:
        """What the penalty is called: "l2", "l1", "elasticnet" (LogisticRegression's names), or "group".

        `SelectFromModel` takes it, where it is "l1", for the sign that coefficients of 0 are to be left out.
        """
        return penalty_named(self)

    def _check_parameters(self) -> None:
        """Raise if a parameter is not what its docstring says."""
        check_strength(self.alpha, self.C)
        check_ending(self.tol, self.max_iter)
        for name in ("standardize", "fit_intercept", "warm_start"):
            flag(getattr(self, name), name)

    def _alpha(self, total_weight: float) -> float:
        if self.C is not None:
            return strength_of(as_float(self.C), total_weight)
        return 1.0 / total_weight if isinstance(self.alpha, str) else abs(as_float(self.alpha))


__all__ = ["SeparationWarning", "SoftmaxGLM"]
