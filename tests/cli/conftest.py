"""What hides pandas: all but Parquet files is read without it."""

import builtins

import pytest


@pytest.fixture
def hide_pandas(monkeypatch):
    """Make `import pandas` fail from here on; None in sys.modules would break scikit-learn, which looks there."""
    imported = builtins.__import__

    def refuse(name, *arguments, **keywords):
        if name == "pandas":
            raise ImportError(name)
        return imported(name, *arguments, **keywords)

    return lambda: monkeypatch.setattr(builtins, "__import__", refuse)
