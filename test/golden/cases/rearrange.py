"""Ops that repeat, shift, pad and reorder whole dimensions; triangles and diagonals."""
from golden import CALLS, INF, NAN, case, ints, refusal, spread, values

CALLS.update(
    repeat=lambda x, *sizes: x.repeat(*sizes),
    tile=lambda x, *dims: x.tile(*dims),
    unflatten=lambda x, dim, sizes: x.unflatten(dim, sizes),
)

for shape, sizes in [([], [3]), ([], []), ([3], [2]), ([2, 3], [2, 1, 3]), ([2, 3], [1, 1]), ([2, 3], [0, 2]), ([2, 1, 3], [2, 4, 2]), ([0, 2], [3, 2])]:
    case("repeat", [spread(shape)], [sizes], sums=True)
case("repeat", [spread([2, 3])], [2, 2], "sizes one by one", sums=True)
case("repeat", [ints([3], 0, 2, "bool")], [[2]], "bool")
case("repeat", [ints([2, 2])], [[2, 2]], "int32")
refusal("repeat", [spread([2, 3])], [[2]], "too few")
refusal("repeat", [spread([2])], [[-1]], "negative")
for shape, dims in [([3], [2]), ([2, 3], [2]), ([2, 3], [2, 1, 3]), ([2, 3], []), ([], [2, 2])]:
    case("tile", [spread(shape)], [dims], sums=True)
case("tile", [ints([3], 0, 200, "uint8")], [[2]], "uint8")

for shape, args in [([7], [2, 0]), ([7], [-9, 0]), ([3, 5], [-2]), ([3, 5], [[1, 7], [0, -1]]), ([2, 3, 4], [[1, 1], [1, 1]]), ([0, 3], [1, 1]), ([3], [0]), ([], [1]), ([3, 5], [[4]])]:
    case("roll", [spread(shape)], args)
case("roll", [ints([5], 0, 2, "bool")], [1], "bool")
refusal("roll", [spread([3, 5])], [[1, 2], 0], "more shifts than dims")
refusal("roll", [spread([3, 5])], [1, 2], "dim out of range")
refusal("roll", [spread([3, 5])], [[1, 2]], "shifts without dims")

for shape, args in [([2, 3], [0, 1]), ([2, 3, 4], [0, -1]), ([2, 3, 4], [-1, 0]), ([2, 3, 4, 2], [[0, 2], [-1, 0]]), ([2, 3], [[], []]), ([3], [0, 0])]:
    case("movedim", [spread(shape)], args)
refusal("movedim", [spread([2, 3])], [[0, 0], [0, 1]], "twice")
refusal("movedim", [spread([2, 3])], [[0], [0, 1]], "numbers differ")
refusal("movedim", [spread([2, 3])], [0, 2], "dim out of range")

for shape, args in [([6], [0, [2, 3]]), ([2, 6], [1, [-1, 2]]), ([2, 6, 3], [-2, [3, 2]]), ([2, 3], [0, [2]]), ([0, 3], [1, [3, 1]]), ([4], [0, [2, 1, -1]])]:
    case("unflatten", [spread(shape)], args)
refusal("unflatten", [spread([6])], [0, [4, 2]], "sizes")
refusal("unflatten", [spread([6])], [0, [4, -1]], "sizes")
refusal("unflatten", [spread([6])], [0, []], "no sizes")
refusal("unflatten", [spread([6])], [1, [2, 3]], "dim out of range")

for shape, args in [
    ([5], [[1, 2]]), ([2, 3], [[1, 0, 0, 2], "constant", 1.5]), ([2, 3, 4], [[-1, 2, 1, -1]]), ([0, 3], [[1, 1, 1, 0]]), ([3], [[0, 0]]), ([2, 3], [[]]),
    ([4], [[-4, 0]]), ([4], [[-3, 2], "constant", 7]), ([2, 3], [[1, 1], "constant", NAN]), ([2, 3], [[-1, -1]]), ([2, 3], [[-2, 4]]),
]:
    case("pad", [spread(shape)], args)
case("pad", [spread([2, 3])], [[1, 1], {"mode": "constant", "value": -INF}], "options")
case("pad", [ints([3])], [[1, 1], "constant", 4], "int32")
case("pad", [ints([3], 0, 2, "bool")], [[1, 1]], "bool")
refusal("pad", [spread([3])], [[1]], "odd")
refusal("pad", [spread([3])], [[1, 1, 1, 1]], "too many")
refusal("pad", [spread([3])], [[-2, -2]], "takes away too much")
for mode in ["reflect", "replicate", "circular"]:
    for shape, sizes in [([1, 2, 5], [2, 1]), ([1, 2, 3, 4], [3, 1, 0, 2]), ([1, 1, 3, 2, 4], [1, 2, 1, 0, 2, 1]), ([1, 2, 5], [0, 0]), ([1, 2, 5], [-1, 2]), ([2, 1, 4, 5], [2, -2, -1, 1])]:
        case("pad", [spread(shape)], [sizes, mode], sums=True)
    case("pad", [spread([1, 2, 5])], [[1, 1], {"mode": mode}], "options", sums=True)
    if mode != "circular":
        case("pad", [spread([2, 5])], [[2, 1], mode], "without a batch", sums=True)
        case("pad", [spread([2, 3, 4])], [[2, 1, 1, 2], mode], "without a batch", sums=True)
    refusal("pad", [spread([5])], [[1, 1], mode], "one dimension")
    refusal("pad", [spread([1, 1, 4])], [[1, 1], mode, 3.0], "a value")
    if mode != "replicate":
        refusal("pad", [spread([1, 1, 4])], [[5, 1], mode], "too much")
refusal("pad", [spread([1, 1, 4])], [[4, 0], "reflect"], "as much as there is")
case("pad", [spread([1, 1, 4])], [[4, 4], "circular"], "as much as there is", sums=True)
case("pad", [spread([1, 1, 2])], [[6, 5], "replicate"], "more than there is", sums=True)
refusal("pad", [spread([1, 4])], [[1, 1], "circular"], "without a batch")
refusal("pad", [spread([3])], [[1, 1], "mirror"], "mode")

for op in ["tril", "triu"]:
    for shape, args in [([4, 4], []), ([3, 5], [1]), ([5, 3], [-2]), ([2, 3, 4], [0]), ([2, 3, 4], [9]), ([2, 3, 4], [-9]), ([0, 3], []), ([3, 0], []), ([1, 1], [1])]:
        case(op, [spread(shape)], args)
    case(op, [ints([3, 3])], [], "int32")
    case(op, [ints([3, 3], 0, 2, "bool")], [1], "bool")
    case(op, [values([[NAN, NAN], [NAN, NAN]])], [], "NaN")
    refusal(op, [spread([3])], [], "one dimension")

for shape, args in [([3, 3], []), ([3, 5], [1]), ([3, 5], [-1]), ([3, 5], [-1, 1, 0]), ([2, 3, 4], [0, 0, 2]), ([2, 3, 4], [1, -2, -1]), ([2, 3], [7]), ([2, 3], [-7]), ([0, 3], [])]:
    case("diagonal", [spread(shape)], args)
refusal("diagonal", [spread([3])], [], "one dimension")
refusal("diagonal", [spread([3, 3])], [0, 1, 1], "the same dimension twice")
for shape, args in [([3], []), ([3], [1]), ([2], [-2]), ([0], []), ([3, 4], []), ([3, 4], [2]), ([3, 4], [-1])]:
    case("diag", [spread(shape)], args)
case("diag", [ints([3])], [], "int32")
refusal("diag", [spread([])], [], "no dimension")
refusal("diag", [spread([2, 2, 2])], [], "three dimensions")
