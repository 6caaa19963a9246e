"""Ops that need an order."""
import torch

from golden import CALLS, INF, NAN, case, ints, refusal, spread, values

CALLS["argsort"] = torch.argsort

for op in ["sort", "argsort"]:
    for shape, args in [([7], []), ([3, 5], []), ([3, 5], [0]), ([3, 5], [-1, True]), ([2, 3, 4], [1]), ([], []), ([0], []), ([2, 0], [0])]:
        case(op, [spread(shape)], args)
    case(op, [spread([2, 5])], [{"dim": 0, "descending": True}], "options")
    case(op, [values([2, NAN, -INF, 0.5, NAN, INF, -3])], [], "NaN")
    case(op, [values([2, NAN, -INF, 0.5, NAN, INF, -3])], [0, True], "NaN")
    case(op, [ints([9], -100, 100)], [], "int32")
    case(op, [values([3, 1, 200, 7], dtype="uint8")], [], "uint8")
    refusal(op, [spread([3])], [1], "dim out of range")
case("sort", [values([1, 2, 1, 2, 1, 0])], [{"stable": True, "dim": 0}], "ties")
case("sort", [values([1, 2, 1, 2, 1, 0])], [{"stable": True, "dim": 0, "descending": True}], "ties")

for shape, args in [([7], [3]), ([3, 5], [2]), ([3, 5], [2, 0]), ([3, 5], [5, -1, False]), ([5], [0]), ([], [1])]:
    case("topk", [spread(shape)], args)
case("topk", [spread([3, 5])], [2, {"dim": 0, "largest": False}], "options")
case("topk", [values([2, NAN, -INF, 0.5])], [2], "NaN")
case("topk", [ints([9], -1000000, 1000000)], [3], "int32")
refusal("topk", [spread([3])], [4], "too many")
refusal("topk", [spread([3])], [-1], "negative")

for shape, args in [([7], []), ([6], []), ([3, 4], []), ([3, 4], [0]), ([3, 4], [1]), ([3, 4], [-1, True]), ([], []), ([], [0]), ([2, 3, 4], [1])]:
    case("median", [spread(shape)], args)
case("median", [spread([3, 4])], [{"dim": 1, "keepdim": True}], "options")
case("median", [values([2, 1, 2, 3, 2])], [], "a tie")
case("median", [values([2, NAN, 1])], [], "NaN")
case("median", [values([2, NAN, 1, 4, 5])], [0], "NaN")
case("median", [ints([9], -100, 100)], [], "int32")
refusal("median", [spread([0])], [0], "nothing")
refusal("median", [spread([3])], [1], "dim out of range")

for x in [values([2, 1, 2, 3, 1], grad=False), values([[2, 1], [1, 5]], grad=False), values([], shape=[0], grad=False), values(3, shape=[], grad=False), values([2, INF, -INF, 2], grad=False), ints([9], 0, 4), ints([5], 0, 2, "bool")]:
    case("unique", [x])
    case("unique", [x], [{"returnInverse": True}])
    case("unique", [x], [{"returnCounts": True, "returnInverse": True}])
case("unique", [values([[2, 1], [1, 5], [2, 1]], grad=False)], [{"dim": 0}], "rows")
case("unique", [values([[2, 1, 2], [1, 5, 1]], grad=False)], [{"dim": 1, "returnInverse": True, "returnCounts": True}], "columns")
