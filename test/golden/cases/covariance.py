"""Covariances, distances within one set, membership, and diagonals that are filled in place."""
import torch
import torch.nn.functional as F

from golden import CALLS, INF, NAN, T, case, ints, refusal, spread, values

CALLS.update(
    cov=torch.cov, corrcoef=torch.corrcoef, pdist=lambda x, p=2.0: F.pdist(x, float(p)),
    isin=lambda a, b, assume_unique=False, invert=False: torch.isin(a, b, assume_unique=assume_unique, invert=invert),
    fillDiagonal_=torch.Tensor.fill_diagonal_,
)  # fmt: skip

for shape in [[3, 5], [1, 4], [2, 2]]:
    case("cov", [spread(shape)], sums=True, ulps=16)
    case("corrcoef", [spread(shape, grad=shape[0] > 1)], sums=True, ulps=32)
case("cov", [spread([5])], sums=True)
case("cov", [spread([3, 5])], [{"correction": 0}], sums=True)
case("cov", [spread([3, 5]), values([1, 2, 0, 3, 1], dtype="int32")], [T(0), {"fweights": T(1)}], "counts", sums=True, ulps=16)
case("cov", [spread([3, 5]), spread([5], 0.1, 1, grad=False)], [T(0), {"aweights": T(1)}], "weights", sums=True, ulps=16)
case("cov", [spread([3, 5]), values([1, 2, 0, 3, 1], dtype="int32"), spread([5], 0.1, 1, grad=False)],
     [T(0), {"correction": 2, "fweights": T(1), "aweights": T(2)}], "both", sums=True, ulps=16)
refusal("cov", [spread([2, 3, 4])], label="dimensions")
refusal("corrcoef", [spread([2, 3, 4])], label="dimensions")
case("corrcoef", [spread([5], grad=False)])

for p in [0, 1, 2, 3, INF]:
    case("pdist", [spread([4, 3], grad=p > 0)], [p], sums=True, ulps=64)
case("pdist", [spread([5, 2])], sums=True, ulps=16)
case("pdist", [spread([1, 2], grad=False)], label="one row")
refusal("pdist", [spread([3])], label="dimensions")
refusal("pdist", [spread([3, 2])], [-1], "p")

case("isin", [ints([3, 4], 0, 9), ints([4], 0, 9)])
case("isin", [ints([3, 4], 0, 9), ints([2, 2], 0, 9)], [{"invert": True}], "invert")
case("isin", [ints([5], 0, 4)], [2], "a number")
case("isin", [ints([5], 0, 4)], [2, T(0)], "a number among them")
case("isin", [values([1.5, NAN, 0.0, INF], grad=False), values([NAN, -0.0, INF], grad=False)], label="edges")
case("isin", [values([1.5, 2.0], grad=False), ints([3], 0, 4)], label="dtypes")

for shape in [[3, 3], [2, 4], [4, 2], [3, 3, 3]]:
    case("fillDiagonal_", [spread(shape, grad=False)], [7], after=[0])
case("fillDiagonal_", [spread([7, 2], grad=False)], [1, {"wrap": True}], after=[0])
case("fillDiagonal_", [spread([6, 3], grad=False)], [1, True], after=[0])
case("fillDiagonal_", [spread([2, 7], grad=False, view=[["transpose", 0, 1]])], [1], "of a view")
case("fillDiagonal_", [ints([3, 3])], [2], "int32", after=[0])
refusal("fillDiagonal_", [spread([3], grad=False)], [1], "dimensions")
refusal("fillDiagonal_", [spread([3, 3, 2], grad=False)], [1], "sizes")
