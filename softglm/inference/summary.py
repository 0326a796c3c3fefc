"""The report: the same facts as lines of text, which can be pasted anywhere, and as an HTML table for notebooks."""

from __future__ import annotations

import html as markup
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

# The largest harmless condition number (Belsley, Kuh & Welsch 1980).
HARMFUL_CONDITION = 30.0
_NOT_ESTIMABLE, _EITHER = "-", "\u00b1inf"
# Decimals of the coefficients: enough for three digits of the smallest standard error, within reason.
_LEAST_DECIMALS, _MOST_DECIMALS = 2, 6
# A number of many digits before the point shows fewer behind it.
_MOST_DIGITS = 6
# No list in a note is longer.
_MOST_LISTED = 10
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
    named = {name: [(f"  {row[0]}" if name else row[0], *row[1:]) for row in rows] for name, rows in groups.items()}
    stub = max((len(text) for name, rows in named.items() for text in (name, *(row[0] for row in rows))), default=0)
    columns = zip(header, *(row[1:] for rows in named.values() for row in rows), strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = [_line("", stub, header, widths)]
    lines.append("-" * len(lines[0]))
    for name, rows in named.items():
        lines += [name] if name else []
        lines += [_line(row[0], stub, row[1:], widths) for row in rows]
    return lines


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
    return f"{kind}, base class: {inference.reference}"


def facts(inference: Inference) -> list[list[tuple[str, str]]]:
    """Return what describes the whole fit: columns of labels with their values."""
    likelihood, n = inference.likelihood, inference.n_observations
    sizes = [
        ("Observations", f"{n:,.0f}" if float(n).is_integer() else f"{n:,.2f}"),
        ("Parameters", f"{inference.n_parameters}"),
    ]
    if not inference.has_likelihood:
        log_likelihoods = [("Log pseudo-likelihood", _log(likelihood.model))]
        criteria = []
    else:
        log_likelihoods = [("Log-likelihood", _log(likelihood.model)), ("Null model", _log(likelihood.null))]
        criteria = [
            ("AIC", f"{likelihood.aic:.2f}"),
            ("BIC", f"{likelihood.bic:.2f}"),
            ("McFadden R2", f"{likelihood.mcfadden:.4f}"),
        ]
    if not inference.is_tested:
        sizes.append(("Effective", f"{inference.effective_parameters:.2f}"))
        log_likelihoods.append(("Ridge alpha", f"{inference.estimate.objective.penalty.curvature.max():.4g}"))
    elif inference.separation != "none":
        sizes.append(("Separation", inference.separation))
    else:
        name, test = inference.overall_test
        overall = [(f"{name} chi2({test.df})", f"{test.statistic:.2f}"), ("p-value", p_cell(test.p_value))]
        if inference.has_likelihood:
            sizes.append(overall[0])
            log_likelihoods.append(overall[1])
        else:
            criteria = overall
    return [sizes, log_likelihoods, criteria]


def coefficient_rows(table: Coefficients) -> dict[str, list[list[str]]]:
    """Return, for each contrast of classes, a row for each term: its name and the formatted cells."""
    decimals = decimals_for(table.std_error)
    groups = {}
    for row, name in enumerate(contrast_names(table.classes, table.reference)):
        cells = cells_of(
            estimate=table.estimate[row],
            std_error=table.std_error[row],
            z=None if table.z is None else table.z[row],
            p_value=None if table.p_value is None else table.p_value[row],
            lower=table.lower[row],
            upper=table.upper[row],
            decimals=decimals,
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
    decimals: int,
    z: FloatArray | None = None,
    p_value: FloatArray | None = None,
) -> list[list[str]]:
    """Return the formatted cells of estimates, all of shape (k,): a list for each of them."""
    columns = [[number(value, decimals) for value in values] for values in (estimate, std_error)]
    if z is not None and p_value is not None:
        columns += [[number(value, 2) for value in z], [p_cell(value) for value in p_value]]
    columns += [[number(value, decimals) for value in values] for values in (lower, upper)]
    return [list(cells) for cells in zip(*columns, strict=True)]


def notes_on(inference: Inference) -> list[str]:
    """Return what a reader has to know; that the fit is penalised comes last."""
    law = "normal" if inference.degrees_of_freedom is None else f"t({inference.degrees_of_freedom:g})"
    notes = [
        f"Standard errors: {inference.covariance.description}. Intervals: {100 * inference.level:.6g}% Wald, {law}.",
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
        found = [f"{table.terms[term]} of {table.classes[row]}" for row, term in np.argwhere(inference.hauck_donner)]
        named = ", ".join([*found[:_MOST_LISTED], "..."] if len(found) > _MOST_LISTED else found)
        notes.append(
            f"Hauck-Donner effect in {named}: z falls as the estimate grows, so the p-value is too "
            f"large. {_better_than_wald(inference)}"
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


def _line(name: str, stub: int, values: Sequence[str], widths: Sequence[int]) -> str:
    return name.ljust(stub) + "".join(f"  {value.rjust(width)}" for value, width in zip(values, widths, strict=True))


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


def decimals_for(std_error: FloatArray) -> int:
    """Return how many decimals show three digits of the smallest standard error."""
    finite = std_error[np.isfinite(std_error) & (std_error > 0.0)]
    if not len(finite):
        return _LEAST_DECIMALS
    return int(np.clip(2 - np.floor(np.log10(finite.min())), _LEAST_DECIMALS, _MOST_DECIMALS))


def number(value: float, decimals: int) -> str:
    """Return a cell for a number: a dash where there is none."""
    if np.isnan(value):
        return _NOT_ESTIMABLE
    if np.isinf(value):
        return f"{value:+}"
    if value != 0.0 and (abs(value) < 10.0**-decimals or abs(value) >= 1e7):
        return f"{value:.2e}"
    digits = int(np.floor(np.log10(abs(value)))) if value != 0.0 else 0
    return f"{value:.{max(min(decimals, _MOST_DIGITS - digits), 0)}f}"


def _log(likelihood: float) -> str:
    return f"{round(likelihood, 4) + 0.0:.4f}"  # not -0.0000


def p_cell(value: float) -> str:
    """Return a cell for a p-value."""
    return _NOT_ESTIMABLE if np.isnan(value) else "<0.0001" if value < 1e-4 else f"{value:.4f}"


def _wrapped(note: str, width: int) -> list[str]:
    return textwrap.wrap(note, width, break_long_words=False)
