"""Pools in one and three directions, adaptive and of norms, and the way back from maxima; the rest is in spatial.py."""
import torch.nn.functional as F

from golden import CALLS, INF, NAN, T, case, refusal, spread, values

for d in ["1d", "2d", "3d"]:
    CALLS[f"maxPool{d}"] = getattr(F, f"max_pool{d}")
    CALLS[f"avgPool{d}"] = getattr(F, f"avg_pool{d}")
    CALLS[f"adaptiveMaxPool{d}"] = getattr(F, f"adaptive_max_pool{d}")
    CALLS[f"adaptiveAvgPool{d}"] = getattr(F, f"adaptive_avg_pool{d}")
    CALLS[f"maxUnpool{d}"] = getattr(F, f"max_unpool{d}")

TIED = dict(low=-1, high=1, step=0.25)
INDICES = {"returnIndices": True}

for x, args in [
    ([2, 3, 8], [2]),
    ([1, 2, 9], [3, {"stride": 2, "padding": 1, "ceilMode": True}]),
    ([1, 1, 7], [[2], {"stride": [3], "ceilMode": True}]),
    ([2, 7], [3, {"stride": 2}]),
    ([1, 1, 1], [1]),
    ([1, 1, 2], [3, {"padding": 1}]),
    ([1, 2, 11], [2, {"stride": 5}]),
    ([1, 2, 6], [4, {"stride": 1, "padding": 2}]),
    ([3, 1, 5], [5]),
]:
    case("maxPool1d", [spread(x, **TIED)], args, sums=True)
    case("maxPool1d", [spread(x, **TIED)], [args[0], {**(args[1] if len(args) > 1 else {}), **INDICES}], sums=True)
    case("avgPool1d", [spread(x)], args, sums=True)
    case("avgPool1d", [spread(x)], [args[0], {**(args[1] if len(args) > 1 else {}), "countIncludePad": False}], sums=True)
case("maxPool1d", [spread([1, 2, 9], **TIED)], [2, {"dilation": 3, "stride": 1, **INDICES}], sums=True)
case("maxPool1d", [spread([1, 2, 9], **TIED)], [2, 1, 1, 3, True], "by position", sums=True)
case("maxPool1d", [spread([1, 2, 9], **TIED)], [3, None, 1, 1, False, True], "indices by position", sums=True)
case("avgPool1d", [spread([1, 2, 9])], [3, 2, 1, True, False], "by position", sums=True)
case("maxPool1d", [values([[NAN, 1, 2, NAN, -INF, -INF, INF, 0, -0.0, 0]])], [2, INDICES], "edges", sums=True)
case("avgPool1d", [values([[NAN, 1, 2, INF, -INF, -INF, INF, -INF, -0.0, 0]])], [2], "edges", sums=True)

for x, args in [
    ([2, 2, 4, 6], [2]),
    ([1, 2, 5, 4], [[3, 2], {"stride": 2, "padding": 1}]),
    ([2, 5, 6], [3, {"stride": 2, "ceilMode": True, "padding": 1}]),
    ([1, 1, 7, 8], [3, {"dilation": [1, 3], "padding": 1, "ceilMode": True}]),
    ([1, 1, 8, 10], [2]),
    ([1, 1, 5, 5], [2, {"stride": 4}]),
]:
    case("maxPool2d", [spread(x, **TIED)], [args[0], {**(args[1] if len(args) > 1 else {}), **INDICES}], "indices", sums=True)
case("maxPool2d", [values([[[NAN, 1, 2, NAN], [NAN, NAN, -INF, -INF], [-INF, -INF, 0, -0.0], [-INF, -INF, -0.0, 0]]])], [2, INDICES], "edges", sums=True)
case("avgPool2d", [spread([1, 2, 5, 4])], [2, 1, 1, False, True, 3], "by position", sums=True)
case("avgPool2d", [spread([1, 2, 5, 4])], [2, None, 1], "stride None", sums=True)
case("avgPool2d", [spread([1, 2, 5, 4])], [2, {"divisorOverride": -3}], "negative divisor", sums=True)
refusal("maxPool2d", [spread([1, 0, 4, 4])], [2], "no channel")
refusal("avgPool2d", [spread([0, 4, 4])], [2], "no channel")

for x, args in [
    ([2, 2, 4, 4, 2], [2]),
    ([1, 2, 3, 5, 4], [[2, 3, 2], {"stride": [1, 2, 2], "padding": [1, 1, 0]}]),
    ([1, 1, 4, 5, 6], [3, {"stride": 2, "ceilMode": True}]),
    ([2, 5, 4, 6], [3, {"stride": 2, "ceilMode": True, "padding": 1}]),
    ([1, 1, 1, 1, 1], [1]),
    ([1, 1, 3, 3, 3], [3]),
    ([1, 1, 5, 5, 5], [[1, 2, 2], {"stride": [4, 3, 2], "padding": [0, 1, 1], "ceilMode": True}]),
    ([1, 1, 4, 1, 3], [[2, 1, 3], {"stride": 1, "padding": [1, 0, 1]}]),
    ([0, 1, 4, 4, 4], [2]),
]:
    case("maxPool3d", [spread(x, **TIED)], args, sums=True)
    case("maxPool3d", [spread(x, **TIED)], [args[0], {**(args[1] if len(args) > 1 else {}), **INDICES}], "indices", sums=True)
    case("avgPool3d", [spread(x)], args, sums=True)
    case("avgPool3d", [spread(x)], [args[0], {**(args[1] if len(args) > 1 else {}), "countIncludePad": False}], sums=True)
    case("avgPool3d", [spread(x)], [args[0], {**(args[1] if len(args) > 1 else {}), "divisorOverride": 3}], sums=True)
case("maxPool3d", [spread([1, 2, 5, 4, 3], **TIED)], [2, {"dilation": [2, 1, 2], "stride": 1, **INDICES}], "dilated", sums=True)
case("maxPool3d", [spread([1, 1, 5, 4, 6], **TIED)], [[3, 1, 2], 1, [1, 0, 1], [2, 1, 3], False, True], "by position", sums=True)
case("avgPool3d", [spread([1, 1, 4, 3, 5])], [2, 1, 1, True, False, 5], "by position", sums=True)
case("maxPool3d", [values([[[[NAN, 1], [2, NAN]], [[3, NAN], [-INF, 0]]], [[[-INF, -INF], [-INF, -INF]], [[-INF, -INF], [-INF, -INF]]], [[[0, -0.0], [INF, 1]], [[INF, 2], [-0.0, 0]]]])], [[2, 1, 2], INDICES], "edges", sums=True)
case("avgPool3d", [values([[[[NAN, 1], [2, 3]], [[3, 4], [-INF, 0]]], [[[1, 1], [-INF, INF]], [[1, 1], [2, 2]]]])], [[2, 1, 2]], "edges", sums=True)
case("maxPool3d", [spread([2, 4, 2, 3, 1], view=[["permute", [4, 3, 1, 2, 0]]])], [[2, 1, 2]], "view", sums=True)

for op in ["maxPool1d", "avgPool1d", "maxPool3d", "avgPool3d"]:
    n = int(op[-2])
    image = [5, 4, 6][:n]
    case(op, [spread([0, 2, *image])], [2], "no image") if n == 1 else None
    refusal(op, [spread([1, 1, *image])], [3, {"padding": 2}], "padding too large")
    refusal(op, [spread([1, 1, *[2] * n])], [3], "window too large")
    refusal(op, [spread(image)], [2], "dimensions")
    refusal(op, [spread([1, 1, 1, *image])], [2], "dimensions")
    refusal(op, [spread([1, 0, *image])], [2], "no channel")
    refusal(op, [spread([1, 1, *image])], [2, {"stride": 0}], "stride 0")
refusal("avgPool3d", [spread([1, 1, 4, 4, 4])], [2, {"divisorOverride": 0}], "divisor 0")

for op, tied in [("adaptiveAvgPool", {}), ("adaptiveMaxPool", TIED)]:
    for d, cases in {
        "1d": [([2, 3, 8], 1), ([1, 2, 7], 3), ([2, 5], 5), ([1, 1, 3], 7), ([1, 1, 10], 4), ([1, 1, 1], 2), ([0, 2, 5], 2), ([1, 2, 5], 0)],
        "2d": [([2, 3, 4, 4], 1), ([1, 2, 5, 7], [2, 3]), ([2, 3, 3], [4, 3]), ([1, 1, 6, 5], [None, 2]), ([1, 1, 6, 5], [3, None]), ([1, 2, 3, 3], 7), ([0, 2, 4, 4], 2), ([1, 2, 4, 4], 0), ([1, 1, 10, 11], [4, 3])],
        "3d": [([2, 2, 3, 4, 2], 1), ([1, 2, 5, 3, 4], [2, 2, 3]), ([2, 2, 3, 3], [3, 4, 2]), ([1, 1, 4, 3, 5], [None, 2, None]), ([1, 1, 2, 2, 2], 3), ([0, 2, 3, 3, 3], 2), ([1, 1, 7, 5, 6], [3, 2, 4])],
    }.items():
        for x, size in cases:
            # PyTorch has no gradient of nothing.
            image = spread(x, **tied, grad=size != 0)
            case(op + d, [image], [size], sums=True)
            if tied:
                case(op + d, [image], [size, INDICES], "indices", sums=True)
        n = int(d[0])
        refusal(op + d, [spread([4] * n)], [2], "dimensions")
        if tied or n == 3:
            refusal(op + d, [spread([1, 0, *[4] * n])], [2], "no channel")
        refusal(op + d, [spread([1, 1, *[0] * n])], [2], "no image")
        refusal(op + d, [spread([1, 1, *[4] * n])], [-1], "negative size")
        refusal(op + d, [spread([1, 1, *[4] * n])], [[2] * (n + 1)], "sizes")
case("adaptiveMaxPool2d", [spread([1, 2, 5, 4], **TIED)], [2, True], "by position", sums=True)
for d, data in [("1d", [[NAN, 1, INF, -INF, -INF]]), ("2d", [[[NAN, 1, NAN], [0, INF, 3], [-INF, -INF, -0.0]]]), ("3d", [[[[NAN, 1], [NAN, 2]], [[0, INF], [-INF, -INF]], [[1, NAN], [-INF, -INF]]]])]:
    case(f"adaptiveMaxPool{d}", [values(data)], [2, INDICES], "edges", sums=True)
    case(f"adaptiveAvgPool{d}", [values(data)], [2], "edges", sums=True)

for d, shape, places, args in [
    ("1d", [1, 2, 2], [[[0, 3], [2, 1]]], [2]),
    ("1d", [2, 2], [[0, 3], [2, 2]], [2]),
    ("1d", [1, 1, 2], [[[1, 4]]], [2, {"outputSize": [5]}]),
    ("1d", [1, 1, 3], [[[0, 3, 5]]], [2, {"stride": 2, "padding": 0, "outputSize": [1, 1, 7]}]),
    ("2d", [1, 1, 2, 2], [[[[0, 3], [9, 15]]]], [2]),
    ("2d", [1, 1, 2, 2], [[[[0, 3], [9, 24]]]], [2, {"outputSize": [5, 5]}]),
    ("2d", [1, 1, 2, 2], [[[[0, 3], [9, 12]]]], [3, 2, 1, [1, 1, 4, 4]]),
    ("2d", [2, 1, 2], [[[0, 3]], [[1, 1]]], [[2, 2], {"stride": [2, 2]}]),
    ("3d", [1, 1, 1, 2, 1], [[[[[0], [15]]]]], [2]),
    ("3d", [2, 1, 1, 1], [[[[5]]], [[[7]]]], [2]),
]:
    case(f"maxUnpool{d}", [spread(shape), values(places, dtype="index")], args)
refusal("maxUnpool1d", [spread([1, 1, 2]), values([[[0, 4]]], dtype="index")], [2], "place outside")
refusal("maxUnpool2d", [spread([1, 1, 1, 2]), values([[[[0, 8]]]], dtype="index")], [2], "place outside")
refusal("maxUnpool2d", [spread([1, 1, 1, 2]), values([[[[0], [3]]]], dtype="index")], [2], "shapes")
refusal("maxUnpool2d", [spread([1, 1, 1, 2]), values([[[[0, 3]]]], dtype="index")], [2, {"outputSize": [9, 4]}], "output size")
refusal("maxUnpool2d", [spread([1, 1, 1, 2]), values([[[[0, 3]]]], dtype="index")], [2, {"outputSize": [2]}], "output size")

for p in [2, 3, 1.5, 1]:
    for x, args in [([1, 2, 8], [2]), ([2, 7], [3, {"stride": 2}]), ([1, 1, 7], [2, {"ceilMode": True}]), ([1, 1, 6], [3, 1, False])]:
        case("lpPool1d", [spread(x, 0.25, 2)], [p, *args], sums=True)
    for x, args in [([1, 2, 4, 6], [2]), ([2, 5, 6], [[3, 2], {"stride": 2, "ceilMode": True}]), ([1, 1, 5, 5], [3, [2, 1]])]:
        case("lpPool2d", [spread(x, 0.25, 2)], [p, *args], sums=True)
case("lpPool1d", [values([[[1, -2, -3, 4, 0, 2, NAN, 1, INF, 1]]])], [3, 2], "edges", sums=True)
case("lpPool2d", [spread([1, 1, 4, 4])], [2, 2], "negative", sums=True)
refusal("lpPool1d", [spread([8])], [2, 2], "one dimension")
refusal("lpPool2d", [spread([1, 1, 2, 2])], [2, 3], "window too large")
