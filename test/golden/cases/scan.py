"""Running sums and products, products and norms."""
from golden import INF, NAN, case, ints, refusal, spread, values

for op in ["cumsum", "cumprod"]:
    for shape, d in [([], 0), ([], -1), ([0], 0), ([1], 0), ([7], 0), ([3, 5], 0), ([3, 5], -1), ([2, 3, 4], 1), ([2, 0, 3], 1), ([0, 3], 1), ([5, 9], 0)]:
        case(op, [spread(shape)], [d], sums=True)
    case(op, [ints([3, 4])], [1], "int32")
    case(op, [ints([5], 1, 9, "uint8")], [0], "uint8")
    case(op, [ints([5], 0, 2, "bool")], [0], "bool")
    case(op, [values([1, NAN, 2])], [0], "NaN")
    case(op, [values([1, INF, 2, -INF, 1], grad=False)], [0], "infinities")
    refusal(op, [spread([3])], [1], "dim out of range")
    refusal(op, [spread([3])], [-2], "dim out of range")
case("cumprod", [values([2, 0, 3, -1])], [0], "a zero", sums=True)
case("cumprod", [values([2, 0, 3, 0, 5])], [0], "two zeros", sums=True)
case("cumprod", [values([[2, 0], [3, 1], [0, 4]])], [0], "zeros", sums=True)
case("cumprod", [values([0])], [0], "zero alone")

for shape, args in [([], []), ([0], []), ([5], []), ([3, 4], []), ([3, 4], [0]), ([3, 4], [1]), ([3, 4], [-1, True]), ([2, 3, 4], [1]), ([0, 3], [0]), ([0, 3], [1]), ([], [0]), ([9, 20], [0])]:
    case("prod", [spread(shape)], args, sums=True)
case("prod", [spread([3, 4])], [{"dim": 1, "keepdim": True}], "options", sums=True)
case("prod", [values([2, 0, 3])], [], "a zero")
case("prod", [values([2, 0, 0])], [], "two zeros")
case("prod", [values([[2, 0, 3], [1, 4, 5], [0, 0, 2]])], [1], "zeros")
case("prod", [values([[2, 0, 3], [1, 4, 5], [0, 0, 2]])], [0], "zeros")
case("prod", [values([2, NAN, 3])], [], "NaN")
case("prod", [values([2, INF, 3])], [], "infinity")
case("prod", [values(0, shape=[])], [], "zero without dimensions")
case("prod", [ints([3, 4])], [0], "int32")
case("prod", [ints([4], 1, 200, "uint8")], [], "uint8")
case("prod", [ints([4], 0, 2, "bool")], [], "bool")
refusal("prod", [spread([3])], [1], "dim out of range")

for shape, args in [([], []), ([5], []), ([3, 4], []), ([3, 4], [2, 0]), ([3, 4], ["fro", 1, True]), ([2, 3, 4], [2, [0, 2]]), ([0], []), ([0, 3], [2, 0]), ([9, 20], [2, 0])]:
    case("norm", [spread(shape)], args, sums=True)
for p in [1, 0, 3, 2.5, 1.5, 0.5, INF, -INF, -1]:
    case("norm", [spread([3, 4])], [p, 1], sums=True, ulps=16)
    case("norm", [spread([5])], [p], sums=True, ulps=16)
for p in [1, 2, 3, 1.5, INF]:
    case("norm", [values([0, 0, 0])], [p], "zeros")
    case("norm", [values([3, 0, -4])], [p], "a zero", sums=True)
    case("norm", [values([1, NAN])], [p], "NaN")
case("norm", [values([1, INF], grad=False)], [2], "infinity")
case("norm", [values([2, -2, 1])], [INF], "a tie")
case("norm", [spread([3, 4])], [{"p": 1, "dim": 0, "keepdim": True}], "options", sums=True)
refusal("norm", [ints([3])], [], "int32")
refusal("norm", [spread([3])], [2, 1], "dim out of range")
