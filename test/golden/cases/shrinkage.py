"""Shrinkage, soft choices without chance, dropout where it drops nothing or all, and the bilinear form."""
import torch.nn.functional as F

from golden import CALLS, EDGES, INF, NAN, T, case, ints, refusal, spread, values

CALLS["hardshrink"], CALLS["softshrink"], CALLS["tanhshrink"] = F.hardshrink, F.softshrink, F.tanhshrink
for op in ["hardshrink", "softshrink"]:
    for shape in [[7], [3, 5], [], [0]]:
        for args in [[], [1], [{"lambd": 0.25}], [0]]:
            case(op, [spread(shape)], args)
    case(op, [values(EDGES)])
    case(op, [values(EDGES)], [0])
    case(op, [spread([4, 3], view=[["transpose", 0, 1]])], label="view")
refusal("softshrink", [spread([3])], [-1], "negative lambd")
case("hardshrink", [values([1, -0.2, 0, 0.3])], [-0.25], "negative lambd")
for shape in [[7], [3, 5], [], [0]]:
    case("tanhshrink", [spread(shape)], ulps=64)
case("tanhshrink", [values([NAN, INF, -INF, 0, 20, -20])], ulps=64)
CALLS["softplus"], CALLS["hardtanh"], CALLS["threshold"], CALLS["gelu"] = F.softplus, F.hardtanh, F.threshold, F.gelu
case("softplus", [spread([5])], [2, {"threshold": 1}], "both ways")
case("hardtanh", [spread([5])], [-0.5, {"maxVal": 0.25}], "both ways")
case("threshold", [spread([5])], [{"threshold": 0.5, "value": 3}], "by name")
case("threshold", [spread([5])], [0.5, {"value": 3}], "both ways")
refusal("gelu", [spread([5])], [{"approximate": "sigmoid"}], "approximate")
CALLS["softmin"] = F.softmin
for shape, dim in [([5], 0), ([3, 4], 1), ([3, 4], 0), ([2, 3, 4], -2)]:
    case("softmin", [spread(shape)], [dim], sums=True)
    case("softmin", [spread(shape)], [{"dim": dim}], sums=True)
case("softmin", [values([1, INF, -3, 200])], [0], sums=True)
CALLS["rrelu"] = F.rrelu
for args in [[], [0.1, 0.3], [{"lower": 0.2, "upper": 0.2, "training": True}], [0.5, 0.5, True]]:
    case("rrelu", [spread([3, 5])], args)
case("rrelu", [values([0, -0.0, NAN, INF, -INF])], [0.25, 0.25, True], "kinks")
refusal("rrelu", [spread([3])], [0.3, 0.2, True], "bounds")
for op, fn, shape in [
    ("dropout1d", F.dropout1d, [2, 3, 4]), ("dropout2d", F.dropout2d, [2, 3, 2, 2]), ("dropout3d", F.dropout3d, [2, 3, 1, 2, 2]),
    ("alphaDropout", F.alpha_dropout, [3, 4]), ("featureAlphaDropout", F.feature_alpha_dropout, [2, 3, 4]),
]:
    CALLS[op] = fn
    case(op, [spread(shape)], [0, True], "of nothing")
    case(op, [spread(shape)], [1, True], "of all")
    case(op, [spread(shape)], [0.5, False], "in evaluation")
    case(op, [spread(shape)], [{"p": 0.3, "training": False}], "in evaluation")
    refusal(op, [spread(shape)], [1.5], "p")
    refusal(op, [spread(shape)], [-0.5], "p")
case("alphaDropout", [spread([3])], label="off by default")
case("featureAlphaDropout", [spread([2, 3])], label="off by default")
refusal("featureAlphaDropout", [spread([3])], [0.5, True], "dimensions")
refusal("dropout1d", [spread([3])], [0.5, True], "dimensions")
CALLS["bilinear"] = F.bilinear
for a, b, w, c in [([5, 3], [5, 4], [2, 3, 4], [2]), ([3], [2], [4, 3, 2], [4]), ([2, 3, 2], [2, 3, 1], [1, 2, 1], [1]), ([0, 2], [0, 3], [4, 2, 3], [4])]:
    case("bilinear", [spread(a), spread(b), spread(w), spread(c)], sums=True)
    case("bilinear", [spread(a), spread(b), spread(w)], sums=True)
case("bilinear", [spread([3, 5], view=[["transpose", 0, 1]]), spread([5, 4]), spread([2, 3, 4]), spread([2])], label="view", sums=True)
refusal("bilinear", [spread([5, 3]), spread([5, 3]), spread([2, 3, 4])], label="features")
refusal("bilinear", [spread([5, 3]), spread([4, 4]), spread([2, 3, 4])], label="rows")
refusal("bilinear", [spread([5, 3]), spread([5, 4]), spread([2, 3, 4]), spread([3])], label="bias")
