"""Golden values from statsmodels: `python generate.py` writes statsmodels.json beside this script. See readme.md."""

import json
import pathlib

import numpy as np
import pandas as pd
import statsmodels
import statsmodels.api as sm

HERE = pathlib.Path(__file__).parent


def effects(result, **options):
    margins = result.get_margeff(**options)
    return {"effect": margins.margeff.tolist(), "std_error": margins.margeff_se.tolist()}


def margins(endog, exog, *, binary=False):
    model = (sm.Logit if binary else sm.MNLogit)(endog, sm.add_constant(exog))
    result = model.fit(method="newton", maxiter=100, tol=1e-14, disp=0)
    golden = {"average": effects(result, at="overall"), "at_means": effects(result, at="mean")}
    if binary:  # MNLogit's own raises ValueError, "operands could not be broadcast together"
        golden["average_columns"] = effects(result, at="overall", dummy=True)
        golden["at_means_columns"] = effects(result, at="mean", dummy=True)
    return golden


def main():
    hsb2 = pd.read_csv(HERE / "data" / "hsb2.csv")
    X = np.column_stack([hsb2.ses == "middle", hsb2.ses == "high", hsb2.write]).astype(float)
    codes = hsb2.prog.map({"academic": 0, "general": 1, "vocational": 2}).to_numpy()
    anes96 = pd.read_csv(HERE / "data" / "anes96.csv")
    golden = {
        "versions": {"statsmodels": statsmodels.__version__, "numpy": np.__version__},
        # Two classes and more: (p, K) as printed; for `hsb2_binary`, of the second class only.
        "hsb2": margins(codes, X),
        "hsb2_binary": margins((codes > 0).astype(float), X, binary=True),
        "anes96": margins(anes96.PID.to_numpy(), anes96[["logpopul", "selfLR", "age", "educ", "income"]].to_numpy()),
    }
    (HERE / "statsmodels.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
