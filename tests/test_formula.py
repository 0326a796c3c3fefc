"""Formulas where formulaic is not: what they do with it is tested in tests/ecosystem."""

import sys

import pandas as pd
import pytest
from sklearn.base import clone

from softglm.formula import Formula


def test_a_formula_without_formulaic_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "formulaic", None)
    step = clone(Formula("prog ~ ses"))
    with pytest.raises(ImportError, match=r'pip install "\.\[formula\]"'):
        step.fit(pd.DataFrame({"ses": ["low", "high"]}))
