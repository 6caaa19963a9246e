"""Reading and writing slices and elements by their places; counting; scattering with reductions; embeddings in bags."""
import torch
import torch.nn.functional as F

from golden import CALLS, INF, NAN, T, case, ints, refusal, spread, values

CALLS.update(
    indexFill=torch.index_fill, scatterReduce=lambda x, d, i, s, r, *more, include_self=None: torch.scatter_reduce(x, d, i, s, r, include_self=more[0] if more else include_self is not False),
    put=lambda x, i, s, accumulate=False: torch.put(x, i, s, accumulate),
    scatter=torch.scatter, argwhere=torch.argwhere, searchsorted=torch.searchsorted, bucketize=torch.bucketize, histc=torch.histc,
    embedding=F.embedding, embeddingBag=F.embedding_bag,
)  # fmt: skip
index = lambda data, **o: values(data, dtype="index", **o)  # noqa: E731

for shape, d, places in [([5], 0, [4, 0, 4]), ([3, 4], 0, [2, 2]), ([3, 4], -1, [0, 3, 1]), ([2, 3, 4], 1, [1, 1]), ([3, 4], 1, [])]:
    source = [len(places) if i == d % len(shape) else s for i, s in enumerate(shape)]
    at = index(places, shape=[len(places)])
    case("indexAdd", [spread(shape), at, spread(source)], [T(0), d, T(1), T(2)], sums=True)
    case("indexAdd", [spread(shape), at, spread(source)], [T(0), d, T(1), T(2), {"alpha": -2.5}], sums=True)
    case("indexFill", [spread(shape), at], [T(0), d, T(1), 7.5])
    case("indexFill", [spread(shape), at, spread([])], [T(0), d, T(1), T(2)], "a tensor", sums=True)
    if len(set(places)) == len(places):
        case("indexCopy", [spread(shape), at, spread(source)], [T(0), d, T(1), T(2)])
    for reduce in ["prod", "mean", "amax", "amin"]:
        case("indexReduce", [spread(shape, grad=False), at, spread(source, grad=False)], [T(0), d, T(1), T(2), reduce], sums=True)
        case("indexReduce", [spread(shape, grad=False), at, spread(source, grad=False)], [T(0), d, T(1), T(2), reduce, {"includeSelf": False}], sums=True)
case("indexAdd", [spread([]), index([0]), spread([])], [T(0), 0, T(1), T(2)], "no dimension", sums=True)
case("indexFill", [spread([4]), index([-1, 0])], [T(0), 0, T(1), 1.5], "negative")
case("indexFill", [ints([4]), index([1])], [T(0), 0, T(1), 9], "int32")
case("indexFill", [ints([4], 0, 2, "bool"), index([1])], [T(0), 0, T(1), 1], "bool")
case("indexAdd", [ints([4]), index([1, 1]), ints([2], 40000000, 90000000)], [T(0), 0, T(1), T(2)], "int32")
for op in ["indexAdd", "indexCopy"]:
    refusal(op, [spread([3]), index([3]), spread([1])], [T(0), 0, T(1), T(2)], "out of range")
    refusal(op, [spread([3]), index([-1]), spread([1])], [T(0), 0, T(1), T(2)], "negative")
    refusal(op, [spread([3]), index([0, 1]), spread([1])], [T(0), 0, T(1), T(2)], "lengths")
    refusal(op, [spread([3]), index([0]), ints([1])], [T(0), 0, T(1), T(2)], "dtypes")
    refusal(op, [spread([3, 2]), index([0]), spread([1, 3])], [T(0), 0, T(1), T(2)], "sizes")
refusal("indexFill", [spread([3]), index([3])], [T(0), 0, T(1), 1], "out of range")
refusal("indexFill", [spread([3]), index([1]), spread([1])], [T(0), 0, T(1), T(2)], "value with a dimension")
case("indexSelect", [spread([]), index([0])], [T(0), 0, T(1)], "no dimension")
case("indexSelect", [spread([3, 2]), index(1, shape=[])], [T(0), 0, T(1)], "a number")

for shape, places in [([5], [4, 0]), ([3, 4], [[0, 11], [5, -1]]), ([3, 4], [])]:
    at = index(places, shape=[0] if places == [] else None)
    case("put", [spread(shape), at, spread(at.shape)], [T(0), T(1), T(2)])
    case("put", [spread(shape), at, spread(at.shape)], [T(0), T(1), T(2), True], sums=True)
case("put", [spread([3]), index([1, 1, 1]), spread([3])], [T(0), T(1), T(2), {"accumulate": True}], sums=True)
refusal("put", [spread([3]), index([0, 1]), spread([3])], [T(0), T(1), T(2)], "lengths")
refusal("put", [spread([3]), index([3]), spread([1])], [T(0), T(1), T(2)], "out of range")

case("takeAlongDim", [spread([3, 4]), index([[0, 3], [1, 1], [2, 0]])], [T(0), T(1), 1], sums=True)
case("takeAlongDim", [spread([3, 4]), index([[1, 0, 2, 2]])], [T(0), T(1), 0], sums=True)
case("takeAlongDim", [spread([3, 4]), index([[1], [0]])], [T(0), T(1), 0], "broadcast", sums=True)
case("takeAlongDim", [spread([1, 4]), index([[1, 0], [3, 3]])], [T(0), T(1), {"dim": 1}], "broadcast", sums=True)
case("takeAlongDim", [spread([3, 4]), index([[1, 11]])], [T(0), T(1)], "flat", sums=True)
refusal("takeAlongDim", [spread([3, 4]), index([1])], [T(0), T(1), 0], "dimensions")

for mask, n in [([[1, 0, 1], [0, 1, 1]], 4), ([[1, 0, 1], [0, 1, 1]], 6), ([1, 0, 1], 4), ([[0], [1]], 5), ([[0], [0]], 0)]:
    case("maskedScatter", [spread([2, 3]), values(mask, dtype="bool"), spread([n], grad=n > 0)], [T(0), T(1), T(2)])
case("maskedScatter", [ints([3]), values([1, 0, 1], dtype="bool"), ints([2])], label="int32")
refusal("maskedScatter", [spread([3]), values([1, 1, 1], dtype="bool"), spread([2])], label="too few")
refusal("maskedScatter", [spread([3]), ints([3]), spread([3])], label="mask")
refusal("maskedScatter", [spread([3]), values([1, 1, 1], dtype="bool"), ints([3])], label="dtypes")

case("scatter", [spread([3, 4], grad=False), index([[0, 1, 0, 2]]), spread([1, 4], grad=False)], [T(0), 0, T(1), T(2), {"reduce": "add"}], sums=True)
case("scatter", [spread([3, 4], grad=False), index([[0, 1, 0], [0, 2, 0]]), spread([2, 4], grad=False)], [T(0), 0, T(1), T(2), {"reduce": "multiply"}], sums=True)
case("scatter", [spread([3], grad=False), index([0, 0])], [T(0), 0, T(1), 2.5, {"reduce": "multiply"}], sums=True)
case("scatter", [spread([3], grad=False), index([0, 0])], [T(0), 0, T(1), {"value": 2.5, "reduce": "add"}], sums=True)
case("scatter", [spread([3]), index([0, 2])], [T(0), 0, T(1), {"value": 2.5}])
refusal("scatter", [spread([3]), index([0]), spread([1])], [T(0), 0, T(1), T(2), {"reduce": "max"}], "reduce")

for reduce in ["sum", "prod", "mean", "amax", "amin"]:
    for shape, source, d, places in [
        ([5], [3], 0, [4, 0, 4]), ([3, 4], [2, 4], 0, [[0, 1, 2, 0], [2, 1, 0, 0]]), ([3, 4], [3, 2], 1, [[0, 0], [3, 1], [2, 2]]), ([3, 4], [2, 2], -1, [[1, 1], [0, 3]]), ([2, 3, 2], [2, 4, 2], 1, [[[0, 2], [0, 1], [0, 2], [1, 0]]] * 2),
    ]:  # fmt: skip
        at = index(places)
        grad = at.shape == source
        for self in [True, False]:
            case("scatterReduce", [spread(shape), at, spread(source, grad=grad)], [T(0), d, T(1), T(2), reduce, {"includeSelf": self}], sums=True)
    case("scatterReduce", [spread([3]), index([0, 0, 2]), spread([3])], [T(0), 0, T(1), T(2), reduce], "self by default", sums=True)
    case("scatterReduce", [spread([3], step=0.5, low=-1, high=1), index([0, 0, 0, 2, 2, 1]), spread([6], -1, 1, step=0.5)], [T(0), 0, T(1), T(2), reduce], "ties and zeros", sums=True)
    case("scatterReduce", [values([1, NAN, 2, -INF]), index([0, 1, 2, 3, 3]), values([NAN, 1, INF, INF, 2])], [T(0), 0, T(1), T(2), reduce], "edges", sums=True) if reduce in ["sum", "mean"] else None
    case("scatterReduce", [values([1, NAN, 2, -INF], grad=False), index([0, 1, 2, 3, 3]), values([NAN, 1, INF, INF, 2], grad=False)], [T(0), 0, T(1), T(2), reduce], "edges", sums=True)
    for self in [True, False]:
        case("scatterReduce", [ints([4], -9, 9), index([0, 0, 3]), ints([3], -9, 9)], [T(0), 0, T(1), T(2), reduce, {"includeSelf": self}], "int32")
    case("scatterReduce", [ints([4], 0, 9, "uint8"), index([0, 0, 3]), ints([3], 0, 9, "uint8")], [T(0), 0, T(1), T(2), reduce], "uint8")
    refusal("scatterReduce", [spread([3]), index([3]), spread([1])], [T(0), 0, T(1), T(2), reduce], "out of range")
refusal("scatterReduce", [spread([3]), index([1]), spread([1])], [T(0), 0, T(1), T(2), "max"], "reduce")

case("scatterReduce", [values([0, 0, 3, 2]), index([0, 0, 1, 2, 2, 3]), values([2, 3, 0, 0, 0, 5])], [T(0), 0, T(1), T(2), "prod"], "zeros", sums=True)

for x in [ints([3, 4], 0, 2, "bool"), ints([5], -1, 2), values([0, NAN, -0.0, 2], grad=False), values(3, shape=[], grad=False), values([], shape=[0, 2], grad=False)]:
    case("argwhere", [x])
    case("where", [x])

line = values([1, 2, 2, 3, 5], grad=False)
for right in [False, True]:
    case("searchsorted", [line, values([[2, 0, 9], [2.5, 5, 3]], grad=False)], [{"right": right}])
    case("bucketize", [values([[2, 0, 9], [2.5, 5, 3]], grad=False), line], [{"right": right}])
    case("searchsorted", [line], [T(0), 2, {"right": right}], "a number")
    case("bucketize", [line], [2.5, T(0), {"right": right}], "a number")
case("searchsorted", [line, values([2, NAN, INF, -INF], grad=False)], [{"side": "right", "outInt32": True}], "edges")
case("searchsorted", [values([[1, 3, 5], [2, 4, 6]], grad=False), values([[3, 9], [3, 4]], grad=False)], label="rows")
case("searchsorted", [ints([4], 0, 1), ints([3], 0, 2)], label="int32")
case("searchsorted", [values([], shape=[0], grad=False), values([1, 2], grad=False)], label="nothing")
refusal("searchsorted", [line, spread([2])], [{"side": "middle"}], "side")
refusal("searchsorted", [values([[1, 3, 5], [2, 4, 6]], grad=False), values([3], grad=False)], label="shapes")
refusal("bucketize", [spread([2]), spread([2, 2])], label="boundaries")

case("bincount", [index([1, 1, 3])])
case("bincount", [index([1, 1, 3])], [{"minlength": 6}])
case("bincount", [index([1, 1, 3]), values([0.5, 1, 2], grad=False)], [T(0), T(1)])
case("bincount", [index([], shape=[0])], [{"minlength": 2}])
case("bincount", [values([3, 1, 1], dtype="uint8")])
refusal("bincount", [index([1, -1])], label="negative")
refusal("bincount", [spread([3])], label="floats")
refusal("bincount", [index([[1]])], label="two dimensions")
refusal("bincount", [index([1, 2]), spread([3])], [T(0), T(1)], "weights")

for args in [[4, 0, 3], [{"bins": 4}], [5, -1, 1], [{"bins": 3, "min": -1, "max": 2}], []]:
    case("histc", [spread([20], grad=False)], args)
case("histc", [values([1, 1, 1], grad=False)], [4], "equal")
refusal("histc", [spread([3])], [0], "bins")
refusal("histc", [spread([3])], [3, 2, 1], "range")

case("embedding", [index([1, 3, 1, 0]), spread([4, 3])], [{"scaleGradByFreq": True}], sums=True)
case("embedding", [index([1, 3, 1]), spread([4, 3], grad=False)], [{"maxNorm": 1}], "maxNorm", after=[1], sums=True)
case("embedding", [index([[1, 3], [1, 0]]), spread([4, 3], grad=False)], [None, 0.5, 1], "maxNorm", after=[1], sums=True)
for mode in ["sum", "mean", "max"]:
    case("embeddingBag", [index([[1, 3, 1], [0, 2, 2]]), spread([4, 3])], [{"mode": mode}], sums=True)
    case("embeddingBag", [index([1, 3, 1, 0, 2]), spread([4, 3]), index([0, 2, 2])], [T(0), T(1), T(2), {"mode": mode}], "an empty bag", sums=True)
    case("embeddingBag", [index([[1, 3, 1], [0, 2, 2], [1, 1, 1]]), spread([4, 3])], [{"mode": mode, "paddingIdx": 1}], "padding", sums=True)
case("embeddingBag", [index([[1, 3], [0, 2]]), spread([4, 3])], label="mean by default", sums=True)
refusal("embeddingBag", [index([1, 3]), spread([4, 3])], label="no offsets")
refusal("embeddingBag", [index([[1, 3]]), spread([4, 3])], [{"mode": "min"}], "mode")
refusal("embeddingBag", [index([[4]]), spread([4, 3])], label="out of range")
for mode in ["sum", "mean", "max"]:
    case("embeddingBag", [index([1, 3, 1, 0, 2]), spread([4, 3]), index([0, 3, 5])], [T(0), T(1), {"offsets": T(2), "mode": mode, "includeLastOffset": True}], "last offset", sums=True)
case("embeddingBag", [index([1, 3, 1, 0, 2]), spread([4, 3]), index([0, 3]), spread([5])], [T(0), T(1), T(2), {"mode": "sum", "perSampleWeights": T(3)}], "weights", sums=True)
case("searchsorted", [values([5, 1, 3], grad=False), values([4, 1], grad=False), index([1, 2, 0])], [T(0), T(1), {"sorter": T(2)}], "sorter")
case("bincount", [index([1, 1, 3]), values([0.5, 1, 2], grad=False)], [T(0), {"weights": T(1), "minlength": 5}])
case("gather", [spread([2, 3]), index([[0, 2], [1, 1]])], [T(0), {"dim": 1, "index": T(1)}], "by name", sums=True)
