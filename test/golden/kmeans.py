"""Writes kmeans.json: one-dimensional k-means by scikit-learn, begun at given centroids. python3 kmeans.py (numpy, sklearn)."""
import json
import os

import numpy as np
from sklearn.cluster import KMeans

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(3)


def starts(x, k, init):
    if init == "linear":
        return np.linspace(x.min(), x.max(), k)
    return np.sort(x)[np.floor((np.arange(k) + 0.5) / k * len(x)).astype(int)]


cases = []
for name, x in {
    "normal": rng.normal(0, 0.1, 400),
    "uniform": rng.uniform(-1, 1, 300),
    "skewed": rng.gamma(2.0, 1.0, 350),
}.items():
    x = np.round(x, 3).astype(np.float32).astype(np.float64)
    for k in (2, 4, 8):
        for init in ("linear", "density"):
            first = starts(x, k, init)
            model = KMeans(k, init=first.reshape(-1, 1), n_init=1, tol=0, max_iter=1000, algorithm="lloyd")
            model.fit(x.reshape(-1, 1))
            # Cases in which a cluster loses all its values are settled by rules of their own.
            round_one = np.abs(x[:, None] - first).argmin(1)
            if len(set(round_one)) < k:
                continue
            centers = sorted(float(c) for c in model.cluster_centers_.ravel())
            cases.append({"name": f"{name} {k} {init}", "x": [round(v, 3) for v in x.tolist()], "k": k, "init": init, "centroids": centers, "inertia": float(model.inertia_)})

with open(os.path.join(here, "kmeans.json"), "w") as f:
    json.dump(cases, f)
print(len(cases))
