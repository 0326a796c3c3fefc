"""The report: the same facts as lines of text, which can be pasted anywhere, and as an HTML table for notebooks."""

from __future__ import annotations

import html as markup
import re
import textwrap
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from softglm.arrays import FloatArray
    from softglm.inference.coefficients import Coefficients
    from softglm.inference.inference import Inference

_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?")
# The largest harmless condition number (Belsley, Kuh & Welsch 1980).
HARMFUL_CONDITION = 30.0
_NOT_ESTIMABLE, _EITHER = "-", "\u00b1inf"
# Below a table of what the data do not determine.
LEFT_OPEN = "-: infinite estimates leave it open, or collinear columns."
# Decimals of a row: enough for three digits of its standard error; where that takes more, exponents.
_LEAST_DECIMALS, _MOST_DECIMALS, _EXPONENT_DECIMALS = 2, 6, 2
# A number of many digits before the point shows fewer behind it.
_MOST_DIGITS = 6
# No list in a note is longer.
_MOST_LISTED = 10
# The share of a coefficient that is rounding.
_ROUNDING = 1e-7
# Standard errors from the optimum that a report need not mention.
_OPTIMUM = 1e-6
# Notes are not broken narrower than this, however narrow the table.
_LEAST_WIDTH = 72


def text(inference: Inference) -> str:
    """Return the report as plain text."""
    table = aligned(headings(inference), coefficient_rows(inference.coefficients))
    rule = "-" * len(table[0])
    notes = [line for note in notes_on(inference) for line in _wrapped(note, max(len(rule), _LEAST_WIDTH))]
    return "\n".join([title(inference), "", *_columns_of_facts(facts(inference)), "", *table, rule, *notes])


def aligned(header: Sequence[str], groups: Mapping[str, Sequence[Sequence[str]]]) -> list[str]:
    """Return the lines of a table: a head, a rule, and under the name of each group its rows.

    Parameters
    ----------
    header : sequence of str
        The names of the columns, but for the first, which has the names of rows.
    groups : dict from name to rows of cells
        A group without a name is not indented.
    """
    names = [f"  {row[0]}" if name else row[0] for name, rows in groups.items() for row in rows]
    stub = max(map(len, (*names, *groups)), default=0)
    cells = [row[1:] for rows in groups.values() for row in rows]
    columns = [_at_the_point(column) for column in zip(*cells, strict=True)] or [[] for _ in header]
    widths = [max(map(len, (title, *column))) for title, column in zip(header, columns, strict=True)]
    lines = [_line("", header, stub, widths)]
    lines.append("-" * len(lines[0]))
    rest = zip(names, zip(*columns, strict=True), strict=True)
    for name, rows in groups.items():
        lines += [name] if name else []
        lines += [_line(*next(rest), stub, widths) for _ in rows]
    return lines


def _at_the_point(cells: Sequence[str]) -> list[str]:
    """Return cells that stand with their decimal points below one another, set flush right."""
    places = [len(cell.partition(".")[2]) if _DECIMAL.fullmatch(cell) else -1 for cell in cells]
    most = max(places, default=0)
    return [cell if place < 0 else cell + " " * (most - place) for cell, place in zip(cells, places, strict=True)]


def html(inference: Inference) -> str:
    """Return the report as HTML."""
    left = ' style="text-align:left"'
    header = headings(inference)
    body = []
    for name, rows in coefficient_rows(inference.coefficients).items():
        body.append(_row([name], f' colspan="{len(header) + 1}"{left}', "th"))
        body += [f"<tr>{_cells([term], left)}{_cells(values)}</tr>" for term, *values in rows]
    numbers = "".join(
        f"<tr>{''.join(_cells([label], left) + _cells([value]) for label, value in line)}</tr>"
        for line in zip_longest(*facts(inference), fillvalue=("", ""))
    )
    notes = "".join(f"<div>{markup.escape(note)}</div>" for note in notes_on(inference))
    return (
        f"<div><b>{markup.escape(title(inference))}</b></div><table>{numbers}</table>"
        f"<table><thead>{_row(['', *header], '', 'th')}</thead><tbody>{''.join(body)}</tbody></table>{notes}"
    )


def title(inference: Inference) -> str:
    """Return what was fitted, and the base class."""
    kind = "Binary logit" if len(inference.classes) == 2 else "Multinomial logit"
    if not inference.is_tested:
        kind = f"Penalised {kind[0].lower()}{kind[1:]}"
    chosen = f" ({inference.how_based})" if inference.how_based else ""
    return f"{kind}, base class: {inference.reference}{chosen}"


def facts(inference: Inference) -> list[list[tuple[str, str]]]:
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
        log_likelihoods.append(("Ridge alpha", f"{inference.estimate.objective.penalty.curvature.max():.4g}"))
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


def coefficient_rows(table: Coefficients) -> dict[str, list[list[str]]]:
    """Return, for each contrast of classes, a row for each term: its name and the formatted cells."""
    groups = {}
    for row, name in enumerate(contrast_names(table.classes, table.reference)):
        cells = cells_of(
            estimate=table.estimate[row],
            std_error=table.std_error[row],
            z=None if table.z is None else table.z[row],
            p_value=None if table.p_value is None else table.p_value[row],
            lower=table.lower[row],
            upper=table.upper[row],
        )
        for column in np.flatnonzero(table.may_go_either_way[row]):
            cells[column][0] = _EITHER
        groups[name] = [[term, *of_term] for term, of_term in zip(table.terms, cells, strict=True)]
    return groups


def contrast_names(classes: npt.NDArray[Any], reference: Any) -> list[str]:  # noqa: ANN401 - a class is what the user's labels are
    """Return what each row of a coefficient table is about."""
    return [str(name) if reference is None else f"{name} vs {reference}" for name in classes]


def cells_of(
    *,
    estimate: FloatArray,
    std_error: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    decimals: int | None = None,
    z: FloatArray | None = None,
    p_value: FloatArray | None = None,
) -> list[list[str]]:
    """Return the formatted cells of estimates, all of shape (k,): a list for each of them.

    With so many decimals, or by default with as many as the standard error of each has digits.
    """
    places = [_decimals_for(error) if decimals is None else decimals for error in std_error]

    def formatted(values: FloatArray) -> list[str]:
        return [number(value, place) for value, place in zip(values, places, strict=True)]

    columns = [formatted(estimate), formatted(std_error)]
    if z is not None and p_value is not None:
        columns += [[number(value, 2) for value in z], [p_cell(value) for value in p_value]]
    columns += [formatted(lower), formatted(upper)]
    return [list(cells) for cells in zip(*columns, strict=True)]


def notes_on(inference: Inference) -> list[str]:
    """Return what a reader has to know; that the fit is penalised comes last."""
    law = "normal" if inference.degrees_of_freedom is None else f"t({inference.degrees_of_freedom:g})"
    notes = [
        f"Standard errors: {inference.covariance.description}. Intervals: {100 * inference.level:.6g}% Wald, {law}.",
        *_notes_on_the_model(inference),
        *inference.notes,
    ]
    if inference.optimisation_error > _OPTIMUM:
        notes.append(
            f"Rounding stopped the fit {inference.optimisation_error:.1g} standard errors from its optimum. Centre and "
            "scale the columns of X."
        )
    if inference.is_collinear:
        notes.append(
            f"Not estimable ({_NOT_ESTIMABLE}): columns of X are collinear, and only combinations of these "
            "coefficients are determined by the data. Drop the redundant columns; of one-hot columns, by "
            'OneHotEncoder(drop="first").'
        )
    elif HARMFUL_CONDITION < inference.condition_number < np.inf:
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
        either = f" (at {_EITHER} the data leave the sign open)" if inference.may_go_either_way.any() else ""
        notes.append(
            f"The classes are separated: coefficients at infinity{either} have no finite maximum-likelihood estimate, "
            "and the others are of the limit. A penalty (alpha > 0) makes all of them finite."
        )
    if not inference.is_tested:
        notes.append(
            "Penalised: the coefficients are shrunk towards zero, so there are no z and no p-values, and the intervals "
            "do not allow for the bias. Refit with alpha=0 to test."
        )
    return notes


def _notes_on_the_model(inference: Inference) -> list[str]:
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
    if not inference.covariance.root.shape[1] and inference.estimate.n_parameters:
        notes.append(
            "The residuals add up to 0 in every unit of the covariance: they know no variance, and there are no "
            "standard errors. Use other clusters, or the model covariance."
        )
    if inference.covariance.indefinite is not None:
        notes.append(
            "The two-way clustered covariance of the coefficients was indefinite: its negative eigenvalues are set to "
            "0 (Cameron, Gelbach & Miller 2011)."
        )
    if inference.is_tested:
        _, test = inference.overall_test
        if test.n_restrictions is not None and test.df < test.n_restrictions:
            notes.append(
                f"The overall test is of {test.df} of {test.n_restrictions} restrictions: the covariance has no more "
                "rank."
            )
    return notes


def _better_than_wald(inference: Inference) -> str:
    if not inference.has_likelihood:
        return "Sampling and class weights leave no likelihood to test by instead."
    remedy = "Use likelihood-ratio tests and profile intervals"
    return f'{remedy}, of covariance="model".' if inference.covariance.is_robust else f"{remedy}."


def headings(inference: Inference) -> list[str]:
    """Return the names of the columns of the coefficient table."""
    tested = ("z" if inference.degrees_of_freedom is None else "t") if inference.is_tested else None
    return estimate_headings(inference.level, tested)


def estimate_headings(level: float, statistic: str | None = None, estimate: str = "estimate") -> list[str]:
    """Return the names of the columns of estimates with their standard errors, tests (if any) and intervals."""
    tail = 50.0 * (1.0 - level)
    tests = [] if statistic is None else [statistic, "p-value"]
    return [estimate, "std. error", *tests, f"{tail:.4g}%", f"{100.0 - tail:.4g}%"]


def _line(name: str, values: Sequence[str], stub: int, widths: Sequence[int]) -> str:
    cells = "".join(f"  {value.rjust(width)}" for value, width in zip(values, widths, strict=True))
    return f"{name.ljust(stub)}{cells}".rstrip()


def _columns_of_facts(columns: list[list[tuple[str, str]]]) -> list[str]:
    """Return lines with the columns of labels and values side by side."""
    printed = []
    for column in filter(None, columns):
        label, value = (max(len(pair[side]) for pair in column) for side in (0, 1))
        printed.append([f"{name.ljust(label)}  {number.rjust(value)}" for name, number in column])
    widths = [len(column[0]) for column in printed]
    return [
        "    ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in zip_longest(*printed, fillvalue="")
    ]


def _cells(values: Sequence[str], attributes: str = "", tag: str = "td") -> str:
    return "".join(f"<{tag}{attributes}>{markup.escape(value)}</{tag}>" for value in values)


def _row(values: Sequence[str], attributes: str, tag: str) -> str:
    return f"<tr>{_cells(values, attributes, tag)}</tr>"


def _decimals_for(std_error: float) -> int:
    """Return how many decimals show three digits of a standard error."""
    if not (std_error > 0.0 and np.isfinite(std_error)):
        return _LEAST_DECIMALS
    return max(2 - int(np.floor(np.log10(std_error))), _LEAST_DECIMALS)


def number(value: float, decimals: int) -> str:
    """Return a cell for a number: a dash where there is none; an exponent where it is too large or too small."""
    if np.isnan(value):
        return _NOT_ESTIMABLE
    if np.isinf(value):
        return f"{value:+}"
    is_small = decimals > _MOST_DECIMALS or abs(value) < 10.0**-decimals
    if value != 0.0 and (is_small or abs(value) >= 1e7):
        return f"{value:.{_EXPONENT_DECIMALS}e}"
    digits = int(np.floor(np.log10(abs(value)))) if value != 0.0 else 0
    return f"{value:.{max(min(decimals, _MOST_DIGITS - digits), 0)}f}"


def _fixed(value: float) -> str:
    return f"{round(value, 4) + 0.0:.4f}"  # not -0.0000


def p_cell(value: float) -> str:
    """Return a cell for a p-value."""
    return _NOT_ESTIMABLE if np.isnan(value) else "<0.0001" if value < 1e-4 else f"{value:.4f}"


def _wrapped(note: str, width: int) -> list[str]:
    return textwrap.wrap(note, width, break_long_words=False)
