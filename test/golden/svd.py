"""Writes svd.json: singular values and eigenvalues of numpy. python3 svd.py (numpy)."""
import json
import os

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(11)


def rounded(a):
    return np.round(a, 4)


def low(m, n, r):
    return rounded(rng.integers(-9, 9, (m, r)) @ rng.integers(-9, 9, (r, n)) / 8.0)


matrices = {
    "tall": rounded(rng.normal(size=(17, 6))),
    "wide": rounded(rng.normal(size=(5, 23))),
    "square": rounded(rng.normal(size=(12, 12))),
    "rank 3": low(14, 11, 3),
    "zero": np.zeros((4, 7)),
    "one": np.array([[-2.5]]),
    "row": rounded(rng.normal(size=(1, 9))),
    "twins": np.diag([3.0, 3.0, 2.0, 2.0, 2.0, 1.0]),
    "graded": rounded(np.diag(10.0 ** np.arange(4, -4, -1)) @ rng.normal(size=(8, 8)) * 100) / 100,
}
cases = []
for name, a in matrices.items():
    case = {"name": name, "shape": list(a.shape), "a": a.ravel().tolist(), "sigma": np.linalg.svd(a, compute_uv=False).tolist()}
    if a.shape[0] == a.shape[1]:
        case["eigenvalues"] = sorted(np.linalg.eigvalsh((a + a.T) / 2).tolist(), reverse=True)
    cases.append(case)

with open(os.path.join(here, "svd.json"), "w") as f:
    json.dump(cases, f)
