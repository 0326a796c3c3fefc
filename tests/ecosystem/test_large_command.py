"""The command codes a large Parquet file batch by batch as it codes a small one as a whole."""

import json
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from softglm.cli import coded_rows, large_files
from softglm.cli.main import main
from softglm.cli.tables import Missing, Reading, UnusableDataError, filled, read_table
from softglm.sources.arrow import Table
from softglm.sources.opening import open_dataset

# Two proofs of a relative gap of 1e-8.
SAME_OPTIMUM = {"rtol": 1e-4, "atol": 1e-5}
N_ROWS = 600
HOLES = {"age": [3, 50, 599], "town": [0, 50], "owns": [7], "visits": [8, 9], "since": [100]}


@pytest.fixture(name="columns")
def _columns():
    """Columns of every type that is one of numbers or of few values."""
    rng = np.random.default_rng(6)
    score = rng.normal(size=(N_ROWS, 3))
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(3, size=N_ROWS), unit="D")
    return {
        "age": (score[:, 0] * 10).round(2).tolist(),
        "rate": pa.array(score[:, 1].astype(np.float32)),
        "price": [Decimal(int(value)) / 4 for value in rng.integers(50, size=N_ROWS)],
        "visits": rng.integers(9, size=N_ROWS).tolist(),
        "owns": (rng.random(N_ROWS) < 0.3).tolist(),
        "town": np.array(["Rome", "Oslo", "Bern", ""])[rng.integers(4, size=N_ROWS)].tolist(),
        "plan": pa.array(np.array(["b", "a"])[rng.integers(2, size=N_ROWS)]).dictionary_encode(),
        "since": pa.array(days),
        "unit": ["kg"] * N_ROWS,
        "kind": np.array(["low", "mid", "top"])[(score + rng.gumbel(size=score.shape)).argmax(axis=1)].tolist(),
    }


@pytest.fixture(name="write")
def _write(tmp_path, columns):
    def write(*, holes):
        path, written = tmp_path / "table.parquet", dict(columns)
        for name, rows in holes.items():
            values = pa.array(written[name]).to_pylist()
            written[name] = [None if row in rows else value for row, value in enumerate(values)]
        pq.write_table(pa.table(written), path, row_group_size=90)
        return path

    return write


def coded(path, monkeypatch, way):
    """Return the rows of all blocks, of few rows each."""
    monkeypatch.setattr(coded_rows, "_LEAST_ROWS", 64)
    monkeypatch.setattr(coded_rows, "_BATCH", 64)
    rows = coded_rows.CodedRows.of(path, "kind", Table(open_dataset(path), str(path)), Reading(missing=way))
    blocks = list(rows.blocks())
    assert len(blocks) > 5
    labels = np.concatenate([y.classes[y.codes] for _, y in blocks])
    return rows, np.vstack([X for X, _ in blocks]), labels


def test_empty_columns_are_left_out_or_leave_no_rows(columns, write, monkeypatch):
    columns["note"], columns["size"] = pa.array([None] * N_ROWS, pa.string()), pa.array([None] * N_ROWS, pa.float64())
    path = write(holes={})
    rows, _, _ = coded(path, monkeypatch, Missing.IMPUTE)
    assert "size" not in rows.features
    assert any("'unit' (constant), 'note' (constant), 'size' (constant)." in note for note in rows.notes)
    with pytest.raises(UnusableDataError, match="missing values in every row, most of them in 'note', 'size'"):
        coded(path, monkeypatch, Missing.DROP)


def test_values_and_constants_of_rows_that_are_left_out_are_none(columns, write, monkeypatch):
    columns["unit"] = ["kg", None, *["kg"] * (N_ROWS - 2)]
    columns["plan"] = pa.array(["c", "b", *["a", "b"] * (N_ROWS // 2 - 1)]).dictionary_encode()
    rows, X, _ = coded(write(holes={"age": [0]}), monkeypatch, Missing.DROP)
    assert len(X) == N_ROWS - 2
    assert "plan=c" not in rows.features
    np.testing.assert_array_equal(X[:, [rows.features.index(f"plan={plan}") for plan in "ab"]].sum(axis=1), 1.0)


@pytest.mark.parametrize("way", Missing)
def test_it_is_coded_as_a_small_file_is(write, monkeypatch, way):
    path = write(holes={} if way is Missing.ERROR else {**HOLES, "kind": [11]})
    rows, X, labels = coded(path, monkeypatch, way)
    table = read_table(path, "kind", Reading(missing=way))
    assert rows.features == table.features
    assert rows.variables == table.variables
    np.testing.assert_array_equal(X, filled(table.X, slice(None), table.variables))
    np.testing.assert_array_equal(labels, np.array(table.classes)[table.codes])
    assert any("'unit' (constant)" in note for note in rows.notes)


def run(capsys, *arguments, code=0):
    assert main([str(argument) for argument in arguments]) == code
    return capsys.readouterr()


@pytest.mark.parametrize("options", [(), ("--alpha", "0.01", "--standardize")])
def test_the_numbers_are_those_of_a_small_file(write, monkeypatch, capsys, options):
    arguments = (write(holes=HOLES), "--target", "kind", "--missing", "impute", "--infer", "--json", *options)
    here = json.loads(run(capsys, *arguments).out)
    monkeypatch.setattr(large_files, "MOST_CELLS", 100)
    there = json.loads(run(capsys, *arguments).out)
    assert there["n_features"] == here["n_features"]
    for name, strongest in here["strongest_coefficients"].items():
        values = [each["per_standard_deviation"] for each in strongest]
        others = [each["per_standard_deviation"] for each in there["strongest_coefficients"][name]]
        np.testing.assert_allclose(others, values, **SAME_OPTIMUM)
    assert len(there["coefficients"]) == len(here["coefficients"])
    for other, row in zip(there["coefficients"], here["coefficients"], strict=True):
        for name in ("estimate", "std_error", "lower"):
            assert other[name] == pytest.approx(row[name], rel=1e-4, abs=1e-5)


def test_it_says_what_it_did(write, monkeypatch, capsys):
    monkeypatch.setattr(large_files, "MOST_CELLS", 100)
    path = write(holes=HOLES)
    refused = run(capsys, path, "--target", "kind", code=1).err
    for words in ("'age' (3 rows), ", "--missing drop leaves out those rows, 8 of 600", "--drop age"):
        assert words in refused
    text = " ".join(run(capsys, path, "--target", "kind", "--missing", "drop", "--infer").out.split())
    for words in (
        "592 rows",
        "town (4 values), plan (2 values)",
        "'unit' (constant), 8 rows with missing values.",
        "--sample 100000 compares on so many of them",
        "mid vs low",
        "Relative to the first value of each text: town=, plan=a",
    ):
        assert words in text


def test_what_cannot_be_coded_is_refused(columns, write, monkeypatch, capsys):
    monkeypatch.setattr(large_files, "MOST_CELLS", 100)
    monkeypatch.setattr(coded_rows, "MOST_LEVELS", 300)
    columns["id"] = [f"customer {row}" for row in range(N_ROWS)]
    refused = run(capsys, write(holes={}), "--target", "kind", code=1).err
    assert "text of more than 300 different values in 'id', expected categories" in refused
    assert "--drop id" in refused
    columns["id"] = [[row] for row in range(N_ROWS)]
    assert "lists or structures in 'id'. --drop id" in run(capsys, write(holes={}), "--target", "kind", code=1).err
    assert "Did you mean 'kind'" in run(capsys, write(holes={}), "--target", "knid", code=1).err


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.5, -np.inf, 2.0, 1.0], "values beyond 1e+100 or infinite ones in 'level'"),
        ([1.5, 2.0, -3e200, 1.0], "values beyond 1e+100 or infinite ones in 'level'"),
        ([7.0, None, 7.0, 7.0], "nothing to predict 'kind' from: 'level', 'unit' never change"),
    ],
)
def test_numbers_that_cannot_be_used_are_named_by_their_column(tmp_path, values, message):
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"level": values, "unit": ["kg"] * 4, "kind": list("abab")}), path)
    with pytest.raises(UnusableDataError, match=re.escape(message)):
        coded_rows.CodedRows.of(path, "kind", Table(open_dataset(path), str(path)), Reading(missing=Missing.DROP))


@pytest.mark.parametrize("kind", ["copies", "sampling"])
def test_weights_are_those_of_a_small_file(columns, write, monkeypatch, capsys, kind):
    columns["w"] = [*(float(row % 4) for row in range(N_ROWS - 1)), None]
    options = ("--missing", "impute", "--infer", "--json", "--weights", "w", "--weights-are", kind)
    arguments = (write(holes=HOLES), "--target", "kind", "--reference", "top", *options)
    here = json.loads(run(capsys, *arguments).out)
    monkeypatch.setattr(large_files, "MOST_CELLS", 100)
    there = json.loads(run(capsys, *arguments).out)
    assert there["weights"] == here["weights"] == {"column": "w", "sum": 897.0, "are": kind}
    assert there["n_rows"] == here["n_rows"] == 449
    assert there["reference"] == here["reference"] == "top"
    for words in ("150 rows of weight 0", "1 row without 'kind' or 'w'", "in all W = 897, read as"):
        assert all(words in " ".join(report["notes"]) for report in (here, there))
    for other, row in zip(there["coefficients"], here["coefficients"], strict=True):
        for name in ("estimate", "std_error", "lower"):
            assert other[name] == pytest.approx(row[name], rel=1e-4, abs=1e-5)
    totals = pd.DataFrame(columns)[:-1].groupby("kind")["w"].sum() / 897.0
    assert there["null_log_loss"] == pytest.approx(-(totals * np.log(totals)).sum(), rel=1e-9)
    assert 0.0 < there["log_loss"] < there["null_log_loss"]


@pytest.mark.parametrize(
    ("weights", "options", "message"),
    [
        ([-1.0] * N_ROWS, (), "expected weights of at least 0"),
        ([0.0] * N_ROWS, (), "no weight above 0 in 'w'"),
        ([None] * N_ROWS, ("--missing", "drop"), "no weight above 0 in 'w'"),
        ([True] * N_ROWS, (), "has booleans in 'w', expected weights"),
        (["a"] * N_ROWS, (), "in 'w', expected weights: numbers of at least 0"),
        ([None, *[1.0] * (N_ROWS - 1)], (), "missing values in 'w' (1 row). --missing drop"),
        ([1.0] * N_ROWS, ("--infer", "--reference", "Top"), "no class 'Top' in 'kind'. Did you mean 'top'"),
    ],
)
def test_what_can_be_no_weights_is_refused(columns, write, monkeypatch, capsys, weights, options, message):
    columns["w"] = pa.array(weights, pa.float64()) if weights[-1] is None else weights
    arguments = (write(holes={}), "--target", "kind", "--weights", "w", *options)
    run(capsys, *arguments, code=1)
    monkeypatch.setattr(large_files, "MOST_CELLS", 100)
    assert message in run(capsys, *arguments, code=1).err
