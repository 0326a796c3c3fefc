"""Without matplotlib the displays say what to install, and importing them costs nothing."""

import subprocess
import sys

import pytest

from softglm.plots import ConvergenceDisplay, Trace

TRACES = {"fit": Trace([0.2], optimum=0.1, null_loss=1.1, seconds=[1.0])}


def test_importing_the_displays_loads_neither_matplotlib_nor_pandas():
    script = (
        "import sys, sklearn.base, sklearn.utils.validation, sklearn.utils.multiclass; before = set(sys.modules); "
        "import softglm.plots; print({'matplotlib', 'pandas'} & (set(sys.modules) - before))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "\.\[plots\]"'):
        ConvergenceDisplay.from_traces(TRACES)


def test_without_pandas_the_error_says_what_to_install(monkeypatch):
    display = ConvergenceDisplay.from_traces(TRACES)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'pip install "\.\[data\]"'):
        display.to_frame()
