"""What the tests of the inference start from: the optimum of a problem of the table, and golden values."""

import json
import pathlib
from functools import cache

import numpy as np
import pandas as pd
from problems import Data, objective_of, rows_and_family
from scipy import sparse

from softglm.inference.estimate import Estimate, estimate_at
from softglm.inference.refined import refined
from softglm.model import null_model
from softglm.sums import RowWeights

# Standard errors from the optimum: rounding stops earlier.
EXACT = 1e-13
# Twice the rows of the largest blocks, and more.
MANY_ROWS = 18_000
GOLDEN = pathlib.Path(__file__).parent / "golden"


def estimate_of(data: Data, alpha: float = 0.0, *, fit_intercept: bool = True) -> Estimate:
    """Return the optimum by Newton steps from the null model."""
    objective = objective_of(*rows_and_family(data), alpha, fit_intercept=fit_intercept)
    return refined(estimate_at(objective, null_model(objective).parameters), EXACT)


@cache
def golden(program: str) -> dict:
    """Return what R or statsmodels computed."""
    return json.loads((GOLDEN / f"{program}.json").read_text())


def in_several_blocks(data: Data) -> tuple[Data, int]:
    """The same rows so often, at so much less weight each, that they are several blocks; and how often."""
    times = -(-MANY_ROWS // len(data.y))
    X = sparse.vstack([data.X] * times, format="csr") if sparse.issparse(data.X) else np.tile(data.X, (times, 1))
    weights = np.ones(len(data.y)) if data.weights is None else data.weights
    offset = None if data.offset is None else np.concatenate([data.offset] * times)
    many = Data(X, np.concatenate([data.y] * times), np.tile(weights / times, times), offset)
    n_blocks = len(list(rows_and_family(many)[0].map(RowWeights())))
    assert n_blocks > 2
    return many, times


def hsb2(y=None, **given) -> Data:
    """The dummies middle and high, and write; prog with academic first."""
    frame = pd.read_csv(GOLDEN / "data" / "hsb2.csv")
    X = np.column_stack([frame.ses == "middle", frame.ses == "high", frame.write]).astype(float)
    prog = frame.prog.map({"academic": 0, "general": 1, "vocational": 2}).to_numpy(np.int32)
    return Data(X, prog if y is None else y(prog), **given)


def is_not_academic(prog):
    return (prog > 0).astype(np.int32)


def housing_counts() -> Data:
    """24 rows of counts of Low, Medium, High; dummies of Infl (2), Type (3) and Cont (1)."""
    counts = golden("r")["counts"]
    return Data(np.array(counts["X"], dtype=float), np.array(counts["y"]))


def anes96() -> Data:
    frame = pd.read_csv(GOLDEN / "data" / "anes96.csv")
    X = frame[["logpopul", "selfLR", "age", "educ", "income"]].to_numpy(float)
    return Data(X, frame.PID.to_numpy(np.int32))


@cache
def other_rows(name: str) -> pd.DataFrame:
    """The rows of a file of generate_other.R."""
    return pd.read_csv(GOLDEN / "data" / f"{name}.csv")


def other_data(spec: dict) -> Data:
    """The columns and the classes of a model of generate_other.R, named as golden/readme.md says."""
    frame = other_rows(spec["data"])
    frame = frame[frame[spec["response"]].isin(spec["classes"])]
    for name, value in spec.get("where", {}).items():
        frame = frame[frame[name] == value]
    y = frame[spec["response"]].map({label: k for k, label in enumerate(spec["classes"])})
    return Data(columns_of(frame, spec["columns"]), y.to_numpy(np.int32))


def columns_of(frame: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Each column is a product of parts: ``age^2*sex=M``."""
    return np.column_stack([np.prod([_part(frame, part) for part in column.split("*")], axis=0) for column in columns])


def _part(frame, part):
    if part == "1":
        return np.ones(len(frame))
    if "=" in part:
        name, level = part.split("=")
        return (frame[name].astype(str) == level).to_numpy(float)
    name, _, power = part.partition("^")
    return frame[name].to_numpy(float) ** int(power or 1)
