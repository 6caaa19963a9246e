"""Writes the goldens of this folder with the libraries they are from: python3 make.py (scikit-learn, torchvision, numpy)."""
import json
import os

import numpy as np
import sklearn
import torch
import torchvision
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from torchvision.transforms import functional as F
from torchvision.transforms.functional import InterpolationMode

here = os.path.dirname(os.path.abspath(__file__))


def write(name, value):
    with open(os.path.join(here, name), "w") as file:
        json.dump(value, file, indent=None, separators=(",", ":"))
        file.write("\n")


def numbers(a):
    """JSON knows no NaN: null stands for it."""
    return [None if v != v else float(v) for v in np.asarray(a, dtype=np.float64).ravel()]


def rows(a):
    return [numbers(row) for row in a]


rng = np.random.RandomState(7)
x = rng.normal(size=(40, 6)) * [1, 1e3, 1e-3, 5, 2, 1] + [0, 1e6, 0, 3.7, -8, 0]
x[:, 3] = 3.7  # constant, and not exact in binary
x[rng.rand(40, 6) < 0.1] = np.nan
x[:, 3] = 3.7
x[:, 5] = np.nan  # no value at all
x[2, 5] = 4.25  # but one
new = rng.normal(size=(5, 6)) * 3
new[1, 2] = np.nan

scalers = {"sklearn": sklearn.__version__, "x": rows(x), "new": rows(new), "cases": []}
for kind, options in [
    ("StandardScaler", {}),
    ("StandardScaler", {"with_mean": False}),
    ("StandardScaler", {"with_std": False}),
    ("MinMaxScaler", {}),
    ("MinMaxScaler", {"feature_range": (-1, 3), "clip": True}),
]:
    make = {"StandardScaler": StandardScaler, "MinMaxScaler": MinMaxScaler}[kind]
    whole = make(**options).fit(x)
    parts = make(**options)
    for begin in range(0, 40, 16):
        parts.partial_fit(x[begin : begin + 16])
    case = {
        "kind": kind,
        "options": options,
        "transform": rows(whole.transform(x)),
        "new": rows(whole.transform(new)),
        "inverse": rows(whole.inverse_transform(new)),
        "partial": rows(parts.transform(new)) if kind == "StandardScaler" else None,
        "scale": numbers(whole.scale_) if whole.scale_ is not None else None,
    }
    if kind == "StandardScaler":
        case["mean"] = numbers(whole.mean_)
        case["var"] = numbers(whole.var_) if whole.var_ is not None else None
        case["nSamplesSeen"] = numbers(np.broadcast_to(whole.n_samples_seen_, (6,)))
    else:
        case["min"] = numbers(whole.min_)
    scalers["cases"].append(case)

constant = np.full((7, 2), [0.1, 1e8 + 0.1])
scalers["constant"] = {
    "x": rows(constant),
    "standard": rows(StandardScaler().fit_transform(constant)),
    "minmax": rows(MinMaxScaler().fit_transform(constant)),
}
write("scalers.json", scalers)

labels = [int(v) for v in rng.randint(0, 4, size=37)]
groups = [int(v) for v in np.random.RandomState(3).randint(0, 9, size=37)]
write(
    "folds.json",
    {
        "labels": labels,
        "kfold": [[int(i) for i in test] for _, test in KFold(5).split(np.zeros(37))],
        "stratified": [[int(i) for i in test] for _, test in StratifiedKFold(5).split(np.zeros(37), labels)],
        "groups": groups,
        "grouped": [[int(i) for i in test] for _, test in GroupKFold(3).split(np.zeros(37), groups=groups)],
        "series": [
            {
                "options": ours,
                "folds": [[[int(i) for i in part] for part in fold] for fold in TimeSeriesSplit(**theirs).split(np.zeros(23))],
            }
            for ours, theirs in [
                ({}, {"n_splits": 4}),
                ({"gap": 2, "testSize": 3}, {"n_splits": 4, "gap": 2, "test_size": 3}),
                ({"maxTrainSize": 5}, {"n_splits": 4, "max_train_size": 5}),
            ]
        ],
    },
)

image = torch.from_numpy(rng.rand(2, 7, 10).astype(np.float32))
warps = {"torchvision": torchvision.__version__, "shape": [2, 7, 10], "image": numbers(image.numpy()), "cases": []}
for mode in [InterpolationMode.NEAREST, InterpolationMode.BILINEAR]:
    for angle, translate, scale, shear, center in [
        (30.0, [0, 0], 1.0, [0.0, 0.0], None),
        (-17.5, [2, -1], 1.3, [8.0, 0.0], None),
        (0.0, [-3, 2], 1.0, [0.0, 0.0], None),
        (71.0, [1, 1], 0.6, [-12.0, 20.0], [2.0, 5.0]),
    ]:
        # Without a fill: with one, torchvision's tensors count the edge's coverage twice.
        y = F.affine(image, angle, translate, scale, shear, interpolation=mode, fill=None, center=center)
        parameters = {"angle": angle, "translate": translate, "scale": scale, "shear": shear}
        if center is not None:
            parameters["center"] = center
        warps["cases"].append({"interpolation": mode.value, "parameters": parameters, "y": numbers(y.numpy())})
# Both sides odd: a quarter turn of others puts every pixel between two, where the nearest is decided by rounding.
odd = image[:, :, :9].contiguous()
warps["rotate"] = {
    "shape": [2, 7, 9],
    "image": numbers(odd.numpy()),
    "cases": [
        {"degrees": degrees, "interpolation": mode.value, "y": numbers(F.rotate(odd, degrees, interpolation=mode).numpy())}
        for degrees in [25.0, -90.0]
        for mode in [InterpolationMode.NEAREST, InterpolationMode.BILINEAR]
    ],
}
filled = F.affine(image, 30.0, [2, 1], 0.8, [0.0, 0.0], interpolation=InterpolationMode.NEAREST, fill=[0.5, 0.5])
warps["filled"] = numbers(filled.numpy())
mean, std = [0.4, 0.6], [0.2, 0.3]
warps["normalize"] = {"mean": mean, "std": std, "y": numbers(F.normalize(image, mean, std).numpy())}
write("warps.json", warps)
