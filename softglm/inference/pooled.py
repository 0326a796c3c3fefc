"""pool: one inference of several imputed data sets, by Rubin's rules."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.drawing import Drawing, drawn
from softglm.inference.cells import estimate_headings
from softglm.inference.coefficient_names import CoefficientNames
from softglm.inference.coefficients import Coefficients, coefficient_rows
from softglm.inference.combinations import Contrast
from softglm.inference.groups import GroupedColumns, Groups
from softglm.inference.hypotheses import TermTests
from softglm.inference.inference import Inference
from softglm.inference.restrictions import read_restrictions
from softglm.inference.rubin import Moments, moments_of
from softglm.inference.significance import FTest, against_zero, half_widths, sampling_distribution
from softglm.inference.tables import Content, Table

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, eq=False, repr=False)
class PooledInference(Table):
    """What several imputed data sets say together. Made by `softglm.pool`.

    Print it for a table: that of the coefficients, and the fraction of missing information.

    Attributes
    ----------
    results : tuple of Inference
        One for each imputation.
    coefficients : Coefficients
        Pooled: the mean estimates, standard errors with what imputation adds, and for each its degrees of freedom.
    covariance_matrix : array of shape ((K - 1) n_terms, (K - 1) n_terms)
        Of the pooled coefficients, class by class.
    relative_increase : array of shape (K - 1, n_terms)
        What imputation adds to the variance, over the mean of the variances.
    missing_information : array of shape (K - 1, n_terms)
        The fraction of the information that is missing, and not made up for by what was observed.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer, pool
    >>> X, y = load_wine(return_X_y=True)
    >>> rounded = (X[:, :2].round(digits) for digits in (0, 1, 2))
    >>> pooled = pool(infer(SoftmaxGLM(alpha=0).fit(Z, y), Z, y) for Z in rounded)
    >>> pooled.missing_information.round(2).tolist()
    [[0.52, 0.55, 0.31], [0.38, 0.4, 0.19]]
    >>> print(pooled.overall_test)
    F(4, 51.3564) = 14.14, p < 0.0001
    """

    results: tuple[Inference, ...]
    coefficients: Coefficients
    covariance_matrix: FloatArray
    relative_increase: FloatArray
    missing_information: FloatArray

    @property
    def classes(self) -> npt.NDArray[Any]:
        """All classes, sorted, shape (K,)."""
        return self.results[0].classes

    @property
    def reference(self) -> Any:  # noqa: ANN401 - a class is what the user's labels are
        """The base class."""
        return self.coefficients.reference

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of the coefficients of a class: "Intercept" first, if there is one."""
        return self.coefficients.terms

    @property
    def n_observations(self) -> float:
        """Those of each imputation."""
        return self.results[0].n_observations

    def rebase(self, reference: Any) -> "PooledInference":  # noqa: ANN401 - a class is what the user's labels are
        """Return the same fits, pooled as seen from another base class.

        Parameters
        ----------
        reference : label
            The new base class.

        Returns
        -------
        PooledInference
            With coefficients and tests against that class.

        Raises
        ------
        ValueError
            If there is no such class.
        """
        return _pooled(tuple(result.rebase(reference) for result in self.results))

    def wald_test(self, contrast: Contrast, value: npt.ArrayLike = 0.0) -> FTest:
        """Test that linear combinations of the coefficients have a given value (D1).

        Parameters
        ----------
        contrast : text, list of texts, dict, or array of shape (d, (K - 1) n_terms)
            As `Inference.linear_combinations` takes it.
        value : array of shape (d,), default=0
            What they are under the hypothesis, where no equation says it.

        Returns
        -------
        FTest
            Of a single coefficient the square of its t.

        Raises
        ------
        ValueError
            If the shape is wrong, or a name unknown.

        References
        ----------
        K. H. Li, T. E. Raghunathan and D. B. Rubin, "Large-sample significance levels from multiply imputed data using
        moment-based statistics and an F reference distribution", Journal of the American Statistical Association 86,
        1991, doi:10.1080/01621459.1991.10475152.
        """
        table = self.coefficients
        names = CoefficientNames.of(table.classes, table.reference, table.terms)
        rows, values = read_restrictions(self.results[0].estimate, names, contrast, value)
        denominators = [result.wald_test(rows, values).df_denominator for result in self.results]
        return self._moments.test(rows, values, _mean_freedom(denominators))

    def test_terms(self, groups: Groups | None = None) -> TermTests:
        """Test for each term whether it can leave all K - 1 equations (D1).

        Parameters
        ----------
        groups : dict from name to columns, default=None
            As `Inference.test_terms` takes them.

        Returns
        -------
        TermTests
            A row for each group.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        first = self.results[0]
        columns = GroupedColumns(first.features, first.inputs).of_model(groups)
        tests = [self._leaving_out(group) for group in columns.values()]
        return TermTests(
            kind="d1",
            terms=tuple(columns),
            statistic=np.array([test.statistic for test in tests]),
            df=np.array([test.df for test in tests], dtype=int),
            p_value=np.array([test.p_value for test in tests]),
            n_restrictions=np.array([test.n_restrictions for test in tests], dtype=int),
            df_denominator=np.array([test.df_denominator for test in tests]),
        )

    @property
    def overall_test(self) -> FTest:
        """The test of all features together (D1)."""
        return self._leaving_out(tuple(range(len(self.results[0].features))))

    @drawn
    def plot(self) -> Drawing:
        """Draw the pooled coefficients with their intervals: `softglm.plots.CoefficientDisplay`."""
        return Drawing("CoefficientDisplay", "from_coefficients", self.coefficients)

    def to_frame(self) -> "pd.DataFrame":
        """Return the frame of the coefficients with the columns relative_increase and missing_information.

        It needs pandas.
        """
        frame = self.coefficients.to_frame()
        frame["relative_increase"] = self.relative_increase.ravel()
        frame["missing_information"] = self.missing_information.ravel()
        return frame

    def _content(self) -> Content:
        table, first, m = self.coefficients, self.results[0], len(self.results)
        rows = {
            name: [[*cells, f"{fraction:.3f}"] for cells, fraction in zip(of_class, fractions, strict=True)]
            for (name, of_class), fractions in zip(
                coefficient_rows(table).items(), self.missing_information, strict=True
            )
        }
        largest = float(self.missing_information.max(initial=0.0))
        how = (
            f"Standard errors: Rubin's rules; of each imputation {first.covariance.description}. Intervals: "
            f"{100 * table.level:.6g}%, t with Barnard and Rubin's df. Missing: the fraction of missing information."
        )
        notes = [f"Estimates: {first.estimate.kind}.", how] if first.estimate.is_bias_reduced else [how]
        if 100.0 * largest > m:
            notes.append(
                f"Another {m} imputations might say something else: {np.ceil(100.0 * largest):.0f}, a hundred times "
                "the largest fraction of missing information, would make that unlikely (White, Royston & Wood 2011)."
            )
        return Content(
            [*estimate_headings(table.level, "t", has_df=True), "missing"],
            rows,
            title=f"{m} imputations of {first.n_observations:,.0f} observations, base class: {self.reference}",
            notes=notes,
        )

    def _leaving_out(self, columns: tuple[int, ...]) -> FTest:
        n_terms = len(self.terms)
        first = n_terms - len(self.results[0].features)
        places = [row * n_terms + first + column for row in range(len(self.coefficients.classes)) for column in columns]
        return self.wald_test(np.identity(self.coefficients.estimate.size)[places])

    @property
    def _moments(self) -> Moments:
        return _moments_of(self.results)


def pool(results: Iterable[Inference]) -> PooledInference:
    """Return one inference of fits to several imputed data sets, by Rubin's rules.

    Parameters
    ----------
    results : iterable of Inference
        What `softglm.infer` returns for each of m imputations, m of at least 2: of the same model of the same rows, in
        which only what was missing differs, without a penalty. Of results with ``distribution="t"`` the degrees of
        freedom from complete data are theirs, n - k for independent rows, as R's mice takes them; else infinite, and
        those that are left come of the number of imputations alone.

    Returns
    -------
    PooledInference
        Print it.

    Raises
    ------
    TypeError
        If one is not what `infer` returns.
    ValueError
        If they are too few, or not of the same model of the same rows; or one is penalised, separated or collinear.

    References
    ----------
    J. Barnard and D. B. Rubin, "Small-sample degrees of freedom with multiple imputation", Biometrika 86, 1999,
    doi:10.1093/biomet/86.4.948.
    I. R. White, P. Royston and A. M. Wood, "Multiple imputation using chained equations: issues and guidance for
    practice", Statistics in Medicine 30, 2011, doi:10.1002/sim.4067.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer, pool
    >>> X, y = load_wine(return_X_y=True)
    >>> X, rng, results = X[:, :2], np.random.default_rng(0), []
    >>> for _ in range(5):
    ...     imputed = X.copy()
    ...     imputed[::4, 1] = rng.choice(X[1::4, 1], 45)  # had they been missing
    ...     results.append(infer(SoftmaxGLM(alpha=0).fit(imputed, y), imputed, y, distribution="t"))
    >>> pooled = pool(results)
    >>> print(pooled)
    5 imputations of 178 observations, base class: 0
    <BLANKLINE>
                 estimate  std. error      t     df  p-value    2.5%   97.5%  missing
    ---------------------------------------------------------------------------------
    1 vs 0
      Intercept    66.50        9.22    7.22  163.7  <0.0001  48.31   84.70     0.032
      x0           -5.126       0.714  -7.18  158.9  <0.0001  -6.536  -3.716    0.042
      x1            0.189       0.300   0.63   49.6   0.5317  -0.413   0.790    0.254
    2 vs 0
      Intercept    28.86        7.04    4.10  135.5  <0.0001  14.94   42.78     0.079
      x0           -2.305       0.537  -4.30  118.1  <0.0001  -3.368  -1.243    0.105
      x1            0.726       0.274   2.65   16.0   0.0174   0.146   1.306    0.512
    Standard errors: Rubin's rules; of each imputation model (inverse information).
    ...
    >>> print(pooled.test_terms())
    Pooled Wald (D1) tests of leaving out each term
    <BLANKLINE>
            F  df1    df2  p-value
    ------------------------------
    x0  25.38    2  144.3  <0.0001
    x1   5.40    2   22.1   0.0124
    """
    results = tuple(results)
    _check(results)
    return _pooled(results)


def _pooled(results: tuple[Inference, ...]) -> PooledInference:
    tables, moments = [result.coefficients for result in results], _moments_of(results)
    first = tables[0]
    shape = first.estimate.shape
    complete = np.mean([_freedom_of(result) for result in results], axis=0)
    df = moments.degrees_of_freedom(complete.ravel()).reshape(shape)
    estimate, std_error = moments.estimate.reshape(shape), np.sqrt(np.diag(moments.total)).reshape(shape)
    distribution = sampling_distribution(df)
    t, p_value = against_zero(estimate, std_error, distribution)
    reach = half_widths(std_error, distribution, first.level)
    return PooledInference(
        results=results,
        coefficients=Coefficients(
            classes=first.classes,
            reference=first.reference,
            terms=first.terms,
            estimate=estimate,
            std_error=std_error,
            z=t,
            p_value=p_value,
            lower=estimate - reach,
            upper=estimate + reach,
            is_estimable=first.is_estimable,
            may_go_either_way=first.may_go_either_way,
            level=first.level,
            df=df,
            units=first.units,
        ),
        covariance_matrix=moments.total,
        relative_increase=moments.increase.reshape(shape),
        missing_information=moments.missing_information(df.ravel()).reshape(shape),
    )


def _moments_of(results: tuple[Inference, ...]) -> Moments:
    estimates = np.stack([result.coefficients.estimate.ravel() for result in results])
    return moments_of(estimates, np.stack([result.covariance_matrix for result in results]))


def _freedom_of(result: Inference) -> FloatArray:
    """Return the degrees of freedom of every coefficient of a result, (K - 1, n_terms)."""
    table = result.coefficients
    if table.df is not None:
        return table.df
    return np.full(table.estimate.shape, np.inf if result.degrees_of_freedom is None else result.degrees_of_freedom)


def _mean_freedom(denominators: list[float | None]) -> float:
    return float(np.mean([np.inf if df is None else df for df in denominators]))


def _check(results: tuple[Inference, ...]) -> None:
    """Raise unless results can be pooled."""
    for result in results:
        if not isinstance(result, Inference):
            raise TypeError(
                f"pool got a {type(result).__name__}, expected what infer returns for each imputation: "
                "pool([infer(model, X, y) for ...])."
            )
    if len(results) < 2:
        raise ValueError(
            f"pool got {len(results)} results, expected one for each of at least 2 imputations: the differences "
            "between them tell what is missing."
        )
    for place, result in enumerate(results):
        where = f"Result {place} (of {len(results)}, from 0)"
        if result.estimate.is_penalised:
            raise ValueError(f"{where} is penalised, and its estimates are biased by design. Refit with alpha=0.")
        first = _facts(results[0])
        for what, found in _facts(result).items():
            if found != first[what]:
                raise ValueError(
                    f"{where} has {what} {found}, and the first {first[what]}. Pool fits of one model to imputations "
                    "of the same rows, inferred in the same way."
                )
        if result.known_to_one_cluster:
            raise ValueError(
                f"{where} has no standard error of {result.known_to_one_cluster[0]!r}, which one cluster alone knows "
                '(covariance="CR2"), and there is nothing to pool. Leave it out, or infer with covariance="cluster".'
            )
        if result.separated is not None or not np.isfinite(result.coefficients.std_error).all():
            raise ValueError(
                f"{where} has coefficients that are infinite or not estimable, which have no mean: its classes are "
                "separated, or columns of X are collinear. Leave out, or merge, what does that in every imputation."
            )


def _facts(result: Inference) -> dict[str, Any]:
    """Return what has to be the same of all results, by its name."""
    return {
        "the classes": result.classes.tolist(),
        "the base class": result.reference,
        "the terms": list(result.terms),
        "observations:": result.n_observations,
        "the estimates": result.estimate.kind,
        "the covariance": result.covariance.description,
        "the distribution": "normal" if result.degrees_of_freedom is None else "t",
        "the level": result.level,
    }
