"""What ``python -m softglm`` prints: a comparison as text for a terminal of 100 columns, or as JSON."""

import json
import math
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import numpy as np
import sklearn

from softglm.cli.comparison import Choice, Comparison, FittedModel, Optimum, Score, class_shares
from softglm.cli.inferring import Refusal, Report
from softglm.cli.large_files import LargeFit
from softglm.cli.tables import Table, Weights, count, on_one_line, shortlist
from softglm.version import __version__

_WIDTH = 100
_MAX_SHOWN = 12
_MAX_NAME = 20
_GAP = 3
_MAX_ADVICE = 5
_EMPTY = "(empty)"
# Below this share, the distance of an optimum computed in float64 is only rounding.
ROUNDING = 1e-13
_SCORE_NOTE = "accuracy, log loss: on held-out rows, mean over folds; fit time (one thread), iterations: median."
_RIDGE, _ELASTIC_NET = "alpha/2 ||coef||^2", "alpha (l1_ratio ||coef||_1 + (1 - l1_ratio)/2 ||coef||^2)"
_DISTANCE_NOTE = (
    "distance to optimum: (f - f*) / (f_null - f*) on the rows fitted, in the worst fold. f is each one's own "
    "objective, mean log loss + {penalty} in the coordinates it sees; f_null is f without features."
)
_REFERENCES = "Relative to the first value of each text: {}."
_IMPUTED = "Imputed values count as if they had been observed: standard errors are smaller than they should be."
_PENALTY = (
    "--alpha 0.01, say, makes coefficients finite, and leaves intervals without p-values; in Python, infer with "
    'estimates="bias-reduced" leaves both.'
)
_SCALE_NOTE = (
    "Raw and standardised columns are two models, with an optimum f* each, since a penalty depends on units. Which of "
    "them predicts better is asked of held-out rows, in the columns accuracy and log loss; how near a fit came to its "
    "own optimum is another question, and the distance answers it."
)


def as_text(comparison: Comparison, report: Report | None = None) -> str:
    """Return a comparison as an aligned table, the strongest coefficients of each class, and what `infer` reports."""
    table = comparison.table
    model = _model_line(comparison.choice, len(table.codes), comparison.fitted)
    coefficients = _coefficient_lines(comparison.fitted, table.classes)
    compared = [*_introduction(comparison), *_score_lines(comparison), "", *_wrapped(model), *coefficients]
    return _joined([*compared, *_report_lines(report)])


def large_as_text(large: LargeFit) -> str:
    """Return what is said of a fit to a large file: how well it predicts, and the strongest coefficients."""
    introduction = _wrapped(
        f"{large.name}: {large.n_rows} rows, {count(large.n_features, 'feature')}, {len(large.classes)} classes "
        f"({shortlist(list(map(on_one_line, large.classes)))}). It is too large for a comparison: SoftmaxGLM is "
        "fitted to all rows, where they are. --sample 100000 compares on so many of them.",
        *map(on_one_line, large.notes),
        f"{_penalty(large.choice, 'n' if large.weights is None else 'W')}.",
        f"Accuracy {large.accuracy:.4f}, log loss {large.log_loss:.4f} on these rows; knowing only the class shares, "
        f"log loss {large.null_log_loss:.4f}. {large.n_passes} passes over the rows, {large.seconds:.1f} s.",
    )
    model = _model_line(large.choice, large.n_rows, large.fitted)
    return _joined(
        [
            *introduction,
            "",
            *_wrapped(model),
            *_coefficient_lines(large.fitted, large.classes),
            *_report_lines(large.report),
        ]
    )


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(line.rstrip() for line in lines)


def _introduction(comparison: Comparison) -> list[str]:
    table = comparison.table
    counts = np.bincount(table.codes)
    sizes = [f"{on_one_line(name) or _EMPTY} {count}" for name, count in zip(table.classes, counts, strict=True)]
    rows = f"{len(table.codes)} rows, {count(table.X.shape[1], 'feature')}, {len(counts)} classes"
    penalty = _penalty(comparison.choice, "n" if table.weights is None else "W")
    shares = class_shares(table.codes, table.row_weights)
    return _wrapped(
        f"{table.name}: {rows} ({shortlist(sizes)}).",
        *map(on_one_line, table.notes),
        f"{comparison.n_folds}-fold cross-validation, stratified and shuffled; {penalty}.",
        f"Knowing only the class shares: accuracy {shares.max():.4f}, log loss {-shares @ np.log(shares):.4f}.",
    )


def _penalty(choice: Choice, total: str = "n") -> str:
    """Return what is penalised, and how LogisticRegression is told; the rows together have this weight."""
    if choice.alpha is None:
        penalty = f"alpha = 1/{total} (LogisticRegression: C=1)"
    elif choice.alpha > 0.0:
        penalty = f"alpha = {choice.alpha:g} (LogisticRegression: C=1/(alpha {total}))"
    else:
        return "alpha = 0, no penalty (LogisticRegression: C=inf)"
    if choice.l1_ratio > 0.0:
        penalty += f", l1_ratio = {choice.l1_ratio:g} (solver saga)"
    return penalty


def _score_lines(comparison: Comparison) -> list[str]:
    heads = ("", "accuracy", "log loss\n(nats)", "fit time\n(ms)", "iterations", "distance to\noptimum", "warnings")
    cells = [
        (
            score.name.replace(" + ", "\n+ ").replace(", ", ",\n"),
            f"{score.accuracy:.4f}",
            f"{score.log_loss:.4f}",
            f"{score.milliseconds:.1f}",
            f"{score.n_iterations}",
            _distance_cell(score),
            "\n".join(f"{count} {category}" for category, count in score.warnings.items()) or "none",
        )
        for score in comparison.scores
    ]
    penalty = _ELASTIC_NET if comparison.choice.l1_ratio > 0.0 else _RIDGE
    notes = [_SCORE_NOTE, _DISTANCE_NOTE.format(penalty=penalty)]
    if comparison.choice.alpha != 0.0:
        notes.append(_SCALE_NOTE)
    n_separated = comparison.scores[0].n_separated
    if n_separated:
        notes.append(
            f"no optimum: in {n_separated} of {comparison.n_folds} folds the classes are separated and nothing is "
            "penalised: f falls for ever as coefficients grow. Set --alpha above 0."
        )
    return ["", *_aligned([heads, *cells], "<>>>>><"), *_advice_lines(comparison.table), "", *_wrapped(*notes)]


def _advice_lines(table: Table) -> list[str]:
    """Return what to check of how the file was read: under the numbers that it makes doubtful."""
    if not table.advice:
        return []
    shown = [on_one_line(advice) for advice in table.advice[:_MAX_ADVICE]]
    n_more = len(table.advice) - len(shown)
    more = [f"and {count(n_more, 'more column')}: --json has them all"] if n_more else []
    return ["", *_wrapped("Check how the file was read:", *shown, *more)]


def _distance_cell(score: Score) -> str:
    if score.optimum is Optimum.MISSING:
        return "no optimum"
    if score.distance is None:
        return "unknown"
    sign = "~" if score.optimum is Optimum.ESTIMATED else ""
    return f"< {ROUNDING:.0e}" if score.distance < ROUNDING else f"{sign}{score.distance:.1e}"


def _model_line(choice: Choice, n_rows: int, fitted: FittedModel) -> str:
    standardized = ", standardize=True," * choice.standardize
    return f"SoftmaxGLM{standardized} on all {n_rows} rows: {fitted.status}."


def _coefficient_lines(fitted: FittedModel, classes: Sequence[str]) -> list[str]:
    """Return a block for each class, as many side by side as fit."""
    strongest_of = fitted.strongest
    shown = list(strongest_of.items())[:_MAX_SHOWN]
    name_width = max((len(_shortened(each.feature)) for _, strongest in shown for each in strongest), default=0)
    binary = f" (rather than {_shortened(classes[0])})" if len(strongest_of) == 1 else ""
    blocks = [
        [
            _shortened(name) + binary,
            *(f"  {_shortened(each.feature):<{name_width}} {each.per_deviation:+7.3f}" for each in strongest),
        ]
        for name, strongest in shown
    ]
    width = max(len(line) for block in blocks for line in block)
    abreast = max((_WIDTH + _GAP) // (width + _GAP), 1)
    lines = ["Strongest coefficients of each class, times the standard deviation of the column:"]
    for first in range(0, len(blocks), abreast):
        side_by_side = zip_longest(*blocks[first : first + abreast], fillvalue="")
        lines += ["", *((" " * _GAP).join(f"{line:<{width}}" for line in row) for row in side_by_side)]
    if len(strongest_of) > len(shown):
        lines += ["", f"and {len(strongest_of) - len(shown)} more classes: --json has them all"]
    return lines


def _report_lines(report: Report | None) -> list[str]:
    """Return the report of `infer` with names that stay on their lines, and what it rests on."""
    if report is None:
        return []
    result = report.result
    if isinstance(result, Refusal):
        remedy = [_PENALTY] if result.is_separated else []
        return ["", *_wrapped(f"No table of coefficients: {on_one_line(result.reason)}", *remedy)]
    named = replace(
        result,
        features=tuple(map(on_one_line, result.features)),
        classes=np.array(list(map(on_one_line, result.classes)), dtype=object),
    )
    references = ", ".join(map(on_one_line, report.references))
    notes = {
        _REFERENCES.format(references): bool(references),
        _IMPUTED: report.is_imputed,
        _PENALTY: result.separation != "none",
    }
    return ["", *str(named).splitlines(), *_wrapped(*(note for note, is_true in notes.items() if is_true))]


def _wrapped(*paragraphs: str) -> list[str]:
    return [
        line
        for text in paragraphs
        for line in textwrap.wrap(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    ]


def _aligned(rows: Sequence[Sequence[str]], alignment: str) -> list[str]:
    """Return the lines of a table; cells may have several lines, alignment is "<" or ">" for each column."""
    split = [[cell.split("\n") for cell in row] for row in rows]
    widths = [max(len(line) for row in split for line in row[column]) for column in range(len(alignment))]
    return [
        "  ".join(f"{text:{side}{width}}" for text, side, width in zip(line, alignment, widths, strict=True))
        for row in split
        for line in zip_longest(*row, fillvalue="")
    ]


def _shortened(name: str) -> str:
    """Return a name for a line; cut in the middle, for those of dummies begin alike, and others end alike."""
    whole = on_one_line(name) or _EMPTY
    end = (_MAX_NAME - 2) // 2
    return whole if len(whole) <= _MAX_NAME else f"{whole[: _MAX_NAME - 2 - end]}..{whole[-end:]}"


def as_json(comparison: Comparison, report: Report | None = None) -> str:
    """Return the same numbers as JSON; null stands for what is not a finite number."""
    table = comparison.table
    counts = np.bincount(table.codes).tolist()
    return _dumped(
        {
            "data": table.name,
            "n_rows": len(table.codes),
            "n_features": table.X.shape[1],
            "classes": dict(zip(table.classes, counts, strict=True)),
            "notes": table.notes,
            "advice": table.advice,
            "weights": _of_weights(table.weights),
            **_of_choice(comparison.choice),
            "n_folds": comparison.n_folds,
            "scores": [
                {
                    "model": score.name,
                    "accuracy": score.accuracy,
                    "log_loss": _finite(score.log_loss),
                    "fit_time_ms": score.milliseconds,
                    "iterations": score.n_iterations,
                    "distance_to_optimum": _finite(score.distance),
                    "optimum": score.optimum.value,
                    "folds_without_optimum": score.n_separated,
                    "warnings": score.warnings,
                }
                for score in comparison.scores
            ],
            **_of_model(comparison.fitted),
            **_of_report(report),
        }
    )


def large_as_json(large: LargeFit) -> str:
    """Return the numbers of a fit to a large file as JSON; null stands for what is not a finite number."""
    return _dumped(
        {
            "data": large.name,
            "n_rows": large.n_rows,
            "n_features": large.n_features,
            "classes": large.classes,
            "notes": large.notes,
            "weights": _of_weights(large.weights),
            **_of_choice(large.choice),
            "accuracy": large.accuracy,
            "log_loss": _finite(large.log_loss),
            "null_log_loss": _finite(large.null_log_loss),
            "passes": large.n_passes,
            "fit_time_s": large.seconds,
            **_of_model(large.fitted),
            **_of_report(large.report),
        }
    )


def _of_weights(weights: Weights | None) -> dict[str, Any] | None:
    if weights is None:
        return None
    kind = "copies" if weights.are_copies else "sampling"
    return {"column": weights.name, "sum": float(weights.values.sum()), "are": kind}


def _of_choice(choice: Choice) -> dict[str, Any]:
    alpha = "1/n" if choice.alpha is None else choice.alpha
    return {"alpha": alpha, "l1_ratio": choice.l1_ratio, "standardize": choice.standardize}


def _of_model(fitted: FittedModel) -> dict[str, Any]:
    return {
        "status": fitted.status,
        "strongest_coefficients": {
            name: [
                {
                    "feature": each.feature,
                    "coefficient": _finite(each.coefficient),
                    "per_standard_deviation": _finite(each.per_deviation),
                }
                for each in strongest
            ]
            for name, strongest in fitted.strongest.items()
        },
    }


def _of_report(report: Report | None) -> dict[str, Any]:
    if report is None:
        return {}
    result = report.result
    if isinstance(result, Refusal):
        return {"coefficients": None, "no_coefficients": result.reason}
    table = result.coefficients
    columns = ("estimate", "std_error", "z", "p_value", "lower", "upper")
    return {
        "reference": table.reference,
        "coefficients": [
            {"class": name, "term": term}
            | {column: _finite(values[row, at]) for column in columns if (values := getattr(table, column)) is not None}
            for row, name in enumerate(table.classes)
            for at, term in enumerate(table.terms)
        ],
        "reference_levels": report.references,
    }


def _dumped(numbers: dict[str, Any]) -> str:
    versions = {"softglm": __version__, "scikit-learn": sklearn.__version__}
    return json.dumps({**versions, **numbers}, indent=2, allow_nan=False)


def _finite(value: float | None) -> float | None:
    """Return the value, or None for what JSON has no word for."""
    return value if value is not None and math.isfinite(value) else None
