"""A mapped file is as near as an array while it fits into memory, and has a price where it does not."""

import numpy as np
import pytest
from scipy import sparse

from softglm.data import RowsInMemory, mapped

N_ROWS, N_FEATURES = 60, 4


@pytest.fixture(name="X")
def _features():
    return np.random.default_rng(0).normal(size=(N_ROWS, N_FEATURES))


def saved(X, path):
    np.save(path, X)
    return np.load(path, mmap_mode="r")


def mapped_csr(X, tmp_path):
    whole = sparse.csr_array(X)
    parts = {name: saved(getattr(whole, name), tmp_path / f"{name}.npy") for name in ("data", "indices", "indptr")}
    X = sparse.csr_array(X.shape)
    X.data, X.indices, X.indptr = parts["data"], parts["indices"], parts["indptr"]
    return X


@pytest.mark.parametrize("is_small", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda X, folder: saved(X, folder / "X.npy"),
        lambda X, folder: np.asarray(saved(X, folder / "X.npy")),
        lambda X, folder: saved(X, folder / "X.npy")[::2],
        mapped_csr,
    ],
    ids=["memmap", "view", "rows", "CSR"],
)
def test_reading_costs_something_where_the_memory_is_too_small(make, is_small, X, tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "physical_memory", lambda: 100.0 if is_small else 1e12)
    matrix = make(X, tmp_path)
    assert (RowsInMemory(matrix, np.zeros(matrix.shape[0])).pass_price > 0.0) is is_small


def test_an_array_is_never_far(X, monkeypatch):
    monkeypatch.setattr(mapped, "physical_memory", lambda: 100.0)
    assert RowsInMemory(X, np.zeros(N_ROWS)).pass_price == 0.0
    assert RowsInMemory(sparse.csr_array(X), np.zeros(N_ROWS)).pass_price == 0.0


def test_this_machine_says_how_much_memory_it_has():
    assert mapped.physical_memory() > 2.0**28
