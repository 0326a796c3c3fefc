"""Formulas, as R and patsy have them: a step of a pipeline that makes columns of ``ses * write + bs(age, 4)``."""

import re
import warnings
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from softglm.arrays import FloatArray
from softglm.optional import needed

if TYPE_CHECKING:
    import pandas as pd

# The name that formulaic has for the constant.
_INTERCEPT = "1"
# Names in a message.
_MOST_LISTED = 10


@final
class Formula(TransformerMixin, BaseEstimator):
    """A formula as a step of a pipeline: it makes the columns of the model of those of a data frame.

    formulaic reads it. Text columns and ``C(x)`` are factors, coded against their first level; ``a:b`` is an
    interaction, ``a * b`` short for ``a + b + a:b``, ``.`` all columns but the response; ``bs(x, 4)``, ``poly(x, 2)``,
    ``scale(x)``, ``log(x)`` and arithmetic in ``I(x**2)`` are evaluated, with what they took from the data of the fit.

    The formula's intercept makes no column, since the model has one of its own: ``SoftmaxGLM(fit_intercept=True)``. A
    formula that leaves it out, ``0 + ses``, codes the first factor by all of its levels, and belongs to a model with
    ``fit_intercept=False``.

    Parameters
    ----------
    formula : str
        The right-hand side, ``"C(ses) * write"``, or with the response on the left, ``"prog ~ C(ses) * write"``. The
        response is what `fit` gets as y: the name on the left must be that of y, if y has one, and where it is a column
        of X, that has to tell the rows apart as y does.

    Attributes
    ----------
    spec_ : formulaic.ModelSpec
        The formula, with levels, knots, means and what else its terms took from the data.
    feature_names_in_ : array of shape (n_columns,)
        All columns of X; those that the formula does not name need not be there again.
    n_features_in_ : int
        How many.

    Raises
    ------
    ImportError
        If formulaic is not installed: ``pip install ".[formula]"`` in a clone.

    Notes
    -----
    A formula is code, and evaluated: take none from strangers.

    `softglm.infer` sees through it, as through any pipeline: effects and contrasts are of the columns of the data
    frame, and ``test_terms(by="variable")`` gives tests of type II.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from softglm import SoftmaxGLM, infer
    >>> from softglm.formula import Formula
    >>> rng = np.random.default_rng(0)
    >>> data = pd.DataFrame({"ses": rng.choice(["low", "middle", "high"], 300), "write": rng.normal(52, 9, 300)})
    >>> score = 0.08 * data["write"] + (data["ses"] == "high") + rng.logistic(size=300)
    >>> data["prog"] = np.where(score > 5, "academic", np.where(score > 4, "general", "vocational"))
    >>> model = make_pipeline(Formula("prog ~ ses * bs(write, 3)"), SoftmaxGLM(alpha=0)).fit(data, data["prog"])
    >>> model[0].get_feature_names_out()[:3].tolist()
    ['ses[T.low]', 'ses[T.middle]', 'bs(write, 3)[1]']
    >>> result = infer(model, data, data["prog"])
    >>> print(result.test_terms(by="variable"))
    Likelihood-ratio tests of leaving out each term, given those that do not contain it (type II)
    <BLANKLINE>
                chi2  df  p-value
    -----------------------------
    ses        17.35   4   0.0017
    write      37.06   6  <0.0001
    ses:write   8.71  12   0.7275
    >>> print(result.marginal_effects())
    Average marginal effects, on the probability of each class
    <BLANKLINE>
                               estimate  std. error      z  p-value      2.5%     97.5%
    -----------------------------------------------------------------------------------
    ses (from high to low)
      academic                 -0.2100      0.0633   -3.32   0.0009  -0.3341   -0.0859
      general                   0.0521      0.0625    0.83   0.4042  -0.0703    0.1746
      vocational                0.1579      0.0647    2.44   0.0146   0.0312    0.2847
    ...
    write
      academic                  0.01280     0.00288   4.45  <0.0001   0.00717   0.01844
      general                   0.00304     0.00266   1.14   0.2527  -0.00217   0.00825
      vocational               -0.01584     0.00303  -5.22  <0.0001  -0.02179  -0.00990
    """

    def __init__(self, formula: str) -> None:
        self.formula = formula

    def fit(self, X: Any, y: Any = None) -> Self:
        """Take levels, knots, means and so on from the data.

        Parameters
        ----------
        X : pandas or polars data frame of shape (n, ...)
            With a column for each variable of the formula, without missing values.
        y : array-like of shape (n, ...), default=None
            What the left-hand side of the formula names, if there is one.

        Returns
        -------
        Formula
            This one.

        Raises
        ------
        TypeError
            If X is no data frame.
        ValueError
            If the formula has no terms, or several parts; X misses columns or values; y is not what the formula names.
        """
        names = _names_of(X)
        terms, response = _parsed(self.formula, names)
        if response is not None and y is not None:
            _check_response(response, X, y)
        frame = _complete(X, _named(terms, names))
        self.spec_ = _evaluated(terms, frame, output="numpy", na_action="raise").model_spec
        self.feature_names_in_, self.n_features_in_ = np.array(names, dtype=object), len(names)
        if not len(self._columns):
            raise ValueError(
                f"The formula {self.formula!r} has no terms but the intercept, which the model has itself: it makes no "
                "columns. Name a variable; for a model without any, see infer(...).null."
            )
        return self

    def transform(self, X: Any) -> FloatArray:
        """Make the columns of the model.

        Parameters
        ----------
        X : pandas or polars data frame of shape (n, ...)
            With the columns that the formula names on its right-hand side.

        Returns
        -------
        array of shape (n, p)
            In the order of `get_feature_names_out`.

        Raises
        ------
        TypeError
            If X is no data frame.
        ValueError
            If X misses columns or values, or has levels that the fit did not see.
        """
        check_is_fitted(self)
        from formulaic.errors import DataMismatchWarning

        frame = _complete(X, self._required())
        with warnings.catch_warnings():
            warnings.simplefilter("error", DataMismatchWarning)
            try:
                matrix = _evaluated(self.spec_, frame)
            except DataMismatchWarning:
                raise ValueError(self._unknown_levels(frame)) from None
        return np.asarray(matrix, dtype=np.float64)[:, self._columns]

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """Return the names of the columns of the model, as formulaic has them: ``C(ses)[T.low]:write``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored: the names are of the columns of the fit.

        Returns
        -------
        array of str of shape (p,)
            In the order of the columns.
        """
        del input_features
        check_is_fitted(self)
        return np.array(self.spec_.column_names, dtype=object)[self._columns]

    @property
    def _columns(self) -> npt.NDArray[np.intp]:
        """The columns of the formula that are no constant."""
        indices = self.spec_.term_indices
        kept = [column for term, columns in indices.items() if str(term) != _INTERCEPT for column in columns]
        return np.array(kept, dtype=np.intp)

    def _required(self) -> set[str]:
        """Return the columns that X has to have; of those named ``a.b`` formulaic tells only ``a``."""
        told = set(map(str, self.spec_.required_variables))
        dotted = [name for name in self.feature_names_in_ if "." in name and name.partition(".")[0] in told]
        found = _named(self.spec_.formula, dotted)
        return found | (told - ({name.partition(".")[0] for name in found} - set(self.feature_names_in_)))

    def _unknown_levels(self, X: "pd.DataFrame") -> str:
        """Return what to say of levels that were not seen."""
        told = []
        for factor, (_, state) in self.spec_.encoder_state.items():
            name, known = re.sub(r"^C\((\w+)[,)].*$", r"\1", factor, flags=re.DOTALL), state.get("categories", ())
            unknown = [value for value in dict.fromkeys(X[name].tolist()) if value not in known] if name in X else []
            if unknown and len(known):
                told.append(f" {name!r}: {unknown[:_MOST_LISTED]!r}, seen were {list(known)[:_MOST_LISTED]!r}.")
        return (
            f"The formula got levels that the fit has not seen.{''.join(told)} Leave these rows out, merge the levels "
            "with others, or fit with rows that have them."
        )


def _names_of(X: Any) -> list[str]:
    """Return the names of the columns; raise unless X is a data frame."""
    if not (hasattr(X, "columns") and hasattr(X, "shape")):
        raise TypeError(
            f"Formula got a {type(X).__name__}, expected a data frame: a formula names its columns. Pass "
            "pandas.DataFrame(X, columns=[...])."
        )
    return [str(name) for name in X.columns]


def _parsed(formula: str, names: list[str]) -> tuple[Any, str | None]:
    """Return the terms on the right-hand side, and the name on the left, if there is one."""
    with needed("Formula", "formulaic", "formula"):
        import formulaic
    terms = formulaic.Formula(formula, _context={"__formulaic_variables_available__": names})
    response = None
    if isinstance(terms, formulaic.formula.StructuredFormula):
        left, terms = getattr(terms, "lhs", None), getattr(terms, "rhs", terms)
        response = None if left is None else str(left).strip("`")
        if left is not None and not (
            isinstance(left, formulaic.SimpleFormula) and left.required_variables == {response}
        ):
            raise ValueError(
                f"The left-hand side of {formula!r} has to be the name of the response. Compute what else it is "
                "beforehand, and pass that as y."
            )
    if not isinstance(terms, formulaic.SimpleFormula):
        raise ValueError(f"The formula {formula!r} has several parts, expected one right-hand side. Leave out the |.")
    return terms, response


def _check_response(name: str, X: Any, y: Any) -> None:
    """Raise if y is certainly not what the formula names."""
    named = getattr(y, "name", None)
    if isinstance(named, str) and named != name:
        raise ValueError(
            f"The formula is of {name!r}, y is {named!r}. Pass what the formula names as y, or leave out its left-hand "
            "side."
        )
    if name not in X.columns or np.shape(y) != (len(X),):
        return
    # y may be coded by other labels than the column.
    (values, n_values), (labels, n_labels) = _coded(X[name]), _coded(y)
    if not n_values == n_labels == len(np.unique(values * n_labels + labels)):
        raise ValueError(
            f"The formula is of {name!r}, and y is not: rows with the same value of one have different values of the "
            f"other. Pass X[{name!r}] as y, or leave out the left-hand side of the formula."
        )


def _coded(column: Any) -> tuple[npt.NDArray[np.intp], int]:
    """Return a number for each value, and how many there are."""
    import pandas as pd

    codes, known = pd.factorize(np.asarray(column), use_na_sentinel=False)
    return codes, len(known)


def _named(terms: Any, names: list[str]) -> set[str]:
    """Return the columns that occur as words in the terms: before these are evaluated, formulaic knows only some."""
    told = " ".join(factor.expr for term in terms for factor in term.factors)
    return {name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", told)}


def _evaluated(terms: Any, frame: "pd.DataFrame", **options: Any) -> Any:
    """Return the matrix of terms, which know their levels, knots and so on if they are those of a fit."""
    from formulaic.errors import FactorEvaluationError

    try:
        return terms.get_model_matrix(frame, context={}, **options)
    except FactorEvaluationError as error:
        raise ValueError(
            f"The formula could not be evaluated: {error} Correct it, or X; names that are no words go in backticks."
        ) from error


def _complete(X: Any, variables: set[str]) -> "pd.DataFrame":
    """Return the columns of X that a formula names as a pandas data frame; raise where they or values are missing."""
    import pandas as pd

    names = _names_of(X)
    absent = sorted(variables - set(names))
    if absent:
        raise ValueError(
            f"The formula names {', '.join(map(repr, absent))}, and X has only the columns {names[:_MOST_LISTED]}. Add "
            "what is missing."
        )
    if isinstance(X, pd.DataFrame):
        frame = X[[name for name in X.columns if str(name) in variables]]
    else:
        frame = pd.DataFrame({name: _pandas_column(X[name]) for name in names if name in variables})
    missing = frame.isna()
    if missing.to_numpy().any():
        columns = [str(name) for name in frame.columns[missing.any()]]
        raise ValueError(
            f"{int(missing.any(axis=1).sum())} of {len(frame)} rows have missing values in "
            f"{', '.join(map(repr, columns[:_MOST_LISTED]))}, and a formula takes complete rows. Drop them from X and "
            f"y (X = X.dropna(subset={columns[:_MOST_LISTED]}); y = y.loc[X.index]), or impute in a step before, with "
            'set_output(transform="pandas").'
        )
    return frame


def _pandas_column(column: Any) -> Any:
    """Return a column of polars for pandas; the categories of an Enum keep their order."""
    import pandas as pd
    import polars as pl

    if isinstance(column.dtype, pl.Enum):
        return pd.Categorical(column.to_list(), categories=column.dtype.categories.to_list())
    return column.to_numpy()
