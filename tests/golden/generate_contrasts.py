"""Ask marginaleffects for contrasts of statsmodels' multinomial logit. See readme.md."""

import json
import pathlib
from importlib.metadata import version

import marginaleffects
import numpy as np
import pandas as pd
from statsmodels.formula import api

FOLDER = pathlib.Path(__file__).parent
CLASSES = ["Conservative", "Labour", "Liberal Democrat"]
COMPARISONS = {"difference": "differenceavg", "ratio": "lnratioavg", "odds_ratio": "lnoravg"}


def voters():
    frame = pd.read_csv(FOLDER / "data" / "beps.csv")
    frame["y"] = frame["vote"].map({label: k for k, label in enumerate(CLASSES)})
    frame["knowledge"] = frame["political.knowledge"].astype(str).astype("category")
    frame["gender"] = frame["gender"].astype("category")
    return frame


def contrasts(model, variables, kind, by=None):
    """A row for each contrast, in each group; a column for each class: estimates on the scale of their logarithms."""
    found = marginaleffects.avg_comparisons(model, variables=variables, comparison=COMPARISONS[kind], by=by or True)
    table = found.data.to_pandas()
    table["by"] = "" if by is None else table[by].astype(str)
    contrasts, groups = table["contrast"].unique(), sorted(table["by"].unique())
    rows = [table[(table["contrast"] == each) & (table["by"] == group)] for group in groups for each in contrasts]
    rows = [row.sort_values("group") for row in rows]
    return {
        "contrasts": contrasts.tolist(),
        "groups": groups,
        "estimate": [row["estimate"].tolist() for row in rows],
        "std_error": [row["std_error"].tolist() for row in rows],
    }


def main():
    frame = voters()
    formula = "y ~ Europe * C(knowledge) + age + C(gender)"
    model = api.mnlogit(formula, frame).fit(method="newton", maxiter=100, tol=1e-14, disp=0)
    assert np.abs(model.model.score(model.params.to_numpy().ravel(order="F"))).max() < 1e-8
    asked = {
        "reference": ({"knowledge": "reference"}, "difference", None),
        "pairwise": ({"knowledge": "pairwise"}, "difference", None),
        "unit": ({"Europe": 1}, "difference", None),
        "values": ({"Europe": [3, 9]}, "difference", None),
        "iqr": ({"Europe": "iqr"}, "odds_ratio", None),
        "ratio_by_gender": ({"knowledge": "reference"}, "ratio", "gender"),
        "odds_ratio_by_gender": ({"knowledge": "reference"}, "odds_ratio", "gender"),
        "values_by_knowledge": ({"Europe": [3, 9]}, "difference", "knowledge"),
    }
    packages = ("marginaleffects", "statsmodels", "polars", "pandas")
    golden = {"versions": {name: version(name) for name in packages}, "formula": formula, "classes": CLASSES}
    golden |= {name: contrasts(model, *question) for name, question in asked.items()}
    (FOLDER / "marginaleffects.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
