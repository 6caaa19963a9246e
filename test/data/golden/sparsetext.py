"""
The accuracy that scikit-learn's LogisticRegression reaches on sparse text data made by rule; test/data/sparsetext.test.ts makes the
same by the same rule. Run as

    python3 sparsetext.py

which writes sparsetext.json beside it.
"""
import json

import scipy.sparse as sp
import sklearn
from sklearn.linear_model import LogisticRegression

FEATURES, SAMPLES, ENTRIES, TRAIN = 1_000_000, 5_000, 30, 4_000
MASK = 0xFFFFFFFF
state = 2463534242


def uniform():
    global state
    state ^= (state << 13) & MASK
    state ^= state >> 17
    state ^= (state << 5) & MASK
    return state / 2**32


rows, columns, labels = [], [], []
for i in range(SAMPLES):
    words = set()
    while len(words) < ENTRIES:
        words.add(int(FEATURES * uniform() ** 8))
    score = sum(((word * 2654435761) & MASK) / 2**32 - 0.5 for word in sorted(words) if word < 1000)
    labels.append(1 if score + 0.5 * (uniform() - 0.5) > 0 else 0)
    rows += [i] * ENTRIES
    columns += sorted(words)
x = sp.csr_matrix(([1.0] * len(rows), (rows, columns)), (SAMPLES, FEATURES))
found = {}
for c in (0.1, 0.3, 1.0, 3.0, 10.0):
    model = LogisticRegression(C=c, max_iter=500, fit_intercept=False).fit(x[:TRAIN], labels[:TRAIN])
    found[c] = model.score(x[TRAIN:], labels[TRAIN:])
print(found)
golden = {
    "sklearn": sklearn.__version__,
    "features": FEATURES, "samples": SAMPLES, "entries": ENTRIES, "train": TRAIN,
    "positive": sum(labels), "places": sum(columns), "accuracy": max(found.values()),
}
with open("sparsetext.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
