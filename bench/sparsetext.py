"""What scikit-learn's LogisticRegression reaches on the file that `node bench/sparsetext.mjs FILE` wrote: python3 sparsetext.py FILE"""
import sys
import time

from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import LogisticRegression

since = time.time()
x, y = load_svmlight_file(sys.argv[1], n_features=1_000_000)
print(f"read in {time.time() - since:.2f} s")
for c in (0.01, 0.03, 0.1, 0.3, 1.0):
    since = time.time()
    model = LogisticRegression(C=c, max_iter=200, fit_intercept=False).fit(x[:16_000], y[:16_000])
    print(f"C={c}: accuracy {model.score(x[16_000:], y[16_000:]):.4f} in {time.time() - since:.2f} s")
