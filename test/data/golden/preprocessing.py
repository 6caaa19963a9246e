"""Writes preprocessing.json with scikit-learn, scalers apart (make.py has those): python3 preprocessing.py."""
import json
import os

import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (
    LabelEncoder,
    MaxAbsScaler,
    Normalizer,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
)

here = os.path.dirname(os.path.abspath(__file__))


def rows(a):
    """JSON knows no NaN: null stands for it."""
    return [[None if v != v else float(v) for v in row] for row in np.asarray(a, dtype=np.float64)]


def number(v):
    return None if v != v else float(v)


rng = np.random.RandomState(11)
x = rng.normal(size=(50, 5)) * [1, 300, 1e-2, 5, 2] + [0, 1e4, 0, 3.7, -8]
x[:, 2] = np.exp(x[:, 2] * 100)  # skewed
x[:, 4] = np.round(x[:, 4])  # repeated values
x[rng.rand(50, 5) < 0.08] = np.nan
x[:, 3] = 3.7
new = np.nan_to_num(np.nanmean(x, axis=0)) + rng.normal(size=(6, 5)) * np.nanstd(x, axis=0) * 3
new[1, 2] = np.nan
full = np.nan_to_num(x, nan=1.5)
fullnew = np.nan_to_num(new, nan=0.5)

made = {"sklearn": sklearn.__version__, "x": rows(x), "new": rows(new), "full": rows(full), "fullNew": rows(fullnew)}
cases = []
for kind, options, ours in [
    (MaxAbsScaler, {}, {}),
    (RobustScaler, {}, {}),
    (RobustScaler, {"with_centering": False}, {"withCentering": False}),
    (RobustScaler, {"with_scaling": False}, {"withScaling": False}),
    (RobustScaler, {"quantile_range": (10.0, 80.0), "unit_variance": True}, {"quantileRange": [10, 80], "unitVariance": True}),
    (PowerTransformer, {}, {}),
    (PowerTransformer, {"standardize": False}, {"standardize": False}),
    (QuantileTransformer, {"n_quantiles": 1000}, {}),
    (QuantileTransformer, {"n_quantiles": 17}, {"nQuantiles": 17}),
    (QuantileTransformer, {"n_quantiles": 40, "output_distribution": "normal"}, {"nQuantiles": 40, "outputDistribution": "normal"}),
]:
    # A constant feature has no likeliest power: scikit-learn's answer is where its search happens to stop.
    keep = [0, 1, 2, 4] if kind is PowerTransformer else [0, 1, 2, 3, 4]
    model = kind(**options).fit(x[:, keep])
    y = model.transform(x[:, keep])
    case = {"kind": kind.__name__, "options": ours, "columns": keep, "transform": rows(y), "new": rows(model.transform(new[:, keep])), "inverse": rows(model.inverse_transform(y))}
    if kind is PowerTransformer:
        case["lambdas"] = [number(v) for v in model.lambdas_]
    cases.append(case)
positive = np.abs(x[:, [0, 1, 2, 4]]) + 0.1
boxcox = PowerTransformer(method="box-cox").fit(positive)
made["boxcox"] = {
    "x": rows(positive),
    "lambdas": [number(v) for v in boxcox.lambdas_],
    "transform": rows(boxcox.transform(positive)),
    "inverse": rows(boxcox.inverse_transform(boxcox.transform(positive))),
}
for norm in ["l1", "l2", "max"]:
    cases.append({"kind": "Normalizer", "options": {"norm": norm}, "transform": rows(Normalizer(norm=norm).fit_transform(full)), "new": rows(Normalizer(norm=norm).fit_transform(fullnew))})
for n, whiten in [(None, False), (3, True), (0.9, False), (1, False)]:
    model = PCA(n_components=n, whiten=whiten).fit(full[:, [0, 2, 3, 4]])
    # The sign of a component is a matter of taste: the largest weight is positive, as in later versions.
    largest = model.components_[np.arange(len(model.components_)), np.argmax(np.abs(model.components_), axis=1)]
    sign = np.where(largest < 0, -1, 1)
    cases.append(
        {
            "kind": "PCA",
            "options": {} if n is None else {"nComponents": n, "whiten": whiten},
            "columns": [0, 2, 3, 4],
            "components": rows(model.components_ * sign[:, None]),
            "variance": [number(v) for v in model.explained_variance_],
            "ratio": [number(v) for v in model.explained_variance_ratio_],
            "transform": rows(model.transform(full[:, [0, 2, 3, 4]]) * sign),
            "new": rows(model.transform(fullnew[:, [0, 2, 3, 4]]) * sign),
            "inverse": rows(model.inverse_transform(model.transform(full[:, [0, 2, 3, 4]]))),
        }
    )
holes = x.copy()
holes[:, 2] = np.nan
for options, ours in [
    ({}, {}),
    ({"strategy": "median"}, {"strategy": "median"}),
    ({"strategy": "most_frequent"}, {"strategy": "mostFrequent"}),
    ({"strategy": "constant", "fill_value": -7.5}, {"strategy": "constant", "fillValue": -7.5}),
    ({"keep_empty_features": True}, {"keepEmptyFeatures": True}),
    ({"strategy": "median", "add_indicator": True}, {"strategy": "median", "addIndicator": True}),
]:
    model = SimpleImputer(**options).fit(holes)
    cases.append({"kind": "SimpleImputer", "options": ours, "transform": rows(model.transform(holes)), "new": rows(model.transform(new))})
made["holes"] = rows(holes)
made["cases"] = cases

words = [["red", "s", 1], ["blue", "m", 2], ["red", "l", 2], ["green", "m", 1], ["blue", "m", 1]]
table = np.array(words, dtype=object)
made["oneHot"] = []
for drop in [None, "first", "if_binary"]:
    encoder = OneHotEncoder(drop=drop, sparse_output=False).fit(table)
    made["oneHot"].append(
        {
            "drop": {None: "none", "first": "first", "if_binary": "ifBinary"}[drop],
            "categories": [[v for v in c] for c in encoder.categories_],
            "y": rows(encoder.transform(table)),
        }
    )
ignoring = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(table)
made["unknown"] = rows(ignoring.transform(np.array([["red", "xl", 2]], dtype=object)))
made["words"] = words
labels = ["paris", "tokyo", "Tokyo", "amsterdam", "paris"]
encoder = LabelEncoder().fit(labels)
made["labels"] = {"labels": labels, "classes": list(encoder.classes_), "y": [int(v) for v in encoder.transform(labels)]}

with open(os.path.join(here, "preprocessing.json"), "w") as file:
    json.dump(made, file, separators=(",", ":"))
    file.write("\n")
