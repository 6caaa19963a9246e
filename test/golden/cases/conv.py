"""Convolution of lines and volumes, and transposed convolution; images are in spatial.py."""
import torch.nn.functional as F

from golden import CALLS, INF, NAN, T, case, refusal, spread, values

CALLS["conv1d"], CALLS["conv2d"], CALLS["conv3d"] = F.conv1d, F.conv2d, F.conv3d
CALLS["convTranspose1d"], CALLS["convTranspose2d"], CALLS["convTranspose3d"] = F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d


def conv(op, x, w, options=None, label="", bias=None, ulps=None):
    case(op, [spread(x), spread(w, -1, 1), spread([w[0]] if bias is None else [bias])], [options] if options else [], label, sums=True, ulps=ulps)


for x, w, options in [
    ([2, 3, 7], [4, 3, 3], None),
    ([1, 1, 1], [1, 1, 1], None),
    ([1, 2, 6], [3, 2, 1], None),
    ([1, 4, 9], [6, 2, 2], {"stride": 2, "padding": 1, "groups": 2}),
    ([2, 3, 8], [3, 1, 3], {"groups": 3, "padding": 1}),
    ([1, 3, 8], [6, 1, 3], {"groups": 3, "dilation": 2}),
    ([1, 2, 9], [2, 2, 2], {"stride": 4}),
    ([1, 2, 2], [2, 2, 5], {"padding": 3}),
    ([1, 1, 1], [2, 1, 3], {"padding": [1]}),
    ([1, 1, 17], [1, 1, 4], {"stride": [3], "dilation": [2], "padding": [2]}),
    ([3, 2, 5], [2, 2, 5], None),
    ([0, 2, 5], [3, 2, 3], None),
    ([2, 5], [3, 2, 3], {"padding": 1}),
    ([1, 8, 33], [8, 8, 3], {"padding": 1}),
]:
    conv("conv1d", x, w, options)
for k, options in [(3, {}), (4, {}), (2, {"dilation": 3}), (1, {}), (3, {"groups": 2})]:
    groups = options.get("groups", 1)
    conv("conv1d", [1, 2, 6], [2, 2 // groups, k], {**options, "padding": "same"}, "same")
conv("conv1d", [2, 4], [3, 2, 4], {"padding": "same"}, "same, one line")
conv("conv1d", [1, 2, 6], [2, 2, 3], {"padding": "valid", "stride": 2}, "valid")
case("conv1d", [spread([1, 2, 6]), spread([3, 2, 3])], label="no bias", sums=True)
case("conv1d", [spread([1, 2, 6]), spread([3, 2, 3])], [{"padding": 1}], "options alone", sums=True)
case("conv1d", [spread([1, 2, 6]), spread([3, 2, 3]), spread([3])], [T(0), T(1), {"bias": T(2), "stride": 2}], "bias by name", sums=True)
case("conv1d", [spread([1, 4, 9]), spread([2, 2, 3]), spread([2])], [2, 1, 2, 2], "by position", sums=True)
case("conv1d", [values([[[NAN, 1, INF, 2, 3, -INF]]]), spread([1, 1, 2])], label="edges", sums=True)
case("conv1d", [spread([6, 2, 2], view=[["permute", [2, 1, 0]]]), spread([3, 2, 3], view=[["transpose", 0, 2]])], label="views", sums=True)
refusal("conv1d", [spread([1, 2, 6]), spread([3, 1, 3])], label="channels")
refusal("conv1d", [spread([1, 2, 2]), spread([3, 2, 3])], label="kernel too large")
refusal("conv1d", [spread([6]), spread([3, 1, 3])], label="one dimension")
refusal("conv1d", [spread([1, 2, 6, 6]), spread([3, 2, 3])], label="image")
refusal("conv1d", [spread([1, 2, 6]), spread([3, 2, 3]), spread([2])], label="bias")
refusal("conv1d", [spread([1, 2, 6]), spread([3, 2, 3])], [{"stride": 0}], "stride 0")
refusal("conv1d", [spread([1, 2, 6]), spread([3, 2, 3])], [{"dilation": 0}], "dilation 0")
refusal("conv1d", [spread([1, 2, 6]), spread([3, 2, 3])], [{"padding": "same", "stride": 2}], "same, stride")
refusal("conv1d", [spread([1, 2, 6]), spread([3, 2, 3])], [{"padding": "full"}], "padding")
refusal("conv1d", [spread([1, 2, 6]), spread([3, 2, 3])], [{"stride": [1, 1]}], "two strides")

case("conv2d", [spread([1, 2, 3, 4]), spread([2, 2, 3, 3])], [{"padding": 1, "stride": 2}], "options alone", sums=True)
case("conv2d", [spread([1, 2, 5, 4]), spread([4, 1, 2, 3]), spread([4])], [[2, 1], [1, 2], 1, 2], "by position", sums=True)
case("conv2d", [spread([1, 2, 5, 4]), spread([4, 2, 2, 4])], [T(0), T(1), None, 1, "same"], "same, even kernel", sums=True)
case("conv2d", [spread([2, 4, 3]), spread([2, 2, 4, 2])], [T(0), T(1), None, 1, "same"], "same, one image", sums=True)

for x, w, options in [
    ([2, 2, 3, 4, 3], [3, 2, 2, 2, 3], None),
    ([1, 1, 1, 1, 1], [1, 1, 1, 1, 1], None),
    ([1, 2, 3, 3, 3], [3, 2, 1, 1, 1], None),
    ([1, 2, 4, 4, 4], [2, 2, 3, 3, 3], {"padding": 1}),
    ([1, 4, 4, 3, 4], [2, 2, 3, 2, 2], {"stride": [2, 1, 2], "padding": [1, 0, 1], "groups": 2}),
    ([2, 2, 3, 3, 2], [4, 1, 2, 2, 2], {"groups": 2}),
    ([1, 1, 5, 3, 5], [2, 1, 2, 2, 2], {"dilation": [3, 1, 2]}),
    ([1, 2, 5, 5, 5], [2, 2, 1, 1, 1], {"stride": 3}),
    ([1, 1, 2, 2, 2], [1, 1, 4, 3, 5], {"padding": [1, 2, 2]}),
    ([1, 1, 5, 4, 4], [1, 1, 2, 2, 2], {"stride": 2, "padding": 2, "dilation": 2}),
    ([0, 2, 3, 3, 3], [3, 2, 2, 2, 2], None),
    ([2, 3, 3, 3], [3, 2, 2, 2, 2], {"padding": 1}),
]:
    conv("conv3d", x, w, options)
conv("conv3d", [1, 2, 3, 4, 3], [2, 2, 2, 3, 4], {"padding": "same"}, "same")
conv("conv3d", [2, 3, 2, 3], [2, 2, 2, 1, 2], {"padding": "same", "dilation": [1, 1, 3]}, "same, one volume", ulps=32)
conv("conv3d", [1, 1, 3, 3, 3], [2, 1, 2, 2, 2], {"padding": "valid"}, "valid")
case("conv3d", [spread([3, 4, 4, 2, 1], view=[["permute", [4, 3, 2, 1, 0]]]), spread([2, 2, 3, 2, 2], view=[["transpose", 0, 4]])], label="views", sums=True)
case("conv3d", [spread([1, 2, 3, 3, 2]), spread([2, 1, 2, 2, 2]), spread([2])], [1, 1, 1, 2], "by position", sums=True)
refusal("conv3d", [spread([1, 2, 3, 3, 3]), spread([3, 1, 2, 2, 2])], label="channels")
refusal("conv3d", [spread([1, 2, 1, 3, 3]), spread([3, 2, 2, 2, 2])], label="kernel too large")
refusal("conv3d", [spread([3, 3, 3]), spread([3, 2, 2, 2, 2])], label="three dimensions")

for x, w, options in [
    ([2, 3, 5], [3, 4, 3], None),
    ([1, 1, 1], [1, 1, 1], None),
    ([1, 2, 4], [2, 3, 1], {"stride": 2}),
    ([1, 4, 4], [4, 1, 3], {"stride": 3, "padding": 1, "outputPadding": 2, "groups": 2}),
    ([2, 3, 5], [3, 1, 2], {"groups": 3}),
    ([1, 2, 6], [2, 2, 2], {"dilation": 3, "stride": 2}),
    ([1, 2, 3], [2, 2, 2], {"stride": 5}),
    ([1, 2, 4], [2, 2, 3], {"padding": 2}),
    ([1, 2, 4], [2, 2, 1], {"padding": 1}),
    ([1, 1, 4], [1, 2, 2], {"outputPadding": 1, "dilation": 2}),
    ([0, 2, 5], [2, 3, 3], None),
    ([2, 5], [2, 3, 3], {"stride": 2, "outputPadding": 1}),
    ([1, 9, 20], [9, 8, 4], {"stride": 2, "padding": 1}),
]:
    conv("convTranspose1d", x, w, options, bias=w[1] * (options or {}).get("groups", 1))
for x, w, options in [
    ([2, 3, 3, 4], [3, 2, 3, 2], None),
    ([1, 1, 1, 1], [1, 1, 2, 3], None),
    ([1, 4, 3, 3], [4, 2, 3, 3], {"stride": 2, "padding": 1, "outputPadding": 1, "groups": 2}),
    ([1, 4, 3, 2], [4, 1, 3, 3], {"groups": 4, "stride": 2}),
    ([2, 2, 3, 2], [2, 1, 2, 3], {"dilation": [2, 1], "stride": [1, 3], "groups": 2}),
    ([1, 3, 4, 5], [3, 2, 1, 1], {"padding": 1}),
    ([1, 2, 2, 3], [2, 3, 2, 2], {"stride": 4, "outputPadding": [3, 0]}),
    ([1, 2, 3, 3], [2, 2, 3, 3], {"padding": 2}),
    ([1, 2, 3, 3], [2, 2, 2, 2], {"outputPadding": 1, "dilation": 2, "padding": [1, 0]}),
    ([1, 16, 5, 5], [16, 3, 4, 4], {"stride": 2, "padding": 1}),
    ([1, 3, 4, 4], [3, 8, 2, 2], {"stride": 2}),
    ([0, 2, 3, 3], [2, 3, 2, 2], None),
    ([2, 3, 2], [2, 3, 3, 3], {"stride": 2, "padding": 1}),
]:
    conv("convTranspose2d", x, w, options, bias=w[1] * (options or {}).get("groups", 1))
for x, w, options in [
    ([2, 2, 2, 3, 2], [2, 3, 2, 2, 3], None),
    ([1, 1, 1, 1, 1], [1, 1, 2, 1, 3], None),
    ([1, 4, 2, 2, 3], [4, 1, 3, 2, 2], {"stride": [2, 1, 2], "padding": [1, 0, 1], "outputPadding": [1, 0, 0], "groups": 2}),
    ([1, 2, 3, 3, 3], [2, 2, 3, 3, 3], {"padding": 2}),
    ([1, 2, 3, 2, 2], [2, 2, 1, 1, 1], {"stride": 2, "outputPadding": 1}),
    ([2, 2, 3, 2, 2], [2, 1, 2, 1, 2], {"dilation": [3, 1, 2], "groups": 2}),
    ([0, 2, 2, 2, 2], [2, 3, 2, 2, 2], None),
    ([2, 2, 2, 2], [2, 3, 2, 2, 2], {"stride": 2}),
]:
    conv("convTranspose3d", x, w, options, bias=w[1] * (options or {}).get("groups", 1))
for op, x, w in [("convTranspose1d", [1, 2, 4], [2, 3, 3]), ("convTranspose2d", [1, 2, 3, 2], [2, 3, 3, 2]), ("convTranspose3d", [1, 2, 2, 2, 2], [2, 3, 2, 1, 2])]:
    case(op, [spread(x), spread(w)], label="no bias", sums=True)
    case(op, [spread(x), spread(w)], [{"stride": 2}], "options alone", sums=True)
    case(op, [spread(x), spread([2, 1, *w[2:]]), spread([2])], [2, 1, 1, 2, 1], "by position", ulps=32)
    refusal(op, [spread(x), spread([3, *w[1:]])], label="channels")
    refusal(op, [spread(x), spread(w), spread([2])], label="bias")
    refusal(op, [spread(x), spread(w)], [{"outputPadding": 1}], "output padding")
    refusal(op, [spread(x), spread(w)], [{"groups": 3}], "groups")
    refusal(op, [spread(x), spread(w)], [{"stride": 0}], "stride 0")
    refusal(op, [spread(x), spread([2, 1, *[1 for _ in w[2:]]])], [{"padding": 3}], "padding too large")
    refusal(op, [spread(x[2:]), spread(w)], label="dimensions")
case("convTranspose2d", [spread([3, 4, 2, 2], view=[["permute", [3, 2, 1, 0]]]), spread([3, 3, 2, 2], view=[["permute", [3, 2, 0, 1]]])], label="views", sums=True)
case("convTranspose2d", [values([[[[NAN, 1], [0, INF]]]]), spread([1, 1, 2, 2])], [T(0), T(1), None, {"stride": 2}], "edges", sums=True)
