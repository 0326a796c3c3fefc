"""Files of many columns: they can be read, and what that takes grows as their number does."""

import cProfile
import pstats

import numpy as np
import pytest

from softglm.cli.tables import read_table

# Calls for each column that more of them may add: none, but for what grows by its logarithm.
SAME = 1.02
N_ROWS = 6
ENTRIES = {
    "numbers": lambda row, column: f"{(row + column) % 7}.5",
    "decimal commas": lambda row, column: f"{(row + column) % 7},5",
    "words": lambda row, column: f"w{(row + column) % 3}",
    "codes": lambda row, column: f"0{(row + column) % 3}",
    "booleans": lambda row, column: str(row % 2 == column % 2),
    "constants": lambda row, column: str(row if column == 0 else 1),
}


def wide(n_columns, entry, separator=","):
    header = separator.join([*(f"column number {column}" for column in range(n_columns)), "kind"])
    rows = (
        separator.join([*(entry(row, column) for column in range(n_columns)), "pq"[row % 2]]) for row in range(N_ROWS)
    )
    return "\n".join([header, *rows]) + "\n"


def calls_of(function, *args):
    profile = cProfile.Profile()
    profile.runcall(function, *args)
    return pstats.Stats(profile).total_calls


@pytest.mark.parametrize("kind", ENTRIES)
def test_each_further_column_of_a_csv_file_costs_the_same(tmp_path, kind):
    path, costs = tmp_path / "data.csv", []
    for n_columns in (200, 800, 3200):
        path.write_text(wide(n_columns, ENTRIES[kind], ";"), encoding="utf-8")
        costs.append(calls_of(read_table, path, "kind"))
    assert costs[2] - costs[1] <= SAME * 4 * (costs[1] - costs[0])


def test_each_further_column_of_a_parquet_file_costs_the_same(tmp_path, monkeypatch):
    pandas = pytest.importorskip("pandas")
    path, costs = tmp_path / "data.parquet", []
    path.touch()
    values = [np.arange(N_ROWS) % 2, np.arange(N_ROWS) / 7.0, ["p", "q", "r"] * 2, np.arange(N_ROWS) % 2 == 1]
    for n_columns in (200, 800, 3200):
        columns = {f"x{column}": values[column % 4] for column in range(n_columns)}
        frame = pandas.DataFrame({**columns, "kind": list("pq") * 3})
        monkeypatch.setattr(pandas, "read_parquet", lambda _, frame=frame: frame)
        costs.append(calls_of(read_table, path, "kind"))
    assert costs[2] - costs[1] <= SAME * 4 * (costs[1] - costs[0])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_line_may_be_longer_than_a_field_may_be(tmp_path, separator):
    path = tmp_path / "data.csv"
    path.write_text(wide(9000, ENTRIES["numbers"], separator), encoding="utf-8")
    # Read with another separator, the header is one field of more than the csv module takes.
    assert path.stat().st_size > 2**17
    table = read_table(path, "kind")
    assert table.X.shape == (N_ROWS, 9000)
    assert table.X[3, 8999] == (3 + 8999) % 7 + 0.5
