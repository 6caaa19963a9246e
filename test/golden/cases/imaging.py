"""Resizing, sampling and shuffling of images."""
import torch.nn.functional as F

from golden import CALLS, INF, NAN, case, ints, refusal, spread, values

CALLS["interpolate"] = F.interpolate
SHAPES = {1: [2, 2, 5], 2: [1, 2, 4, 3], 3: [1, 2, 3, 2, 4]}
SIZES = {1: [8, 3, 5, 1], 2: [[6, 7], [2, 2], 5, [4, 3], [1, 1]], 3: [[5, 3, 2], 4, [1, 2, 9]]}
FACTORS = {1: [2, 0.6, 1.3, 2.5], 2: [2, 0.5, [1.7, 0.7], 1.34], 3: [2, [0.7, 1.6, 1.3]]}
for mode, directions in [("nearest", [1, 2, 3]), ("nearest-exact", [1, 2, 3]), ("area", [1, 2, 3]), ("linear", [1]), ("bilinear", [2]), ("bicubic", [2]), ("trilinear", [3])]:
    smooth = mode not in ["nearest", "nearest-exact", "area"]
    for d in directions:
        # Between PyTorch's own roundings of weights and of their products lie some last places.
        how = {"ulps": 24} if smooth else {"sums": True}
        for size in SIZES[d]:
            case("interpolate", [spread(SHAPES[d])], [{"size": size, "mode": mode}], **how)
            if smooth:
                case("interpolate", [spread(SHAPES[d])], [{"size": size, "mode": mode, "alignCorners": True}], **how)
        for factor in FACTORS[d]:
            case("interpolate", [spread(SHAPES[d])], [{"scaleFactor": factor, "mode": mode}], **how)
            case("interpolate", [spread(SHAPES[d])], [{"scaleFactor": factor, "mode": mode, "recomputeScaleFactor": True}], **how)
            if smooth:
                case("interpolate", [spread(SHAPES[d])], [{"scaleFactor": factor, "mode": mode, "alignCorners": True}], **how)
    if smooth and len(directions) == 1:
        case("interpolate", [spread(SHAPES[directions[0]])], [6, None, mode, True], "by position", ulps=24)
for mode in ["bilinear", "bicubic"]:
    for size in [[3, 2], [2, 9], [7, 3], 1, [6, 5]]:
        for align in [False, True]:
            case("interpolate", [spread([1, 2, 6, 5])], [{"size": size, "mode": mode, "antialias": True, "alignCorners": align}], ulps=24)
    for factor in [0.4, [0.7, 1.6], 2]:
        case("interpolate", [spread([1, 2, 6, 5])], [{"scaleFactor": factor, "mode": mode, "antialias": True}], ulps=24)
case("interpolate", [spread([2, 2, 5])], [7], "by position")
case("interpolate", [spread([2, 2, 5])], [None, 2], "factor by position")
case("interpolate", [spread([2, 2, 5])], [{"scaleFactor": 2}])
case("interpolate", [ints([1, 2, 3, 3], 0, 255, dtype="uint8")], [{"size": [5, 4]}], "bytes")
case("interpolate", [spread([1, 3, 40])], [{"size": 17, "mode": "linear"}], "long", ulps=24)
case("interpolate", [spread([1, 2, 17, 19])], [{"size": [30, 7], "mode": "bilinear"}], "large", ulps=24)
case("interpolate", [spread([3, 4, 2, 1], view=[["permute", [3, 2, 1, 0]]])], [{"size": [5, 2], "mode": "bilinear"}], "view", ulps=24)
case("interpolate", [values([[[NAN, 1, INF, -0.0, 2]]])], [{"size": 10}], "edges")
case("interpolate", [values([[[NAN, 1, 2, INF, 5]]])], [{"size": 8, "mode": "linear"}], "edges", sums=True)
case("interpolate", [values([[[NAN, 1, 2, INF, 5]]])], [{"size": 9, "mode": "linear", "alignCorners": True}], "edges", sums=True)
case("interpolate", [spread([0, 2, 3])], [{"size": 5}], "no samples")
for shape, args, label in [
    ([1, 2, 3], [{}], "neither"),
    ([1, 2, 3], [{"size": 2, "scaleFactor": 2}], "both"),
    ([1, 2, 3], [{"size": [2, 2]}], "too many sizes"),
    ([1, 2, 3], [{"size": 2, "mode": "bilinear"}], "bilinear signal"),
    ([1, 2, 3, 3], [{"size": 2, "mode": "linear"}], "linear image"),
    ([1, 2, 3, 3], [{"size": 2, "mode": "trilinear"}], "trilinear image"),
    ([1, 2, 3], [{"size": 2, "alignCorners": False}], "nearest, aligned"),
    ([1, 2, 3], [{"size": 2, "mode": "linear", "antialias": True}], "antialiased signal"),
    ([1, 2, 3, 3], [{"size": 2, "mode": "area", "antialias": True}], "antialiased area"),
    ([2, 3], [{"size": 2}], "two dimensions"),
    ([1, 2, 3], [{"size": 2, "recomputeScaleFactor": True}], "size, recomputed"),
    ([1, 2, 3], [{"scaleFactor": 0.1}], "nothing left"),
    ([1, 2, 0], [{"size": 2}], "no positions"),
    ([1, 2, 3], [{"size": 2, "mode": "cubic"}], "mode"),
]:
    refusal("interpolate", [spread(shape)], args, label)

CALLS["gridSample"] = F.grid_sample
for mode in ["bilinear", "nearest", "bicubic"]:
    for padding in ["zeros", "border", "reflection"]:
        for align in [False, True]:
            options = {"mode": mode, "paddingMode": padding, "alignCorners": align}
            case("gridSample", [spread([2, 2, 4, 5]), spread([2, 3, 3, 2], -1.3, 1.3)], [options], ulps=64)
            case("gridSample", [spread([1, 2, 3, 4]), spread([1, 2, 5, 2], -4, 4)], [options], "far outside", ulps=128)
            if mode != "bicubic":
                case("gridSample", [spread([2, 2, 3, 2, 4]), spread([2, 2, 1, 3, 3], -1.5, 1.5)], [options], "volume", ulps=64)
for padding in ["zeros", "border"]:
    case("gridSample", [spread([1, 1, 3, 3]), values([[[[-1, -1], [1, 1], [0, 0], [0.5, -0.5]]]])], [{"paddingMode": padding, "alignCorners": True}], "corners", sums=True)
case("gridSample", [spread([1, 1, 1, 3]), spread([1, 2, 2, 2])], [{"paddingMode": "reflection", "alignCorners": True}], "one row", ulps=64)
case("gridSample", [spread([1, 2, 3, 3]), spread([1, 2, 2, 2])], ["nearest", "border", True], "by position", ulps=64)
case("gridSample", [spread([1, 2, 3, 3]), spread([1, 2, 2, 2])], [], "defaults", ulps=64)
case("gridSample", [spread([3, 4, 2, 1], view=[["permute", [3, 2, 1, 0]]]), spread([2, 2, 3, 1], view=[["permute", [3, 2, 1, 0]]])], [], "views", ulps=64)
for x, g, args, label in [
    ([1, 2, 3, 3], [2, 2, 2, 2], [], "batch"),
    ([1, 2, 3, 3], [1, 2, 2, 3], [], "coordinates"),
    ([1, 2, 3], [1, 2, 2], [], "signal"),
    ([1, 2, 3, 3], [1, 2, 2, 2], ["linear"], "mode"),
    ([1, 2, 3, 3], [1, 2, 2, 2], ["nearest", "reflect"], "padding"),
    ([1, 2, 2, 3, 3], [1, 2, 2, 2, 3], ["bicubic"], "bicubic volume"),
    ([1, 2, 0, 3], [1, 2, 2, 2], [], "no pixels"),
]:
    refusal("gridSample", [spread(x), spread(g)], args, label)

CALLS["affineGrid"] = F.affine_grid
for theta, size in [([2, 2, 3], [2, 1, 3, 4]), ([1, 2, 3], [1, 5, 1, 2]), ([2, 3, 4], [2, 1, 2, 3, 2]), ([1, 2, 3], [1, 1, 1, 1])]:
    for args in [[], [True], [False], [{"alignCorners": True}]]:
        case("affineGrid", [spread(theta)], [size, *args], sums=True)
refusal("affineGrid", [spread([1, 2, 3])], [[1, 1, 2, 2, 2]], "volume")
refusal("affineGrid", [spread([1, 3, 3])], [[1, 1, 2, 2]], "theta")
refusal("affineGrid", [spread([2, 3])], [[1, 1, 2, 2]], "one map")
refusal("affineGrid", [spread([1, 2, 3])], [[1, 1, 0, 2]], "empty")
refusal("affineGrid", [spread([1, 2, 3])], [[1, 1, 2]], "signal")

for shape, r in [([2, 8, 2, 3], 2), ([9, 1, 2], 3), ([2, 1, 4, 3, 1], 2), ([1, 3, 2, 2], 1)]:
    case("pixelShuffle", [spread(shape)], [r])
for shape, r in [([2, 2, 4, 6], 2), ([1, 3, 6], 3), ([2, 1, 1, 2, 4], 2)]:
    case("pixelUnshuffle", [spread(shape)], [r])
for shape, groups in [([2, 6, 2, 2], 3), ([1, 6, 3, 1], 2), ([1, 4, 2, 2], 1)]:
    case("channelShuffle", [spread(shape, grad=False)], [groups])
refusal("pixelShuffle", [spread([2, 6, 2, 2])], [2], "channels")
refusal("pixelShuffle", [spread([2, 2])], [2], "two dimensions")
refusal("pixelShuffle", [spread([2, 4, 2, 2])], [0], "factor")
refusal("pixelUnshuffle", [spread([2, 6, 3, 2])], [2], "height")
refusal("channelShuffle", [spread([2, 5, 3, 3])], [2], "channels")
