"""SoftmaxGLM on a Parquet file that is too large to be compared on: fitted where it is, a batch at a time."""

from dataclasses import dataclass
from functools import partial
from itertools import compress
from pathlib import Path
from typing import final

from softglm.cli.coded_rows import CodedRows
from softglm.cli.comparison import Choice, FittedModel, strongest_of, timed_fit
from softglm.cli.inferring import Report, columns_to_infer, inferred
from softglm.cli.tables import Reading, UnusableDataError, Weights, check_reference, is_parquet
from softglm.fit import prepare
from softglm.sources import Blocks
from softglm.sources.arrow import Table
from softglm.sources.opening import open_dataset

# A comparison copies entries several times over: with one-hot columns beside, twice as many took a gigabyte.
MOST_CELLS = 2**23


@final
@dataclass(frozen=True)
class LargeFit:
    """SoftmaxGLM, fitted to all rows of a file.

    Attributes
    ----------
    name : str
        Of the file.
    n_rows, n_features : int
    classes : tuple of str
    notes : tuple of str
        What was done to columns and rows.
    choice : Choice
        The penalty.
    accuracy, log_loss, null_log_loss : float
        On the rows that were fitted; the null model knows the class shares only.
    n_passes : int
        How often the rows were read for the fit.
    seconds : float
    fitted : FittedModel
    report : Report or None
        What `infer` says of the coefficients, if it was asked.
    weights : Weights or None
        None where each row counts once.
    """

    name: str
    n_rows: int
    n_features: int
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    choice: Choice
    accuracy: float
    log_loss: float
    null_log_loss: float
    n_passes: int
    seconds: float
    fitted: FittedModel
    report: Report | None
    weights: Weights | None = None

    @classmethod
    def of(
        cls,
        path: Path,
        target: str,
        reading: Reading,
        *,
        choice: Choice,
        n_strongest: int,
        infers: bool,
        reference: str | None = None,
    ) -> "LargeFit":
        """Fit SoftmaxGLM to a file, or raise an error that says why that cannot be."""
        if reading.na or reading.notation:
            raise UnusableDataError(
                f"{path} is so large that it is fitted where it is, by the types of its columns: --na and --decimal "
                "are for tables that are read as a whole. --sample 100000 reads so many rows."
            )
        try:
            rows = CodedRows.of(path, target, Table(open_dataset(path), str(path)), reading)
            source = Blocks(rows.blocks)
            timed = timed_fit(choice.model(), source, None)
            model = timed.model
            seen = source.observe(class_weight=None, estimator=model, fitted_classes=model.classes_)
        except ValueError as error:
            raise UnusableDataError(str(error)) from error
        deviations = prepare(seen.rows()[0], seen.family).standard_deviations
        classes = tuple(map(str, model.classes_))
        check_reference(str(path), classes, reference, target)
        total = seen.n_rows if rows.weights is None else float(rows.weights.values.sum())
        return cls(
            name=path.name,
            n_rows=seen.n_rows,
            n_features=seen.n_features,
            classes=classes,
            notes=rows.notes,
            choice=choice,
            accuracy=model.score(source),
            log_loss=model.deviance_ / (2.0 * total),
            null_log_loss=model.null_deviance_ / (2.0 * total),
            n_passes=model.n_passes_,
            seconds=timed.milliseconds / 1e3,
            fitted=FittedModel(
                model.status_,
                strongest_of(model, rows.features, classes, deviations, choice=choice, n_strongest=n_strongest),
            ),
            report=_report_on(rows, choice, classes, reference) if infers else None,
            weights=rows.weights,
        )


def _report_on(rows: CodedRows, choice: Choice, classes: tuple[str, ...], reference: str | None) -> Report:
    kept = columns_to_infer(rows.variables, choice)
    features = tuple(compress(rows.features, kept))
    result = inferred(
        Blocks(partial(rows.blocks, kept)),
        None,
        choice,
        features=features,
        classes=classes,
        reference=reference,
        weights=rows.weights,
    )
    return Report(result, tuple(compress(rows.features, ~kept)), is_imputed=bool(rows.fills))


def is_large(path: Path | None) -> bool:
    """Tell whether a file is Parquet, and too large for a comparison."""
    if path is None or not is_parquet(path) or not path.exists():
        return False
    try:
        table = Table(open_dataset(path), str(path))
        return table.n_rows * len(table.names) > MOST_CELLS
    except (ImportError, OSError, ValueError):
        return False  # whoever reads it says why
