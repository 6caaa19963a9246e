"""Convolution and pooling."""
import itertools

import torch
import torch.nn.functional as F

from golden import CALLS, INF, NAN, T, case, ints, refusal, spread, values

CALLS["conv2d"] = F.conv2d
for x, w, options in [
    ([2, 3, 4, 5], [4, 3, 3, 3], {}),
    ([1, 1, 4, 5], [2, 1, 3, 3], {"padding": 1}),
    ([2, 4, 4, 3], [6, 2, 3, 2], {"stride": 2, "padding": [1, 0], "groups": 2}),
    ([1, 4, 3, 4], [4, 1, 3, 3], {"groups": 4, "padding": 1}),
    ([1, 3, 5, 5], [6, 1, 3, 3], {"groups": 3, "stride": 2}),
    ([1, 2, 6, 5], [3, 2, 3, 3], {"dilation": 2}),
    ([2, 5, 2, 3], [7, 5, 1, 1], {}),
    ([1, 2, 5, 5], [3, 2, 1, 1], {"stride": 2}),
    ([1, 2, 3, 2], [3, 2, 1, 1], {"padding": 1}),
    ([1, 2, 6, 7], [2, 2, 2, 3], {"stride": [1, 2], "padding": [0, 2], "dilation": [2, 1]}),
    ([1, 1, 3, 7], [2, 1, 5, 5], {"padding": 2}),
    ([1, 5, 3, 4], [5, 5, 3, 3], {"padding": 1}),
    ([1, 2, 4, 4], [2, 1, 5, 5], {"padding": 2, "groups": 2}),
    ([1, 2, 4, 4], [2, 2, 4, 4], {}),
    ([1, 2, 3, 3], [2, 2, 3, 3], {"padding": 3}),
    ([1, 1, 8, 8], [1, 1, 3, 3], {"stride": 3}),
    ([1, 2, 5, 5], [2, 2, 2, 2], {"padding": 1, "stride": 3, "dilation": 3}),
    ([3, 2, 3, 3], [4, 1, 3, 3], {"groups": 2, "padding": 1, "dilation": 1, "stride": 1}),
    ([0, 2, 4, 4], [3, 2, 3, 3], {}),
]:
    case("conv2d", [spread(x), spread(w, -1, 1), spread(w[:1])], [options] if options else [], sums=True)
case("conv2d", [spread([2, 2, 4, 3]), spread([3, 2, 3, 3])], label="no bias", sums=True)
case("conv2d", [spread([1, 2, 3, 4]), spread([3, 2, 3, 3])], [T(0), T(1), None, {"padding": 1}], "no bias, options", sums=True)
case("conv2d", [spread([4, 3, 2, 2], view=[["permute", [3, 2, 0, 1]]]), spread([3, 3, 2, 3], view=[["permute", [3, 2, 0, 1]]])], label="views", sums=True)
case("conv2d", [values([[[[NAN, 1, 2, 3], [0, INF, 1, 1], [1, 1, 1, 1]]]]), spread([2, 1, 2, 2])], label="edges", sums=True)
case("conv2d", [spread([2, 4, 3]), spread([3, 2, 3, 3]), spread([3])], [{"padding": 1}], "one image", sums=True)
for padding in ["same", "valid"]:
    case("conv2d", [spread([1, 2, 3, 4]), spread([2, 2, 3, 3])], [T(0), T(1), None, {"padding": padding}], padding, sums=True)
case("conv2d", [spread([1, 2, 3, 4]), spread([2, 2, 2, 3])], [T(0), T(1), None, {"padding": "same", "dilation": [1, 2]}], "same, uneven", sums=True)
refusal("conv2d", [spread([1, 3, 5, 5]), spread([4, 2, 3, 3])], [], "channels")
refusal("conv2d", [spread([1, 2, 2, 5]), spread([4, 2, 3, 3])], [], "kernel too large")
refusal("conv2d", [spread([1, 2, 5, 5]), spread([4, 2, 3, 3]), spread([3])], [], "bias")
refusal("conv2d", [spread([1, 4, 5, 5]), spread([3, 2, 3, 3])], [T(0), T(1), None, {"groups": 2}], "groups")
refusal("conv2d", [spread([1, 2, 5, 5]), spread([3, 2, 3, 3])], [T(0), T(1), None, {"padding": -1}], "negative padding")
refusal("conv2d", [spread([1, 2, 5, 5]), spread([3, 2, 3, 3])], [T(0), T(1), None, {"padding": "same", "stride": 2}], "same, stride")

CALLS["maxPool2d"], CALLS["maxPool1d"], CALLS["avgPool2d"] = F.max_pool2d, F.max_pool1d, F.avg_pool2d
TIED = dict(low=-1, high=1, step=0.25)
for x, args in [
    ([2, 3, 4, 2], [2]),
    ([1, 2, 5, 4], [[3, 2], {"stride": 2, "padding": 1}]),
    ([1, 1, 5, 6], [[3, 2], {"stride": [2, 1], "padding": [1, 0]}]),
    ([1, 1, 5, 6], [3, {"stride": 2, "ceilMode": True}]),
    ([2, 5, 6], [3, {"stride": 2, "ceilMode": True, "padding": 1}]),
    ([1, 1, 6, 6], [2, {"stride": 3, "ceilMode": True, "padding": 1}]),
    ([1, 1, 7, 7], [3, {"stride": 3, "ceilMode": True, "padding": 1}]),
    ([1, 1, 4, 4], [1]),
    ([1, 1, 5, 5], [5]),
    ([1, 1, 4, 5], [3, {"stride": 1, "padding": 1}]),
    ([2, 1, 5, 5], [2, {"stride": 4}]),
    ([1, 1, 9, 4], [[3, 3], {"stride": [4, 2], "ceilMode": True}]),
]:
    case("maxPool2d", [spread(x, **TIED)], args, sums=True)
    case("avgPool2d", [spread(x)], args, sums=True)
    if len(args) > 1 and "padding" in args[1]:
        case("avgPool2d", [spread(x)], [args[0], {**args[1], "countIncludePad": False}], sums=True)
case("avgPool2d", [spread([1, 1, 4, 5])], [[3, 2], {"stride": 2, "padding": 1, "divisorOverride": 3}], sums=True)
case("avgPool2d", [spread([1, 1, 4, 5])], [2, {"ceilMode": True, "divisorOverride": 5, "countIncludePad": False}], sums=True)
case("maxPool2d", [spread([1, 1, 7, 7], **TIED)], [2, {"dilation": 2, "stride": 1}], sums=True)
case("maxPool2d", [spread([1, 1, 7, 8], **TIED)], [3, {"dilation": [1, 3], "padding": 1, "ceilMode": True}], sums=True)
case("maxPool2d", [values([[[[NAN, 1, 2, 3], [0, INF, -INF, -INF], [1, 1, -INF, -INF], [-0.0, 0, NAN, NAN]]]])], [2, {"stride": 1}], "edges", sums=True)
case("maxPool2d", [values([[[[-INF, -INF], [-INF, -INF]]]])], [2], "nothing but −Infinity")
case("avgPool2d", [values([[[[NAN, 1, 2, 3], [0, INF, -INF, -INF], [1, 1, 1, 1], [-0.0, 0, 2, 2]]]])], [2, {"stride": 1}], "edges", sums=True)
for name in ["maxPool2d", "avgPool2d"]:
    case(name, [spread([4, 4, 2, 3], **TIED, view=[["permute", [3, 2, 0, 1]]])], [2], "view", sums=True)
    case(name, [spread([0, 2, 4, 4])], [2], "no image")
    refusal(name, [spread([1, 1, 4, 4])], [3, {"padding": 2}], "padding too large")
    refusal(name, [spread([1, 1, 2, 2])], [3], "window too large")
    refusal(name, [spread([4, 4])], [2], "two dimensions")
    refusal(name, [spread([1, 1, 4, 4])], [2, {"stride": 0}], "stride 0")
refusal("avgPool2d", [spread([1, 1, 4, 4])], [2, {"divisorOverride": 0}], "divisor 0")
for x, args in [([2, 3, 8], [2]), ([2, 7], [3, {"stride": 2}]), ([1, 2, 9], [3, {"stride": 2, "padding": 1, "ceilMode": True}]), ([1, 1, 9], [2, {"dilation": 3, "stride": 1}])]:
    case("maxPool1d", [spread(x, **TIED)], args, sums=True)
refusal("maxPool1d", [spread([8])], [2], "one dimension")
CALLS["adaptiveAvgPool2d"] = F.adaptive_avg_pool2d
for x, size in [([2, 3, 4, 4], 1), ([1, 2, 5, 7], [2, 3]), ([2, 3, 3], [4, 3]), ([1, 1, 6, 5], [None, 2]), ([1, 1, 6, 5], [3, None]), ([1, 2, 3, 3], 3), ([1, 2, 3, 3], 7), ([1, 1, 1, 1], 2), ([1, 1, 10, 10], [3, 4])]:
    case("adaptiveAvgPool2d", [spread(x)], [size], sums=True)
case("adaptiveAvgPool2d", [values([[[[NAN, 1, 2], [0, INF, 3], [-INF, 1, 1]]]])], [2], "edges", sums=True)
case("adaptiveAvgPool2d", [spread([0, 2, 4, 4])], [2], "no image")
refusal("adaptiveAvgPool2d", [spread([4, 4])], [2], "two dimensions")
