"""SoftmaxGLM on a Parquet file that is too large to be compared on: fitted where it is, a batch at a time."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

from softglm.cli.comparison import Choice, FittedModel, strongest_of, timed_fit
from softglm.cli.tables import Reading, UnusableDataError, is_parquet
from softglm.fit import prepare
from softglm.sources import Parquet
from softglm.sources.arrow import Table, open_dataset

# Beyond so many numbers a comparison, which copies them several times over, takes gigabytes.
MOST_CELLS = 2**25


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
    choice : Choice
        The penalty.
    accuracy, log_loss, null_log_loss : float
        On the rows that were fitted; the null model knows the class shares only.
    n_passes : int
        How often the rows were read for the fit.
    seconds : float
    fitted : FittedModel
    """

    name: str
    n_rows: int
    n_features: int
    classes: tuple[str, ...]
    choice: Choice
    accuracy: float
    log_loss: float
    null_log_loss: float
    n_passes: int
    seconds: float
    fitted: FittedModel

    @classmethod
    def of(cls, path: Path, target: str, reading: Reading, *, choice: Choice, n_strongest: int) -> "LargeFit":
        """Fit SoftmaxGLM to a file, or raise an error that says why that cannot be."""
        if reading != Reading(dropped=reading.dropped):
            raise UnusableDataError(
                f"{path} is so large that it is fitted where it is, column by column as they are, and --missing, "
                "--na, --not-na and --decimal are for tables that are read as a whole. Fill in what is missing before."
            )
        try:
            table, left_out = Table(open_dataset(path), str(path)), {target, *reading.dropped}
            table.check_there(sorted(left_out), ", by --target and --drop")
            columns = [name for name in table.names if name not in left_out]
            source = Parquet(path, target, columns=columns)
            timed = timed_fit(choice.model(), source, None)
            model = timed.model
            seen = source.observe(class_weight=None, estimator=model, fitted_classes=model.classes_)
        except ValueError as error:
            raise UnusableDataError(str(error)) from error
        deviations = prepare(seen.rows()[0], seen.family).standard_deviations
        classes = tuple(map(str, model.classes_))
        return cls(
            name=path.name,
            n_rows=seen.n_rows,
            n_features=seen.n_features,
            classes=classes,
            choice=choice,
            accuracy=model.score(source),
            log_loss=model.deviance_ / (2.0 * seen.n_rows),
            null_log_loss=model.null_deviance_ / (2.0 * seen.n_rows),
            n_passes=model.n_passes_,
            seconds=timed.milliseconds / 1e3,
            fitted=FittedModel(
                model.status_,
                strongest_of(model, columns, classes, deviations, choice=choice, n_strongest=n_strongest),
            ),
        )


def is_large(path: Path | None) -> bool:
    """Tell whether a file is Parquet, and too large for a comparison."""
    if path is None or not is_parquet(path) or not path.exists():
        return False
    try:
        table = Table(open_dataset(path), str(path))
        return table.n_rows * len(table.names) > MOST_CELLS
    except (ImportError, OSError, ValueError):
        return False  # whoever reads it says why
