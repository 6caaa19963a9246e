"""Products of matrices."""
import torch

from golden import INF, NAN, T, case, ints, refusal, spread, values

for p, q in [
    ([1, 1], [1, 1]), ([3, 5], [5, 4]), ([7, 9], [9, 17]), ([9, 5], [5, 11]), ([4], [4]), ([4], [4, 3]), ([3, 4], [4]),
    ([2, 3, 4], [4, 5]), ([2, 3, 4], [2, 4, 5]), ([2, 1, 3, 4], [3, 4, 2]), ([2, 3, 4], [4]), ([4], [2, 4, 3]), ([1, 3, 4], [2, 4, 2]),
    ([3, 0], [0, 4]), ([0, 3], [3, 4]), ([3, 4], [4, 0]), ([0], [0]), ([0, 3, 4], [4, 2]), ([0, 3, 4], [0, 4, 2]), ([2, 3, 0], [2, 0, 2]), ([2, 3, 0], [0, 2]),
    ([4, 5], [2, 5, 3]), ([1, 6], [6, 1]), ([6, 1], [1, 6]),
]:  # fmt: skip
    case("matmul", [spread(p), spread(q)], sums=True)
case("matmul", [spread([5, 3], view=[["transpose", 0, 1]]), spread([4, 5], view=[["transpose", 0, 1]])], label="transposes", sums=True)
case("matmul", [spread([3, 2, 4], view=[["transpose", 0, 1]]), spread([2, 5, 4], view=[["transpose", 1, 2]])], label="batches of views", sums=True)
case("matmul", [spread([4, 6], view=[["slice", 1, 0, None, 2]]), spread([5, 4], view=[["narrow", 0, 1, 3]])], label="windows", sums=True)
case("matmul", [spread([4, 1], view=[["expand", [4, 3]]]), spread([1, 3], view=[["transpose", 0, 1], ["expand", [3, 2]]])], label="expansions", sums=True)
case("matmul", [values([[1, NAN], [INF, 2], [0, -INF]]), values([[1, 0], [2, 3]])], label="edges")
case("matmul", [spread([4, 4])], [T(0), T(0)], "by itself", sums=True)
case("matmul", [ints([3, 4]), ints([4, 2])], label="int32")
case("matmul", [ints([2, 3, 4], dtype="int8"), ints([4, 2], dtype="int8")], label="int8")
case("matmul", [values([[16777217, 1]], dtype="int32"), values([[1], [2]], dtype="int32")], label="int32 beyond float32")
refusal("matmul", [spread([3, 4]), spread([3, 4])], label="inner sizes")
refusal("matmul", [spread([]), spread([3])], label="no dimension")
refusal("matmul", [spread([2, 3, 4]), spread([3, 4, 2])], label="batches")
refusal("matmul", [spread([3, 4]), ints([4, 2])], label="dtypes")
case("mm", [spread([3, 5]), spread([5, 2])], sums=True)
refusal("mm", [spread([2, 3, 5]), spread([5, 2])], label="three dimensions")
refusal("mm", [spread([3, 5]), spread([5])], label="one dimension")
case("bmm", [spread([2, 3, 5]), spread([2, 5, 2])], sums=True)
refusal("bmm", [spread([2, 3, 5]), spread([1, 5, 2])], label="batches")
case("mv", [spread([3, 5]), spread([5])], sums=True)
case("mv", [spread([3, 0]), spread([0])], sums=True)
refusal("mv", [spread([3, 5]), spread([3])], label="sizes")
case("dot", [spread([7]), spread([7])], sums=True)
case("dot", [spread([0]), spread([0])])
case("dot", [ints([7]), ints([7])], label="int32")
refusal("dot", [spread([1]), spread([7])], label="sizes")
case("outer", [spread([3]), spread([4])], sums=True)
case("outer", [ints([3]), ints([4])], label="int32")
case("outer", [values([NAN, INF, 0.0]), values([1.0, 0.0])], label="edges")
for x, w, b in [([5, 3], [4, 3], [4]), ([3], [4, 3], [4]), ([2, 5, 7], [6, 7], None), ([9, 5], [17, 5], [17]), ([0, 3], [4, 3], [4]), ([2, 0], [3, 0], [3]), ([2, 2, 2, 3], [5, 3], [5]), ([4, 3], [1, 3], [1])]:
    case("linear", [spread(x), spread(w)] + ([] if b is None else [spread(b)]), sums=True)
case("linear", [spread([3, 5], view=[["transpose", 0, 1]]), spread([3, 4], view=[["transpose", 0, 1]]), spread([8], view=[["slice", 0, 0, None, 2]])], label="views", sums=True)
refusal("linear", [spread([5, 3]), spread([4, 2])], label="sizes")
refusal("linear", [spread([5, 3]), spread([4, 3]), spread([3])], label="bias")
for m in [[3, 4], [4], [3, 1], [], [1, 4]]:
    case("addmm", [spread(m), spread([3, 5]), spread([5, 4])], sums=True)
case("addmm", [spread([4]), spread([3, 5]), spread([5, 4])], [{"beta": 0.5, "alpha": -2}], "factors", sums=True)
case("addmm", [values([NAN, INF]), spread([3, 2]), spread([2, 2])], [{"beta": 0}], "beta 0 ignores input", sums=True)
refusal("addmm", [spread([2, 3, 4]), spread([3, 5]), spread([5, 4])], label="would grow")
refusal("addmm", [spread([3, 5]), spread([3, 5]), spread([5, 4])], label="shapes")
