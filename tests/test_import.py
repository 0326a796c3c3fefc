"""Importing the package costs what scikit-learn costs, and nothing more."""

import subprocess
import sys

OPTIONAL = ("dask", "formulaic", "matplotlib", "pandas", "polars", "pyarrow")
# scikit-learn itself imports pandas where it is installed.
SCRIPT = f"""
import sys
import sklearn.base, sklearn.utils.validation, sklearn.utils.multiclass
before = set(sys.modules)
import softglm
print(*[name for name in {OPTIONAL} if name in set(sys.modules) - before])
"""


def test_importing_loads_no_optional_package():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert not result.stdout.strip()
