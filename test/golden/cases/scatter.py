"""Writing to places that an index names, reading from them, and embeddings."""
import torch
import torch.nn.functional as F

from golden import CALLS, T, case, ints, refusal, spread, values

CALLS.update(scatter=torch.Tensor.scatter, scatterAdd=torch.Tensor.scatter_add, embedding=F.embedding)

PLACES = [
    ([5], [3], 0, [4, 0, 2]),
    ([3, 4], [2, 4], 0, [[0, 1, 2, 0], [2, 2, 0, 1]]),
    ([3, 4], [3, 2], 1, [[0, 1], [3, 1], [2, 0]]),
    ([3, 4], [3, 4], -1, [[3], [1], [2]]),
    ([3, 4], [5, 6], 0, [[1, 2], [0, 1]]),
    ([2, 3, 2], [2, 2, 2], 1, [[[0, 2]], [[1, 1]]]),
]
for shape, source, d, places in PLACES:
    index = values(places, dtype="index")
    # PyTorch has no gradient of a source that is larger than the index.
    source = spread(source, grad=source == index.shape)
    case("scatter", [spread(shape), index, source], [T(0), d, T(1), T(2)])
    case("scatter", [spread(shape), index], [T(0), d, T(1), 1.5], "a number")
    case("scatterAdd", [spread(shape), index, source], [T(0), d, T(1), T(2)], sums=True)
case("scatterAdd", [spread([3]), values([1, 1, 1, 0], dtype="index"), spread([4])], [T(0), 0, T(1), T(2)], "the same place", sums=True)
for op in ["scatter", "scatterAdd"]:
    case(op, [ints([3, 4]), values([[0, 1, 2, 0]], dtype="index"), ints([1, 4], 40000000, 90000000)], [T(0), 0, T(1), T(2)], "int32")
    case(op, [ints([4], 0, 9, "uint8"), values([2, 1], dtype="index"), ints([2], 0, 9, "uint8")], [T(0), 0, T(1), T(2)], "uint8")
    case(op, [spread([]), values(0, shape=[], dtype="index"), spread([])], [T(0), 0, T(1), T(2)], "no dimension", sums=True)
    refusal(op, [spread([3]), values([3], dtype="index"), spread([1])], [T(0), 0, T(1), T(2)], "index out of range")
    refusal(op, [spread([3]), values([-1], dtype="index"), spread([1])], [T(0), 0, T(1), T(2)], "negative index")
    refusal(op, [spread([3]), values([0, 1], dtype="index"), spread([1])], [T(0), 0, T(1), T(2)], "src too small")
    refusal(op, [spread([3, 2]), values([[0, 1, 1]], dtype="index"), spread([1, 3])], [T(0), 0, T(1), T(2)], "index too wide")
    refusal(op, [spread([3, 2]), values([0], dtype="index"), spread([1])], [T(0), 0, T(1), T(2)], "dimensions")
    refusal(op, [spread([3]), values([0], dtype="index"), ints([1])], [T(0), 0, T(1), T(2)], "dtypes")

for shape, places in [([5], [4, 0, 0]), ([3, 4], [[0, 11], [5, 5]]), ([3, 4], [-1, -12]), ([2, 3], [])]:
    case("take", [spread(shape), values(places, dtype="index")], sums=True)
case("take", [spread([3, 4]), values(2, shape=[], dtype="index")], label="a number")
case("take", [spread([4, 3], view=[["transpose", 0, 1]]), values([1, 5], dtype="index")], label="view")
case("take", [ints([3], 0, 200, "uint8"), values([2, 1], dtype="index")], label="uint8")
refusal("take", [spread([3]), values([3], dtype="index")], label="out of range")
refusal("take", [spread([3]), values([-4], dtype="index")], label="out of range")

for places in [[1, 0, 1], [[3, 1], [1, 1]], []]:
    case("embedding", [values(places, shape=None if places else [0], dtype="index"), spread([4, 3])], sums=True)
case("embedding", [values(2, shape=[], dtype="index"), spread([4, 3])], label="a number", sums=True)
for row in [1, -1, 0]:
    case("embedding", [values([1, 3, 1, 0], dtype="index"), spread([4, 5])], [{"paddingIdx": row}], "padding", sums=True)
refusal("embedding", [values([4], dtype="index"), spread([4, 3])], label="out of range")
