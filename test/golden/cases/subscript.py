"""Python's square brackets, reading and writing."""
import torch

from golden import CALLS, T, case, ints, refusal, spread, values


def key(item):
    """What stands between the brackets in Python for what stands in the list."""
    if item is None:
        return slice(None)
    if isinstance(item, str):
        if "," in item:
            return tuple(key(part) for part in item.split(","))
        item = item.strip()
        if item == "...":
            return Ellipsis
        if item == "None":
            return None
        if ":" in item:
            return slice(*[int(p) if p else None for p in item.split(":")])
        return int(item)
    if isinstance(item, dict):
        return slice(item.get("start"), item.get("stop"), item.get("step"))
    return item


def keys(indices):
    if isinstance(indices, list):
        parts = [key(i) for i in indices]
        return tuple(q for p in parts for q in (p if isinstance(p, tuple) else [p]))
    return key(indices)


def put(x, indices, source, accumulate=False):
    y = x.clone()
    where = torch.arange(x.numel()).reshape(x.shape)[keys(indices)]
    return y.reshape(-1).index_put((where.reshape(-1),), source.expand(where.shape).reshape(-1), accumulate=accumulate).reshape(x.shape)


def put_(x, indices, source, accumulate=False):
    with torch.no_grad():
        x.copy_(put(x, indices, source, accumulate))
    return x


CALLS.update(index=lambda x, indices: x[keys(indices)], indexPut=put, indexPut_=put_)

BASIC = [
    ([5], 2), ([5], -1), ([5], "1:4"), ([5], "::2"), ([5], ":-2"), ([5], "-3:"), ([5], "3:1"), ([5], "-9:9:3"), ([5], "..."), ([5], "None, ..."),
    ([3, 4], [1]), ([3, 4], [1, 2]), ([3, 4], [":", 0]), ([3, 4], ["...", -1]), ([3, 4], ["1:, ::3"]), ([3, 4], ["None"]), ([3, 4], [":", "None"]),
    ([3, 4], [None, 1]), ([2, 3, 4], [None, [0, 2]]), ([2, 3, 4], [[1, 0], None, [0, 2]]), ([2, 3, 4], [None, [1, 0], [0, 2]]),
    ([3, 4], ["...", "None"]), ([2, 3, 4], ["...", 1, "None"]), ([2, 3, 4], [0, "...", "1:3"]), ([2, 3, 4], ["None", 1, "None", "::2", 0]),
    ([3, 4], [{"start": 1}]), ([3, 4], [{}, {"step": 2}]), ([3, 4], [{"start": -2, "stop": None}, {"stop": 3}]), ([], ["..."]), ([], ["None"]), ([0, 3], ["...", 1]),
]  # fmt: skip
for shape, indices in BASIC:
    case("index", [spread(shape)], [T(0), indices])

I, J = [[0, 2], [1, 1]], [2, 0]
ADVANCED = [
    ([5], [[4, 0, 0, -1]]), ([3, 4], [[0, 2], [1, -1]]), ([3, 4], [":", [3, 1, 1]]), ([3, 4], [[[0, 1], [2, 2]]]), ([3, 4], [[[0], [2]], [1, 3]]),
    ([3, 4], [1, [0, 0, 3]]), ([2, 3, 4], [[0, 1], ":", [3, 1]]), ([2, 3, 4], [[0, 1], [2, 1]]), ([2, 3, 4], [":", [0, 2], [1, 1]]),
    ([2, 3, 4], ["...", [0, 2]]), ([2, 3, 4], [":", [0, 2], "1:3"]), ([2, 3, 4], [[1, 0], "None", [0, 2]]), ([2, 3, 4], ["None", [1, 0], [0, 2]]),
    ([2, 3, 4, 2], [":", [0, 2], ":", [1, 0]]), ([2, 3, 4, 2], [":", [0, 2], [1, 3], ":"]), ([2, 3, 4], [0, ":", [0, 1]]), ([2, 3, 4], [[[1]], 0, [[0, 1]]]),
    ([3, 4], [[True, False, True]]), ([3, 4], [":", [True, False, False, True]]), ([3, 4], [[True, False, True], [0, 3]]), ([2, 3], [[[True, False, True], [False, False, True]]]),
    ([2, 3], [True]), ([2, 3], [False]), ([2, 3], [":", True, [0]]), ([0, 3], [":", [1]]), ([3, 2], [[False, False, False]]),
]  # fmt: skip
for shape, indices in ADVANCED:
    case("index", [spread(shape)], [T(0), indices], sums=True)
case("index", [spread([3, 4]), values([2, 0], dtype="index")], [T(0), T(1)], "a tensor", sums=True)
case("index", [spread([3, 4]), values(2, shape=[], dtype="index")], [T(0), [T(1)]], "a tensor without dimensions")
case("index", [spread([3, 4]), values([[2, 0], [1, 1]], dtype="index"), values([[1], [3]], dtype="index")], [T(0), [T(1), T(2)]], "tensors that broadcast", sums=True)
case("index", [spread([3, 4]), ints([3, 4], 0, 2, "bool")], [T(0), T(1)], "a mask")
case("index", [spread([2, 3, 4]), ints([2, 3], 0, 2, "bool")], [T(0), [T(1)]], "a mask of two")
case("index", [spread([2, 3, 4]), ints([3, 4], 0, 2, "bool")], [T(0), ["...", T(1)]], "a mask of the last")
case("index", [spread([2, 3, 4]), ints([3], 0, 2, "uint8"), values([0], dtype="index")], [T(0), [":", T(1), T(2)]], "a mask of bytes")
case("index", [spread([3, 4]), values(1, shape=[], dtype="bool")], [T(0), [T(1)]], "a mask of none")
case("index", [spread([4, 3], view=[["transpose", 0, 1]]), values([2, 0], dtype="index")], [T(0), [":", T(1)]], "view")
case("index", [spread([4, 2, 3], view=[["permute", [2, 0, 1]]]), values([2, 0], dtype="index")], [T(0), [T(1), ":", [1, 1]]], "view")
for dtype in ["int32", "uint8", "int8", "bool"]:
    case("index", [ints([3, 4], 0, 2 if dtype == "bool" else 100, dtype)], [T(0), [[2, 0], "1:3"]], dtype)
for shape, indices in [([5], 5), ([5], -6), ([5], [[5]]), ([5], [[0, -6]]), ([5], [1, 1]), ([5], ["::0"]), ([5], ["::-1"]), ([3, 4], [[0, 1], [0, 1, 2]]), ([3, 4], [[True, False]]), ([], [0]), ([3], ["...", 1, 1])]:  # fmt: skip
    refusal("index", [spread(shape)], [T(0), indices])
refusal("index", [spread([3]), spread([2])], [T(0), [T(1)]], "places of floats")

for shape, source, indices in [
    ([5], [2], [[4, 1]]), ([5], [], [[4, 1]]), ([3, 4], [2], [[0, 2], [1, -1]]), ([3, 4], [3, 2], [":", [3, 1]]), ([3, 4], [4], [1]), ([3, 4], [2, 2], ["1:", "::2"]), ([2, 3, 4], [2, 3], [[0, 1], ":", [3, 1]]), ([3, 4], [1, 4], [[True, False, True]]),
]:  # fmt: skip
    case("indexPut", [spread(shape), spread(source)], [T(0), indices, T(1)])
    case("indexPut", [spread(shape), spread(source)], [T(0), indices, T(1), True], "accumulate", sums=True)
    case("indexPut_", [spread(shape, grad=False), spread(source, grad=False)], [T(0), indices, T(1)], after=[0])
case("indexPut", [spread([4]), spread([3])], [T(0), [[1, 1, 3]], T(1), {"accumulate": True}], "the same place", sums=True)
case("indexPut", [spread([3, 4]), ints([3, 4], 0, 2, "bool"), spread([])], [T(0), [T(1)], T(2)], "a mask")
case("indexPut", [ints([4], dtype="int32"), ints([2], dtype="int32")], [T(0), [[1, -1]], T(1), {"accumulate": True}], "int32")
refusal("indexPut", [spread([4]), spread([3])], [T(0), [[1, 2]], T(1)], "values too many")
refusal("indexPut", [spread([4]), ints([2])], [T(0), [[1, 2]], T(1)], "dtypes")
refusal("indexPut", [spread([4]), spread([1])], [T(0), [[4]], T(1)], "out of range")
