"""Elements by their rank, quantiles, running extremes, differences, areas and distances."""
import torch

from golden import CALLS, INF, NAN, T, case, ints, refusal, spread, values

CALLS.update(
    max=torch.max, min=torch.min, trapz=torch.trapz, sort=torch.sort, argsort=torch.argsort, var=torch.var,
    cummax=torch.cummax, cummin=torch.cummin, cdist=lambda a, b, p=2.0, **o: torch.cdist(a, b, float(p)),
    dist=lambda a, b, p=2.0: torch.dist(a, b, float(p)),
    quantile=lambda x, q, *a, **o: torch.quantile(x, float(q) if isinstance(q, int) else q, *a, **o),
    nanquantile=lambda x, q, *a, **o: torch.nanquantile(x, float(q) if isinstance(q, int) else q, *a, **o),
    cumulativeTrapezoid=torch.cumulative_trapezoid, trapezoid=torch.trapezoid, uniqueConsecutive=torch.unique_consecutive,
)  # fmt: skip


def typed(function):
    def call(*args, dtype=None, **options):
        return function(*args, **options) if dtype is None else function(*args, **options, dtype=getattr(torch, dtype))

    return call


for name in ["sum", "mean", "prod", "nansum", "nanmean", "cumsum", "cumprod"]:
    CALLS[name] = typed(getattr(torch, name))
SHAPES = [([7], -1), ([3, 5], 0), ([3, 5], 1), ([2, 3, 4], 1), ([], 0), ([1], 0), ([40, 3], 0), ([3, 33], -1)]
for shape, d in SHAPES:
    case("sort", [spread(shape)], [d])
    case("kthvalue", [spread(shape)], [1, d])
    if (shape or [1])[d] > 2:
        case("kthvalue", [spread(shape)], [3, d, True])
        case("topk", [spread(shape)], [2, {"dim": d, "largest": False, "sorted": True}])
    case("mode", [spread(shape)], [d])
    if shape != [40, 3] and shape != [3, 33]:
        # Which of many equal elements PyTorch names is left to its unstable sort.
        case("mode", [spread(shape, -1, 1, step=0.5)], [d, True])
    case("nanmedian", [spread(shape)], [d])
    case("cummax", [spread(shape)], [d])
    case("cummin", [spread(shape, -1, 1, step=0.5)], [d])
    case("logcumsumexp", [spread(shape)], [d], sums=True)
for op in ["cummax", "cummin"]:
    case(op, [values([[1, 3, 3, 2, NAN, 7], [NAN, 1, NAN, INF, 0, -0.0], [0.0, -0.0, 0.0, -INF, INF, INF]])], [{"dim": 1}], "edges")
    case(op, [ints([4, 5], -9, 9)], [0], "int32")
    case(op, [ints([4], 0, 2, "bool")], [0], "bool")
    case(op, [spread([0, 3])], [0], "nothing")
    refusal(op, [spread([3])], [1], "dim out of range")
case("logcumsumexp", [values([[-INF, -INF, 1, 2, INF], [1, NAN, 2, 3, 4], [-300, -200, 300, 0, 301]], grad=False)], [1], "edges", sums=True)
case("logcumsumexp", [spread([3, 20], -200, 200)], [1], "wide", sums=True)
case("logcumsumexp", [spread([0, 3])], [0], "nothing")
refusal("logcumsumexp", [ints([3])], [0], "int32")
case("sort", [values([0.0, -0.0, NAN, -NAN, INF, 1e-40, -1e-40, -INF])], [], "edges")
case("sort", [values([0.0, -0.0, NAN, 0.0, INF, -0.0, NAN])], [{"descending": True, "stable": True}], "edges")
case("sort", [ints([50], -3, 3)], [{"stable": True}], "int32 ties")
case("sort", [values([2147483647, -2147483648, 0, -1, 2147483647], dtype="int32")], [{"stable": True, "descending": True}], "int32 ends")
case("sort", [ints([9], 0, 2, "bool")], [{"stable": True}], "bool")
case("msort", [spread([4, 3])])
case("msort", [spread([5])])
case("kthvalue", [spread([3, 4])], [2])
case("kthvalue", [spread([3, 4])], [2, {"dim": 0, "keepdim": True}])
case("kthvalue", [values([3, NAN, 1])], [3], "NaN")
refusal("kthvalue", [spread([3])], [4], "k")
refusal("kthvalue", [spread([3])], [0], "k")
refusal("kthvalue", [spread([0])], [1], "nothing")
refusal("mode", [spread([0])], [0], "nothing")
case("mode", [ints([4, 9], 0, 4)])
case("mode", [spread([3, 4])], [{"dim": 0, "keepdim": True}])
for x in [values([2, NAN, 1]), values([NAN, NAN]), values([3, 1, NAN, 2, 1]), spread([6]), spread([])]:
    case("nanmedian", [x])
case("nanmedian", [values([[2, NAN, 1, 4], [NAN, 1, 0, NAN]], grad=False)], [1], "NaN")
case("nanmedian", [values([[2, NAN, 1, 4], [NAN, 3, NAN, NAN]])], [{"dim": 1, "keepdim": True}], "NaN")
case("nanmedian", [ints([5])], label="int32")

for op in ["quantile", "nanquantile"]:
    for q in [0, 0.25, 0.5, 0.9, 1]:
        case(op, [spread([7])], [q])
    case(op, [spread([3, 5])], [0.3, 0])
    case(op, [spread([3, 5])], [0.3, 1, True])
    case(op, [spread([3, 5])], [0.3, {"keepdim": True}])
    case(op, [spread([2, 3, 4])], [0.6, {"dim": 1, "keepdim": True}])
    case(op, [spread([]), ], [0.5])
    for interpolation in ["linear", "lower", "higher", "midpoint", "nearest"]:
        case(op, [spread([3, 6])], [0.3, {"dim": 1, "interpolation": interpolation}])
        case(op, [spread([8])], [0.5, {"interpolation": interpolation}])
    for many in [[0.1, 0.5, 1], [0.3]]:
        q = values(many, grad=False)
        case(op, [spread([3, 5]), q], [T(0), T(1), 1])
        case(op, [spread([3, 5]), q], [T(0), T(1), 0, True])
        case(op, [spread([2, 3, 4]), q], [T(0), T(1), {"dim": 1}])
        case(op, [spread([2, 3]), q], [T(0), T(1)])
        case(op, [spread([2, 3]), q], [T(0), T(1), {"keepdim": True}])
    case(op, [spread([5]), values(0.4, shape=[], grad=False)], [T(0), T(1)], "q without dimensions")
    case(op, [values([[1, NAN, 3], [2, 4, 9], [NAN, NAN, NAN]], grad=False)], [0.4, 1], "NaN")
    case(op, [values([[1, NAN, 3, 7], [2, 4, 9, 0]])], [0.4, 1], "NaN") if op == "nanquantile" else None
    refusal(op, [spread([3])], [1.5], "q")
    refusal(op, [ints([3])], [0.5], "int32")
    refusal(op, [spread([0])], [0.5], "nothing")
    refusal(op, [spread([3])], [0.5, {"interpolation": "cubic"}], "interpolation")

for x in [values([1, 1, 2, 2, 1, 3], grad=False), values([[1, 1], [1, 2]], grad=False), values([], shape=[0], grad=False), ints([6], 0, 2, "bool")]:
    case("uniqueConsecutive", [x])
    case("uniqueConsecutive", [x], [{"returnInverse": True}])
    case("uniqueConsecutive", [x], [{"returnCounts": True, "returnInverse": True}])
case("uniqueConsecutive", [values([[1, 2], [1, 2], [0, 2]], grad=False)], [{"dim": 0, "returnCounts": True}], "rows")
case("unique", [values([[2, 1], [1, 5], [2, 1]], grad=False)], [True, True, True], "positional")

for args in [[], [2], [1, 0], [{"dim": 0}], [{"n": 3}], [0], [{"n": 9}]]:
    case("diff", [spread([4, 5])], args, sums=True)
case("diff", [spread([3]), spread([2]), spread([1])], [T(0), {"prepend": T(1), "append": T(2)}], sums=True)
case("diff", [spread([2, 3]), spread([1, 3])], [T(0), 1, 0, T(1)], sums=True)
case("diff", [ints([5])], label="int32")
case("diff", [ints([5], 0, 2, "bool")], label="bool")
case("diff", [spread([1])], label="one")
refusal("diff", [spread([])], label="no dimension")

for op in ["trapezoid", "cumulativeTrapezoid"]:
    case(op, [spread([5])], sums=True)
    case(op, [spread([3, 4])], [{"dx": 0.5}], sums=True)
    case(op, [spread([3, 4])], [{"dim": 0}], sums=True)
    case(op, [spread([5]), spread([5])], sums=True)
    case(op, [spread([3, 4]), spread([4])], sums=True)
    case(op, [spread([3, 4]), spread([3])], [T(0), T(1), {"dim": 0}], sums=True)
    case(op, [spread([1])], sums=True)
    case(op, [ints([5])], label="int32", sums=True)
    refusal(op, [spread([5]), spread([4])], label="lengths")
case("trapz", [spread([3, 4])], sums=True)

for p in [0, 0.5, 1, 2, 3, INF]:
    case("dist", [spread([3, 4], grad=p > 0), spread([4], grad=p > 0)], [T(0), T(1), p], sums=True, ulps=32)
    case("cdist", [spread([3, 4], -1, 1, grad=p > 0), spread([2, 4], grad=p > 0)], [T(0), T(1), p], sums=True, ulps=64)
case("dist", [spread([5]), spread([5])], sums=True)
case("cdist", [spread([2, 3, 4]), spread([2, 5, 4])], sums=True)
case("cdist", [spread([2, 1, 3, 4]), spread([5, 6, 4])], [T(0), T(1), {"p": 1}], "broadcast", sums=True)
refusal("cdist", [spread([3, 4]), spread([2, 5])], label="sizes")
refusal("cdist", [spread([4]), spread([2, 4])], label="dimensions")
for p, d, bound in [(2, 0, 1), (1, 1, 2.5), (2, -1, 0.5), (3, 0, 100), (INF, 1, 1)]:
    case("renorm", [spread([3, 4])], [p, d, bound], sums=True)
case("renorm", [spread([2, 3, 4])], [2, 1, 1], sums=True)
refusal("renorm", [spread([3])], [2, 0, 1], "dimensions")

for op in ["max", "min"]:
    case(op, [spread([3, 4]), spread([4], low=-1, high=1)], [T(0), T(1)], "two")
    case(op, [values([1, 2, NAN]), values([1, 3, 0])], [T(0), T(1)], "two")

for name in ["sum", "mean", "prod", "nansum", "nanmean"]:
    case(name, [ints([3, 4])], [{"dtype": "float32"}], "dtype", sums=True) if name != "nanmean" else None
    case(name, [spread([3, 4])], [1, {"dtype": "float32"}], "dtype", sums=True)
    case(name, [spread([3, 4])], [0, True, {"dtype": "float32"}], "dtype", sums=True)
for name in ["sum", "prod"]:
    case(name, [spread([3, 4], grad=False)], [1, {"dtype": "int32"}], "dtype")
    case(name, [ints([3, 4], 0, 99)], [{"dim": 1, "dtype": "uint8"}], "dtype")
    case(name, [ints([3, 4], 0, 2, "bool")], [{"dim": 1, "dtype": "float32"}], "dtype")
for name in ["cumsum", "cumprod"]:
    case(name, [ints([3, 4])], [1, {"dtype": "float32"}], "dtype", sums=True)
    case(name, [spread([3, 4])], [{"dim": 0}], sums=True)
    case(name, [spread([4], grad=False)], [0, {"dtype": "int32"}], "dtype")
    case(name, [ints([4], 0, 2, "bool")], [0], "bool")
    case(name, [ints([4], 0, 200, "uint8")], [0], "uint8")
    case(name, [values([[2, 0, 3, 0, 1], [0, 1, 2, 3, 4], [1, 2, 3, 4, 0]])], [1], "zeros", sums=True)
case("prod", [values([[2, 0, 3], [0, 1, 0], [1, 2, 3]])], [1], "zeros", sums=True)

HOLES = [[1, NAN, 2], [NAN, NAN, NAN], [INF, NAN, 1], [0, -1, 5]]
for name in ["nansum", "nanmean"]:
    for args in [[], [1], [[0, 1]], [{"dim": 0, "keepdim": True}], [1, True]]:
        case(name, [values(HOLES, grad=False)], args, sums=True)
        case(name, [values([[1, NAN, 2], [INF, NAN, 1], [0, -1, 5]])], args, sums=True)
    case(name, [spread([0, 3])], [0], "nothing")
case("nansum", [ints([3, 4])], [1], "int32")
refusal("nanmean", [ints([3])], [], "int32")
for x in [values(HOLES, grad=False), ints([3, 4], -1, 2), ints([3, 4], 0, 2, "bool"), values(0, shape=[], grad=False), values([], shape=[0, 3], grad=False)]:
    case("countNonzero", [x])
    if len(x.shape) == 2:
        case("countNonzero", [x], [1])
        case("countNonzero", [x], [{"dim": [0, 1]}])
for args in [[], [{"dim": 1}], [{"dim": 0, "keepdim": True}]]:
    case("aminmax", [spread([3, 4], -1, 1, step=0.5, grad=False)], args)
case("aminmax", [ints([3, 4])], [{"dim": 1}])
refusal("aminmax", [spread([0])], [], "nothing")
for name in ["varMean", "stdMean"]:
    for args in [[], [False], [1], [[0, 1], False], [0, True, True], [{"dim": 1, "correction": 2}], [{"dim": [0], "unbiased": False, "keepdim": True}]]:
        if args and isinstance(args[0], dict) and "correction" in args[0]:
            case(name, [spread([4, 5])], args, sums=True)
        else:
            case(name, [spread([4, 5])], args, sums=True)
    refusal(name, [ints([3])], [], "int32")
CALLS.update(std=torch.std, variance=torch.var)
for name in ["std", "variance"]:
    for args in [[False], [True], [1, False], [[0], False, True], [1, {"unbiased": False, "keepdim": True}]]:
        case(name, [spread([4, 5])], args, sums=True)
