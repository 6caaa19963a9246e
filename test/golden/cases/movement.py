"""Ops that move elements, or look at them in another order; picking by index; writing in place."""
import torch
import torch.nn.functional as F

from golden import CALLS, INF, NAN, T, case, ints, refusal, spread, take, values

CALLS.update(
    reshape=lambda x, *sizes: x.reshape(*sizes),
    view=lambda x, *sizes: x.view(*sizes),
    permute=lambda x, *dims: x.permute(*dims),
    expand=lambda x, *sizes: x.expand(*sizes),
    flip=lambda x, *dims: x.flip(*dims),
    contiguous=lambda x: x.contiguous(),
    slice=take,
    split=lambda x, size, dim=0: x.split(size, dim),
    chunk=lambda x, n, dim=0: x.chunk(n, dim),
    T=lambda x: x.permute(*range(x.dim() - 1, -1, -1)),
)

for op in ["reshape", "view"]:
    for shape, sizes in [([2, 6], [3, 4]), ([2, 6], [-1]), ([2, 3, 4], [2, -1]), ([], [1, 1]), ([1], []), ([0, 3], [3, 0]), ([2, 1, 3], [3, 1, 2])]:
        case(op, [spread(shape)], [sizes], layouts=op == "reshape")
    case(op, [spread([2, 6])], [4, -1], "sizes one by one", layouts=op == "reshape")
    case(op, [ints([2, 6])], [[4, 3]], "int32", layouts=op == "reshape")
    case(op, [ints([2, 6], 0, 2, "bool")], [[12]], "bool", layouts=op == "reshape")
    for sizes in [[5, 2], [-1, -1], [-1, 5], [-2, 6]]:
        refusal(op, [spread([2, 6])], [sizes], "sizes")
    refusal(op, [spread([0, 3])], [[-1, 0]], "ambiguous")
    refusal(op, [spread([0, 3])], [[0, -1]], "ambiguous")
case("reshape", [spread([4, 3], view=[["transpose", 0, 1]])], [[2, 6]], "of a transpose")
case("reshape", [spread([2, 3, 4], view=[["permute", [1, 2, 0]]])], [[3, 8]], "of a permutation")
case("reshape", [spread([3, 1], view=[["expand", [3, 4]]])], [[12]], "of an expansion", sums=True)
case("view", [spread([4, 6], view=[["narrow", 1, 0, 4]])], [[4, 2, 2]], "of a window", layouts=False)
case("view", [spread([4, 6], view=[["slice", 1, 0, None, 2]])], [[2, 2, 3]], "of every second", layouts=False)
refusal("view", [spread([4, 3], view=[["transpose", 0, 1]])], [[12]], "of a transpose", layouts=False)
refusal("view", [spread([4, 6], view=[["narrow", 1, 0, 4]])], [[16]], "of a window", layouts=False)

for shape, dims in [([2, 3], [1, 0]), ([2, 3, 4], [2, 0, 1]), ([2, 1, 4], [-1, 1, 0]), ([5], [0]), ([0, 3], [1, 0]), ([2, 3, 2, 2], [3, 1, 0, 2])]:
    case("permute", [spread(shape)], [dims])
case("permute", [spread([2, 3, 4])], [2, 0, 1], "dims one by one")
case("permute", [ints([2, 3], 0, 200, "uint8")], [[1, 0]], "uint8")
refusal("permute", [spread([2, 3])], [[0, 0]], "twice")
refusal("permute", [spread([2, 3])], [[0]], "too few")
for shape, a, b in [([2, 3], 0, 1), ([2, 3, 4], 0, -1), ([2, 3, 4], 1, 1), ([], 0, -1), ([4], 0, 0)]:
    case("transpose", [spread(shape)], [a, b])
refusal("transpose", [spread([2, 3])], [0, 2], "dim out of range")
for shape in [[2, 3], [4], []]:
    case("t", [spread(shape)])
refusal("t", [spread([2, 3, 4])], [], "three dimensions")
for shape, d in [([2, 3], 0), ([2, 3], 1), ([2, 3], -1), ([2, 3], 2), ([], 0), ([], -1), ([0], 1), ([2, 3], -3)]:
    case("unsqueeze", [spread(shape)], [d])
refusal("unsqueeze", [spread([2, 3])], [3], "dim out of range")
for shape, args in [([1, 3, 1], []), ([1, 3, 1], [0]), ([1, 3, 1], [-1]), ([1, 3, 1], [1]), ([1, 1], []), ([], []), ([], [0]), ([0, 1], [])]:
    case("squeeze", [spread(shape)], args)
refusal("squeeze", [spread([1, 3])], [2], "dim out of range")
for shape, args in [([2, 3, 4], []), ([2, 3, 4], [1]), ([2, 3, 4], [0, 1]), ([2, 3, 4], [-2, -1]), ([], []), ([5], []), ([0, 3], []), ([2, 3], [1, 1])]:
    case("flatten", [spread(shape)], args)
refusal("flatten", [spread([2, 3, 4])], [2, 1], "end before start")
case("flatten", [spread([3, 4, 2], view=[["transpose", 0, 1]])], [1], "view")
for shape, sizes in [([3, 1], [3, 4]), ([1, 3], [2, 5, 3]), ([2, 1, 3], [-1, 4, -1]), ([], [2, 2]), ([3], [2, -1]), ([1], [0]), ([2, 3], [2, 3]), ([1, 3], [0, 3])]:
    case("expand", [spread(shape)], [sizes], sums=True)
case("expand", [spread([3, 1])], [-1, 4], "sizes one by one", sums=True)
for sizes in [[2, 4], [3], [-1, 3, 1], [3, 4]]:
    refusal("expand", [spread([3, 2])], [sizes], "sizes")
case("contiguous", [spread([3, 4], view=[["transpose", 0, 1]])], [], "view")
case("contiguous", [spread([3, 4])])
case("clone", [spread([3, 4], view=[["transpose", 0, 1]])], [], "view")
case("clone", [ints([3, 4], -9, 9, "int8")], [], "int8")
for shape, d, start, length in [([7], 0, 2, 3), ([3, 5], 1, 1, 3), ([3, 5, 2], 0, 1, 2), ([3, 5], -1, -2, 2), ([3], 0, 3, 0), ([3, 5], 0, 0, 3)]:
    case("narrow", [spread(shape)], [d, start, length])
case("narrow", [ints([6], 0, 2, "bool")], [0, 1, 4], "bool")
refusal("narrow", [spread([5])], [0, 3, 3], "too long")
refusal("narrow", [spread([5])], [0, -6, 1], "before the beginning")
for shape, d, index in [([7], 0, 2), ([3, 5], 1, -1), ([2, 3, 4], 1, 0), ([2, 3, 4], -1, 3)]:
    case("select", [spread(shape)], [d, index])
case("select", [ints([3, 4])], [0, 1], "int32")
refusal("select", [spread([3])], [0, 3], "index out of range")
refusal("select", [spread([3])], [0, -4], "index out of range")
for args in [[0, 1, 3], [0, 1], [0, -2], [1, None, -1], [1, 0, None, 2], [1, 1, 100, 3], [1, 4, 2], [1, -100, 3], [0, None, None, 2]]:
    case("slice", [spread([4, 6])], args)
case("slice", [ints([6], 0, 200, "uint8")], [0, 1, None, 2], "uint8")
refusal("slice", [spread([4])], [0, 0, 4, 0], "step 0")
for shape, args in [([7], [3]), ([6], [2]), ([3, 5], [2, 1]), ([3, 5], [[1, 4], -1]), ([7], [[3, 0, 4]]), ([4], [9]), ([0], [2])]:
    case("split", [spread(shape)], args)
refusal("split", [spread([7])], [[3, 3]], "sizes")
for shape, args in [([7], [3]), ([5], [4]), ([3, 6], [2, 1]), ([2], [5]), ([7], [1]), ([0], [3])]:
    case("chunk", [spread(shape)], args)
refusal("chunk", [spread([7])], [0], "no chunk")
for shapes, d in [([[2, 3], [4, 3]], 0), ([[2, 3], [2, 1], [2, 2]], 1), ([[2, 3], [2, 3]], -1), ([[3]], 0), ([[2, 0], [2, 3]], 1), ([[2, 3, 2], [2, 1, 2]], -2)]:
    case("cat", [spread(s) for s in shapes], [[T(k) for k in range(len(shapes))], d])
case("cat", [spread([3]), spread([2])], [[T(0), T(1)]], "dim 0 by default")
case("cat", [spread([3])], [[T(0), T(0)]], "the same twice", sums=True)
case("cat", [ints([3]), ints([2])], [[T(0), T(1)]], "int32")
case("cat", [ints([3], 0, 2, "bool"), ints([2], 0, 2, "bool")], [[T(0), T(1)]], "bool")
case("cat", [spread([3]), ints([2])], [[T(0), T(1)]], "float32 and int32")
case("cat", [ints([3], 0, 9, "uint8"), ints([2])], [[T(0), T(1)]], "uint8 and int32")
case("cat", [spread([0]), spread([2, 3])], [[T(0), T(1)]], "an empty one of any shape")
refusal("cat", [spread([2, 3]), spread([2, 4])], [[T(0), T(1)]], "sizes")
refusal("cat", [], [[]], "nothing", fn=lambda x=(): torch.cat(list(x)))
refusal("cat", [spread([])], [[T(0)]], "no dimension")
for d in [0, 1, 2, -1, -2]:
    case("stack", [spread([2, 3]), spread([2, 3])], [[T(0), T(1)], d])
case("stack", [spread([]), spread([]), spread([])], [[T(0), T(1), T(2)]], "numbers")
refusal("stack", [spread([2, 3]), spread([3, 2])], [[T(0), T(1)]], "shapes")
for shape, dims in [([7], [0]), ([3, 5], [0, 1]), ([2, 3, 4], [1]), ([2, 3, 4], [-1, 0]), ([3], []), ([0, 2], [0]), ([], [])]:
    case("flip", [spread(shape)], [dims])
case("flip", [spread([2, 3])], [0, 1], "dims one by one")
case("flip", [ints([5], 0, 2, "bool")], [[0]], "bool")
refusal("flip", [spread([2, 3])], [[0, 0]], "twice")
for shape in [[3, 4], [2, 3, 4], [5]]:
    case("T", [spread(shape)])

# ── picking by index ──

for shape, d, places in [
    ([5], 0, [4, 0, 0, 2]),
    ([3, 4], 0, [[0, 1, 2, 0], [2, 2, 2, 2]]),
    ([3, 4], 1, [[0, 0], [3, 1], [2, 2]]),
    ([3, 4], -1, [[3], [1], [2]]),
    ([2, 3, 2], 1, [[[0, 2]], [[1, 1]]]),
    ([3, 4], 0, [[1, 2]]),
    ([3, 4], 1, [[1, 0, 3]]),
]:
    case("gather", [spread(shape), values(places, dtype="index")], [T(0), d, T(1)], sums=True)
case("gather", [ints([3, 4]), values([[0, 1, 2, 0]], dtype="index")], [T(0), 0, T(1)], "int32")
case("gather", [ints([3], 0, 2, "bool"), values([2, 1, 0, 0], dtype="index")], [T(0), 0, T(1)], "bool")
case("gather", [spread([]), values(0, shape=[], dtype="index")], [T(0), 0, T(1)], "no dimension")
case("gather", [spread([3, 4]), values([], shape=[0, 4], dtype="index")], [T(0), 0, T(1)], "no index")
refusal("gather", [spread([3]), values([3], dtype="index")], [T(0), 0, T(1)], "index out of range")
refusal("gather", [spread([3]), values([-1], dtype="index")], [T(0), 0, T(1)], "negative index")
refusal("gather", [spread([3, 4]), values([1], dtype="index")], [T(0), 0, T(1)], "dimensions")
refusal("gather", [spread([3, 2]), values([[1, 1, 1]], dtype="index")], [T(0), 0, T(1)], "index too wide")
for shape, d, places in [([5], 0, [4, 0, 0, 2]), ([3, 4], 0, [2, 2, 0]), ([3, 4], 1, [3]), ([2, 3, 4], -2, [1, 1, 2, 0]), ([3, 4], 1, [])]:
    case("indexSelect", [spread(shape), values(places, shape=[len(places)], dtype="index")], [T(0), d, T(1)], sums=True)
case("indexSelect", [ints([3, 2], 0, 200, "uint8"), values([1, 1, 0], dtype="index")], [T(0), 0, T(1)], "uint8")
case("indexSelect", [spread([4, 3], view=[["transpose", 0, 1]]), values([2, 0], dtype="index")], [T(0), 0, T(1)], "view")
refusal("indexSelect", [spread([3]), values([3], dtype="index")], [T(0), 0, T(1)], "index out of range")
refusal("indexSelect", [spread([3]), values([[0]], dtype="index")], [T(0), 0, T(1)], "two dimensions")
CALLS["oneHot"] = F.one_hot
case("oneHot", [values([0, 2, 1], dtype="index")])
case("oneHot", [values([[0, 2], [1, 1]], dtype="index")], [4])
case("oneHot", [values(1, shape=[], dtype="index")], [3])
refusal("oneHot", [values([0, 4], dtype="index")], [3], "class out of range")
refusal("oneHot", [values([0, -1], dtype="index")], [], "negative class")

# ── writing in place ──

for name in ["add_", "sub_", "mul_", "div_"]:
    CALLS[name] = lambda x, y, name=name: getattr(x, name)(y)
    case(name, [spread([3, 4], grad=False), spread([4], 1, 2, grad=False)], after=[0])
    case(name, [spread([3, 4], grad=False)], [2.5], "number", after=[0])
    case(name, [spread([3, 4], grad=False), ints([4], 1, 5)], label="float32, int32", after=[0])
    refusal(name, [spread([4], grad=False), spread([3, 4], grad=False)], label="would grow")
    if name != "div_":
        case(name, [ints([4], 0, 9, "uint8"), ints([4], 0, 9)], label="uint8, int32", after=[0])
    refusal(name, [ints([4], 1, 5), spread([4], grad=False)], label="int32, float32")
CALLS.update(
    copy_=lambda x, y: x.copy_(y), fill_=lambda x, v: x.fill_(v), zero_=lambda x: x.zero_()
)
case("copy_", [spread([3, 4], grad=False), spread([4], grad=False)], after=[0])
case("copy_", [spread([3, 4], grad=False), ints([3, 1])], label="from int32", after=[0])
case("copy_", [ints([3, 4]), spread([3, 4], -4, 4, grad=False)], label="to int32", after=[0])
case("copy_", [spread([3, 4], grad=False), spread([4, 3], grad=False, view=[["transpose", 0, 1]])], label="from a view", after=[0])
refusal("copy_", [spread([4], grad=False), spread([3, 4], grad=False)], label="would shrink")
case("fill_", [spread([3, 4], grad=False)], [-1.5], after=[0])
case("fill_", [ints([3], 0, 2, "bool")], [True], "bool", after=[0])
case("fill_", [ints([3], dtype="int8")], [7], "int8", after=[0])
case("zero_", [values([NAN, INF, 1], grad=False)], after=[0])
