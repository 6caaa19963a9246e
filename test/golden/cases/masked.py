"""Ops on the elements that a mask or a condition names."""
from golden import INF, NAN, T, case, ints, refusal, spread, values

for shape, mask, value in [([3, 4], [3, 4], 0.5), ([3, 4], [4], -INF), ([4], [3, 1], 2), ([], [], 1), ([0, 3], [3], 1), ([3], [], NAN)]:
    case("maskedFill", [spread(shape), ints(mask, 0, 2, "bool")], [value], sums=True)
case("maskedFill", [spread([3, 4]), ints([4], 0, 2, "bool"), spread([])], [T(0), T(1), T(2)], "a tensor", sums=True)
case("maskedFill", [ints([3]), ints([3], 0, 2, "bool")], [7], "int32")
case("maskedFill", [ints([3], 0, 200, "uint8"), ints([3], 0, 2, "bool")], [7], "uint8")
case("maskedFill", [ints([3], 0, 2, "bool"), values([1, 0, 1], dtype="bool")], [True], "bool")
case("maskedFill", [values([NAN, 1, NAN]), values([1, 0, 1], dtype="bool")], [0], "NaN")
refusal("maskedFill", [spread([3]), ints([4], 0, 2, "bool")], [0], "shapes")
refusal("maskedFill", [spread([3]), ints([3])], [0], "mask is int32")
refusal("maskedFill", [spread([3]), ints([3], 0, 2, "bool"), spread([3])], [T(0), T(1), T(2)], "value has a dimension")

for shape, mask in [([3, 4], [3, 4]), ([3, 4], [4]), ([4], [3, 1]), ([], []), ([0], [0]), ([2, 3, 4], [3, 1])]:
    case("maskedSelect", [spread(shape), ints(mask, 0, 2, "bool")], sums=True)
case("maskedSelect", [spread([3]), values([0, 0, 0], dtype="bool")], label="nothing")
case("maskedSelect", [spread([]), values([1, 0, 1], dtype="bool")], label="a number", sums=True)
case("maskedSelect", [ints([3], 0, 200, "uint8"), values([1, 0, 1], dtype="bool")], label="uint8")
refusal("maskedSelect", [spread([3]), ints([4], 0, 2, "bool")], label="shapes")
refusal("maskedSelect", [spread([3]), ints([3])], label="mask is int32")

for x in [values([0.0, 1, NAN, -0.0, 2], grad=False), values([[0, 1, 0], [3, 0, 5]], grad=False), values([0, 0], grad=False), values(3, shape=[], grad=False), values(0, shape=[], grad=False), values([], shape=[0, 3], grad=False)]:
    case("nonzero", [x])
    if x.shape:
        case("nonzero", [x], [{"asTuple": True}], "as a tuple")
case("nonzero", [values(3, shape=[], grad=False)], [{"asTuple": True}], "a number as a tuple")
case("nonzero", [ints([2, 3], 0, 2, "bool")], label="bool")
case("nonzero", [ints([2, 2, 3], 0, 2)], label="int32")
