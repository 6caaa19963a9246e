"""Ops that fold dimensions into one value."""
import torch

from golden import CALLS, INF, NAN, T, case, ints, refusal, spread, values

CALLS["variance"] = lambda x, dim=None, **options: torch.var(x, dim, **options) if options or dim is not None else torch.var(x)
CALLS["std"] = lambda x, dim=None, **options: torch.std(x, dim, **options) if options or dim is not None else torch.std(x)

WHOLE = [[], [1], [7], [3, 5]]
ALONG = [([3, 5], 0), ([3, 5], 1), ([3, 5], -1), ([2, 3, 4], 1), ([2, 3, 2], -3), ([2, 17], 1), ([17, 3], 0)]
SEVERAL = [([2, 3, 4], [0, 2]), ([2, 3, 4], [1, 2]), ([2, 3, 2, 3], [0, 3]), ([2, 3, 4], [-1, 0]), ([2, 1, 3], [1])]
SPECIAL = [[NAN, 1, 2], [1, NAN, NAN], [INF, 1, 2], [-INF, 1, 2], [INF, -INF, 2], [INF, INF, 2], [-INF, -INF, -INF], [0, -0.0, 0]]  # fmt: skip
TIED = dict(low=-1, high=1, step=0.5)


def forms(name, shape, dim, **how):
    """The same reduction, asked for in each way there is."""
    case(name, [spread(shape, **how)], [dim], sums=True)
    case(name, [spread(shape, **how)], [dim, True], "positional keepdim", sums=True)
    case(name, [spread(shape, **how)], [{"dim": dim, "keepdim": True}], sums=True)


for name in ["sum", "mean", "amax", "amin", "logsumexp"]:
    how = TIED if name in ["amax", "amin"] else {}
    if name != "logsumexp":
        for shape in WHOLE:
            case(name, [spread(shape, **how)], sums=True)
    for shape, dim in ALONG:
        case(name, [spread(shape, **how)], [dim], sums=True)
    forms(name, *SEVERAL[0], **how)
    for shape, dims in SEVERAL[1:]:
        case(name, [spread(shape, **how)], [dims], sums=True)
    case(name, [spread([], **how)], [0], "no dimension, dim 0")
    case(name, [values(SPECIAL)], [1], "edges", sums=True)
    case(name, [values(SPECIAL)], [{"dim": 0, "keepdim": True}], "edges down", sums=True)
    case(name, [spread([4, 5, 3], **how, view=[["permute", [2, 0, 1]], ["narrow", 1, 1, 2]])], [[0, 2]], "view", sums=True)
    case(name, [spread([3, 1], **how, view=[["expand", [3, 4]]])], [1], "expanded", sums=True)
    case(name, [spread([0, 3])], [1], "nothing to reduce")
    refusal(name, [spread([3, 5])], [2], "dim out of range")
    refusal(name, [spread([3, 5])], [[0, 0]], "dim twice")
    if name in ["amax", "amin"]:
        refusal(name, [spread([0, 3])], [0], "empty")
        refusal(name, [spread([0])], [], "empty")
        case(name, [ints([4, 6], -3, 4)], [1], "int32")
        case(name, [ints([4, 6], 0, 250, "uint8")], [0], "uint8")
        case(name, [ints([4, 6], -100, 100, "int8")], [], "int8")
        case(name, [ints([4, 3], 0, 2, "bool")], [1], "bool")
    else:
        case(name, [spread([0, 3])], [0], "empty")
        case(name, [spread([2, 0, 3])], [[1, 2]], "empty")

for name in ["sum", "mean"]:
    case(name, [spread([0])], [], "empty")
    case(name, [spread([2, 3])], [{"dim": None}], "dim null", sums=True)
    case(name, [spread([1000], grad=False)], [], "many", sums=True)
    case(name, [spread([3, 2, 2], view=[["transpose", 0, 2]])], [], "view", sums=True)
case("sum", [spread([2, 3])], [[]], "no dims", sums=True)
for dtype in ["int32", "int8", "uint8", "bool"]:
    case("sum", [ints([3, 4], 0, 2 if dtype == "bool" else 120, dtype)], [1], dtype)
    case("sum", [ints([3, 40], 0, 2 if dtype == "bool" else 120, dtype)], [], dtype)
    refusal("mean", [ints([3, 4], 0, 2, dtype)], [1], dtype)
case("logsumexp", [spread([3, 5], -40, 40)], [1], "wide", sums=True)
case("logsumexp", [spread([3, 5], 95, 105)], [-1], "would overflow", sums=True)
case("logsumexp", [values([[-1e30, -1e30], [88, 89], [-200, -200]])], [1], "far")

# ── where the extreme is ──

for name in ["argmax", "argmin"]:
    for shape in WHOLE:
        case(name, [spread(shape, **TIED)])
    for shape, dim in ALONG:
        case(name, [spread(shape, **TIED)], [dim])
    case(name, [spread([3, 5], **TIED)], [1, True], "positional keepdim")
    case(name, [spread([2, 3, 4], **TIED)], [{"dim": 1, "keepdim": True}])
    case(name, [values(SPECIAL)], [1], "edges")
    case(name, [values(SPECIAL)], [], "edges, all")
    case(name, [values([[1, 1, 1], [2, 3, 3], [3, 3, 2]])], [1], "ties")
    case(name, [ints([4, 6], -3, 4)], [1], "int32")
    case(name, [ints([4, 6], 0, 250, "uint8")], [0], "uint8")
    case(name, [spread([4, 5], **TIED, view=[["transpose", 0, 1]])], [0], "view")
    refusal(name, [spread([0, 3])], [0], "empty")
    refusal(name, [spread([0])], [], "empty")

for name in ["max", "min"]:
    for shape in WHOLE:
        case(name, [spread(shape, **TIED)])
    for shape, dim in ALONG:
        case(name, [spread(shape, **TIED)], [dim])
    case(name, [spread([2, 3, 4], **TIED)], [1, True], "positional keepdim")
    case(name, [spread([2, 3, 4], **TIED)], [{"dim": -1, "keepdim": True}])
    case(name, [values(SPECIAL)], [1], "edges")
    case(name, [values(SPECIAL[3:])], [], "edges, all")
    case(name, [values([1.0, NAN, 3.0, NAN])], [], "NaN")
    case(name, [ints([4, 6], -3, 4)], [1], "int32")
    case(name, [ints([4, 6], -3, 4)], [], "int32, all")
    case(name, [ints([4, 6], 0, 250, "uint8")], [0], "uint8")
    case(name, [ints([4, 3], 0, 2, "bool")], [1], "bool")
    case(name, [spread([4, 5, 3], **TIED, view=[["transpose", 0, 2]])], [0], "view")
    case(name, [spread([], **TIED)], [0], "no dimension, dim 0")
    case(name, [values([16777216, 16777217, -16777217, -16777216], dtype="int32")], [0], "int32 beyond float32")
    refusal(name, [spread([0])], [], "empty")

for name in ["any", "all"]:
    for shape in [[], [7], [3, 5]]:
        case(name, [ints(shape, 0, 2, "bool")])
    case(name, [ints([3, 5], 0, 2, "bool")], [1])
    case(name, [ints([2, 3, 4], 0, 2, "bool")], [-2, True], "positional keepdim")
    case(name, [ints([2, 3, 4], 0, 2, "bool")], [{"dim": 0, "keepdim": True}])
    case(name, [values([[NAN, 0], [0, -0.0], [1e-40, 1], [INF, 0]], grad=False)], [1], "edges")
    case(name, [ints([3, 4], -1, 2)], [1], "int32")
    case(name, [ints([3, 4], 0, 2, "uint8")], [1], "uint8")
    case(name, [ints([0], 0, 2, "bool")], [], "empty")
    case(name, [ints([0, 3], 0, 2, "bool")], [0], "empty")

for name in ["variance", "std"]:
    for shape in [[7], [3, 5], [2]]:
        case(name, [spread(shape)], sums=True)
    # PyTorch's gradient here is infinite for variance and does not arrive for std.
    case(name, [spread([], grad=False)])
    for shape, dim in ALONG[:5]:
        case(name, [spread(shape)], [dim], sums=True)
    for shape, dims in SEVERAL:
        case(name, [spread(shape)], [dims], sums=True)
    case(name, [spread([3, 5])], [1, {"keepdim": True}], sums=True)
    case(name, [spread([3, 5])], [1, {"correction": 0}], sums=True)
    case(name, [spread([3, 5])], [{"dim": 1, "correction": 0, "keepdim": True}], sums=True)
    case(name, [spread([3, 5])], [{"dim": 0, "correction": 2}], sums=True)
    case(name, [spread([3, 5])], [{"dim": 1, "unbiased": False}], sums=True)
    case(name, [spread([3, 5])], [{"dim": 1, "correction": 7}], "correction beyond the count")
    case(name, [spread([3, 1])], [{"dim": 1, "correction": 0}], "one value")
    case(name, [spread([3, 1])], [1], "one value, corrected")
    case(name, [values([[2, 2, 2], [1, 1, 4]])], [1], "constant")
    case(name, [values(SPECIAL[:7])], [1], "edges")
    case(name, [spread([4, 8], 1000, 1002, step=0.125)], [1], "far from 0", sums=True)
    case(name, [spread([4, 5], view=[["transpose", 0, 1]])], [1], "view", sums=True)
    case(name, [spread([0, 3])], [0], "empty")
    refusal(name, [ints([3, 4])], [1], "int32")
