"""The summary: all facts of a fit, its coefficients, and what a reader has to know."""

import numpy as np

from softglm.inference.cells import NOT_ESTIMABLE, estimate_headings, number, p_cell
from softglm.inference.coefficients import EITHER_SIGN, coefficient_rows
from softglm.inference.estimate import Estimate
from softglm.inference.facts import Facts
from softglm.inference.tables import Content

# The largest harmless condition number (Belsley, Kuh & Welsch 1980).
_HARMFUL_CONDITION = 30.0
# No list in a note is longer.
_MOST_LISTED = 10
# The share of a coefficient that is rounding.
_ROUNDING = 1e-7
# Standard errors from the optimum that a summary need not mention.
_OPTIMUM = 1e-6

_BIAS_REDUCED = (
    "Estimates: bias-reduced (Firth 1993), of the largest log-likelihood plus half the log determinant of the "
    "information. Likelihood-ratio tests and profile intervals are of that sum."
)


def content(inference: Facts) -> Content:
    """Return the summary: the table of coefficients, what describes the fit above it, and notes below."""
    return Content(
        headings(inference),
        coefficient_rows(inference.coefficients),
        title=title(inference),
        facts=facts(inference),
        notes=notes_on(inference),
    )


def title(inference: Facts) -> str:
    """Return what was fitted, and the base class."""
    kind = "Binary logit" if len(inference.classes) == 2 else "Multinomial logit"
    how = "Bias-reduced" if inference.estimate.is_bias_reduced else "" if inference.is_tested else "Penalised"
    if how:
        kind = f"{how} {kind[0].lower()}{kind[1:]}"
    chosen = f" ({inference.how_based})" if inference.how_based else ""
    return f"{kind}, base class: {inference.reference}{chosen}"


def facts(inference: Facts) -> list[list[tuple[str, str]]]:
    """Return what describes the whole fit: columns of labels with their values."""
    likelihood, n = inference.likelihood, inference.n_observations
    sizes = [
        ("Observations", f"{n:,.0f}" if float(n).is_integer() else f"{n:,.2f}"),
        ("Parameters", f"{inference.n_parameters}"),
    ]
    is_trusted = inference.has_likelihood and not inference.covariance.is_robust
    log_likelihoods = [("Log-likelihood", _fixed(likelihood.model)), ("Null model", _fixed(likelihood.null))]
    criteria = [("McFadden R2", _fixed(likelihood.mcfadden))]
    if not inference.has_likelihood:
        log_likelihoods, criteria = [("Log pseudo-likelihood", _fixed(likelihood.model))], []
    elif is_trusted:
        criteria = [("AIC", f"{likelihood.aic:.2f}"), ("BIC", f"{likelihood.bic:.2f}"), *criteria]
    if not inference.is_tested:
        sizes.append(("Effective", f"{inference.effective_parameters:.2f}"))
        log_likelihoods.append(("Ridge alpha", _strengths(inference.estimate)))
    else:
        name, test = inference.overall_test
        overall = [(f"{name} {test.name}", number(test.statistic, 2)), ("p-value", p_cell(test.p_value))]
        if test.df and is_trusted:
            sizes.append(overall[0])
            log_likelihoods.append(overall[1])
        elif test.df:  # else it is the null model
            criteria += overall
        if inference.separation != "none":
            sizes.append(("Separation", inference.separation))
    return [sizes, log_likelihoods, criteria]


def _strengths(estimate: Estimate) -> str:
    """Return the strength of the ridge on the features, or the least and the largest."""
    strengths = estimate.objective.penalty.curvature[: estimate.objective.rows.n_features]
    ends = [f"{strength:.4g}" for strength in (strengths.min(), strengths.max())]
    return " to ".join(dict.fromkeys(ends))


def notes_on(inference: Facts) -> list[str]:
    """Return what a reader has to know; that the fit is penalised comes last."""
    law = "normal" if inference.degrees_of_freedom is None else f"t({inference.degrees_of_freedom:g})"
    if inference.coefficients.df is not None:
        law = "t with Satterthwaite's df"
    notes = [
        f"Standard errors: {inference.covariance.description}. Intervals: {100 * inference.level:.6g}% Wald, {law}.",
        *_notes_on_the_model(inference),
        *inference.notes,
    ]
    if inference.estimate.is_bias_reduced:
        notes.insert(0, _BIAS_REDUCED)
    if inference.optimisation_error > _OPTIMUM:
        notes.append(
            f"Rounding stopped the fit {inference.optimisation_error:.1g} standard errors from its optimum. Centre and "
            "scale the columns of X."
        )
    if inference.is_collinear:
        notes.append(
            f"Not estimable ({NOT_ESTIMABLE}): columns of X are collinear, and only combinations of these "
            "coefficients are determined by the data. Drop the redundant columns; of one-hot columns, by "
            'OneHotEncoder(drop="first").'
        )
    elif _HARMFUL_CONDITION < inference.condition_number < np.inf:
        notes.append(
            f"Condition number {inference.condition_number:,.0f}: nearly collinear columns inflate standard errors."
        )
    if inference.hauck_donner.any():
        table = inference.coefficients
        affected = np.argwhere(inference.hauck_donner)
        found = [f"{table.terms[term]} of {table.classes[row]}" for row, term in affected]
        named = ", ".join([*found[:_MOST_LISTED], "..."] if len(found) > _MOST_LISTED else found)
        notes.append(
            f"Hauck-Donner effect in {named}: z would fall if the estimate were larger, so that the p-value may be far "
            f"too large. {_better_than_wald(inference)}"
        )
    if inference.separation != "none":
        either = f" (at {EITHER_SIGN} the data leave the sign open)" if inference.may_go_either_way.any() else ""
        notes.append(
            f"The classes are separated: coefficients at infinity{either} have no finite maximum-likelihood estimate, "
            "and the others are of the limit. A penalty (alpha > 0) makes all of them finite, and so does infer with "
            'estimates="bias-reduced".'
        )
    if not inference.is_tested:
        notes.append(
            "Penalised: the coefficients are shrunk towards zero, so there are no z and no p-values, and the intervals "
            "do not allow for the bias. Refit with alpha=0 to test."
        )
    return notes


def _notes_on_the_model(inference: Facts) -> list[str]:
    """Return what has to be known of the null model, of constant columns and of the covariance."""
    objective, constant = inference.estimate.objective, inference.estimate.constant
    notes = []
    if constant is None:
        notes.append("Null model: no intercept, and X holds no constant, so that it has no parameters.")
    elif not objective.fit_intercept:
        columns = np.flatnonzero(np.abs(constant) > _ROUNDING * np.abs(constant).max())
        what = "holds a constant" if len(columns) > 1 else f"holds a constant, {inference.features[columns[0]]}"
        notes.append(f"Null model: constants only, for X {what}.")
    if inference.constant_features:
        names = ", ".join(inference.constant_features[:_MOST_LISTED])
        notes.append(f"Constant: {names}. Nothing tells its coefficients from the intercept; leave it out.")
    # Where classes are separated altogether the covariance of the model knows no direction either: that is told before.
    if inference.covariance.is_robust and not inference.covariance.root.shape[1] and inference.estimate.n_parameters:
        notes.append(
            "The residuals add up to 0 in every unit of the covariance: they know no variance, and there are no "
            "standard errors. Use other clusters, or the model covariance."
        )
    alone = inference.known_to_one_cluster
    if alone:
        more = f" and {len(alone) - _MOST_LISTED} more" if len(alone) > _MOST_LISTED else ""
        notes.append(
            f"No standard error: {', '.join(alone[:_MOST_LISTED])}{more}. One cluster alone knows of "
            f"{'it' if len(alone) == 1 else 'each'}, whose residuals do not show how far that is off. Predictions "
            "and effects that hang on it have none either."
        )
    if inference.covariance.indefinite is not None:
        notes.append(
            "The two-way clustered covariance of the coefficients was indefinite: its negative eigenvalues are set to "
            "0 (Cameron, Gelbach & Miller 2011)."
        )
    if inference.is_tested:
        _, test = inference.overall_test
        if test.n_restrictions is not None and test.df < test.n_restrictions:
            asked = f"{test.n_restrictions} restrictions"
            notes.append(
                f"The overall test is of {test.df} of {asked}: the covariance has no more rank."
                if test.df
                else f"There is no overall test of {asked}: the clusters are too few for so many."
            )
    return notes


def _better_than_wald(inference: Facts) -> str:
    if not inference.has_likelihood:
        return "Sampling and class weights leave no likelihood to test by instead."
    remedy = "Use likelihood-ratio tests and profile intervals"
    return f'{remedy}, of covariance="model".' if inference.covariance.is_robust else f"{remedy}."


def headings(inference: Facts) -> list[str]:
    """Return the names of the columns of the coefficient table."""
    tested = ("z" if inference.degrees_of_freedom is None else "t") if inference.is_tested else None
    return estimate_headings(inference.level, tested, has_df=inference.coefficients.df is not None)


def _fixed(value: float) -> str:
    return f"{round(value, 4) + 0.0:.4f}"  # not -0.0000
