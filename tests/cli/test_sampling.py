"""A sample has the classes in their shares, and is the same one every time."""

import numpy as np
import pytest

from softglm.cli.main import main
from softglm.cli.tables.sampling import stratified


@pytest.mark.parametrize("size", [10, 137, 999, 1000])
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.07, 0.03), (0.2,) * 5])
def test_every_class_has_its_share(size, shares):
    codes = np.random.default_rng(1).choice(len(shares), 1000, p=shares)
    rows = stratified(codes, size)
    drawn, there = (np.bincount(each, minlength=len(shares)) for each in (codes[rows], codes))
    assert (np.abs(drawn - there * size / 1000) <= 1.0).all()
    assert (np.diff(rows) > 0).all()
    assert size <= len(rows) <= size + len(shares)
    np.testing.assert_array_equal(rows, stratified(codes, size))


def test_a_rare_class_keeps_a_row():
    codes = np.zeros(10_000, dtype=int)
    codes[1234] = 1
    rows = stratified(codes, 10)
    assert 1234 in rows
    assert len(rows) <= 11


def test_rows_of_a_class_are_drawn_from_all_over_the_file():
    rows = stratified(np.zeros(1000, dtype=int), 500)
    assert 200 < (rows < 500).sum() < 300


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "data.csv"
    lines = [f"{row * 7 % 31},{'p' if row % 4 else 'q'}" for row in range(400)]
    path.write_text("\n".join(["size,kind", *lines, "5,r"]), encoding="utf-8")
    return path


def test_the_command_says_what_it_drew(capsys, path):
    assert main([str(path), "--target", "kind", "--sample", "40", "--folds", "2", "--drop", "r"]) == 1
    assert "has no column 'r'" in capsys.readouterr().err
    assert main([str(path), "--target", "kind", "--sample", "40", "--folds", "2"]) == 1
    assert "has 1 row, fewer than 2 folds. Do one of these: raise --sample; merge" in capsys.readouterr().err
    assert main([str(path), "--target", "kind", "--folds", "2", "--na", "r", "--missing", "drop"]) == 0
    assert "(p 300, q 100)" in capsys.readouterr().out


def test_a_sample_as_large_as_the_file_is_the_file(capsys, path):
    path.write_text(path.read_text(encoding="utf-8").removesuffix("\n5,r"), encoding="utf-8")
    outs = []
    for options in ((), ("--sample", "400"), ("--sample", "50"), ("--sample", "50")):
        assert main([str(path), "--target", "kind", "--folds", "2", "--json", *options]) == 0
        lines = capsys.readouterr().out.splitlines()
        outs.append([line for line in lines if "fit_time" not in line])
    assert outs[0] == outs[1]
    assert outs[2] == outs[3]
    assert any("Sampled: 50 of 400 rows, in the shares of the classes (seed 0)." in line for line in outs[2])
    assert '    "q": 13' in outs[2] or '    "q": 12' in outs[2]
