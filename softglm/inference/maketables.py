"""What maketables asks of a fit, to set it beside fits of other packages: a frame of coefficients, and numbers by key.

It looks for attributes of `Inference` by name, so that nothing is imported of it. Rows have one name there: no blocks.
The protocol: https://github.com/py-econometrics/maketables/blob/main/PLUGIN_EXTRACTOR_FORMAT.md
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from softglm.inference.coefficients import Coefficients
from softglm.optional import pandas

if TYPE_CHECKING:
    import pandas as pd

# Its keys, and our names.
_NUMBERS = {
    "N": "n_observations",
    "ll": "log_likelihood",
    "llnull": "null_log_likelihood",
    "deviance": "deviance",
    "null_deviance": "null_deviance",
    "aic": "aic",
    "bic": "bic",
}
DEFAULT_NUMBERS = ("N", "ll", "aic")


def statistic(inference: Any, key: str) -> float | str | None:  # noqa: ANN401 - Inference, which is above
    """Return what describes a whole fit, under a key of maketables; None where there is no such thing."""
    if key == "se_type":
        return str(inference.covariance.description)
    if key not in _NUMBERS:
        return None
    try:
        value = float(getattr(inference, _NUMBERS[key]))
    except ValueError:  # weights leave no likelihood, or the covariance does not trust it
        return None
    return int(value) if key == "N" and value.is_integer() else value


def coefficient_frame(table: Coefficients) -> "pd.DataFrame":
    """Return the frame that maketables reads: a row for each class and term, with the columns b, se, t, p and ends."""
    pd = pandas("maketables")
    blank = np.full_like(table.estimate, np.nan)
    percent = f"{100.0 * table.level:g}"
    columns = {
        "b": table.estimate,
        "se": table.std_error,
        "t": blank if table.z is None else table.z,
        "p": blank if table.p_value is None else table.p_value,
        f"ci{percent}l": table.lower,
        f"ci{percent}u": table.upper,
    }
    # A colon would be an interaction.
    names = [f"{label} vs {table.reference}, {term}" for label in table.classes for term in table.terms]
    return pd.DataFrame(
        {name: column.ravel() for name, column in columns.items()}, index=pd.Index(names, name="Coefficient")
    )
