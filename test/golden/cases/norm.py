"""Normalization and normalized exponentials."""
import torch.nn.functional as F

from golden import CALLS, INF, NAN, T, case, refusal, spread, values

CALLS["softmax"], CALLS["logSoftmax"] = F.softmax, F.log_softmax
for name in ["softmax", "logSoftmax"]:
    for shape, dim in [([1, 1], 1), ([3, 5], 1), ([3, 5], 0), ([2, 5, 2], -2), ([2, 3, 2], 0), ([7], 0), ([], 0), ([0, 3], 1), ([3, 0], 1), ([3, 0], 0), ([2, 17], -1), ([2, 3, 2, 2], 1)]:
        case(name, [spread(shape)], [dim], sums=True)
    case(name, [spread([3, 5])], [{"dim": -1}], sums=True)
    case(name, [spread([1, 33], -40, 40)], [-1], "wide", ulps=64)
    case(name, [spread([2, 5], 1e4, 1.001e4)], [-1], "far from 0", sums=True)
    case(name, [values([[1, -INF, 2], [88, 90, -90], [-INF, -INF, 0], [0, 0, 0]])], [1], "edges", sums=True)
    case(name, [values([[1, NAN, 2], [INF, 1, 2], [-INF, -INF, -INF], [INF, INF, 1], [INF, -INF, 1]])], [1], "no number")
    case(name, [values([[1, NAN, 2], [INF, 1, 2], [-INF, -INF, -INF]])], [0], "no number, down")
    case(name, [spread([4, 5, 3], view=[["permute", [2, 0, 1]], ["narrow", 1, 1, 2]])], [1], "view", sums=True)
    refusal(name, [spread([3, 5])], [2], "dim out of range")

CALLS["layerNorm"] = F.layer_norm
for shape, tail in [([3, 5], [5]), ([3, 17], [17]), ([3, 2, 4], [2, 4]), ([5], [5]), ([2, 2, 2, 3], [2, 3]), ([0, 5], [5])]:
    case("layerNorm", [spread(shape)], [tail], sums=True)
    case("layerNorm", [spread(shape), spread(tail), spread(tail)], [T(0), tail, {"weight": T(1), "bias": T(2)}], sums=True)
case("layerNorm", [spread([3, 5]), spread([5])], [T(0), [5], {"weight": T(1)}], "weight alone", sums=True)
case("layerNorm", [spread([3, 5]), spread([5])], [T(0), [5], {"bias": T(1)}], "bias alone", sums=True)
case("layerNorm", [spread([3, 5])], [[5], {"eps": 0.1}], "eps", sums=True)
case("layerNorm", [spread([3, 8], 100, 102, step=0.125)], [[8]], "far from 0", ulps=256)
case("layerNorm", [values([[2, 2, 2], [0, 0, 0], [NAN, 1, 2], [INF, 1, 2]])], [[3]], "edges", sums=True)
case("layerNorm", [spread([5, 4], view=[["transpose", 0, 1]]), spread([10], view=[["slice", 0, 0, None, 2]])], [T(0), [5], {"weight": T(1)}], "views", sums=True)
refusal("layerNorm", [spread([3, 5])], [[4]], "shape")
refusal("layerNorm", [spread([3, 5]), spread([3])], [T(0), [5], {"weight": T(1)}], "weight")

CALLS["batchNorm"] = F.batch_norm


def running(c):
    return [spread([c], grad=False), spread([c], 0.5, 2, grad=False)]


for shape in [[6, 3], [2, 3, 3, 3], [2, 5, 4], [1, 2, 3, 2], [4, 5, 1, 1], [2, 2, 2, 1, 2]]:
    c = shape[1]
    inputs = [spread(shape), *running(c), spread([c], 0.5, 2), spread([c])]
    affine = {"weight": T(3), "bias": T(4)}
    if len(shape) < 4:
        case("batchNorm", inputs[:3], sums=True, label="eval", after=[1, 2])
    case("batchNorm", inputs, [T(0), T(1), T(2), affine], "eval, affine", sums=True, after=[1, 2])
    case("batchNorm", inputs[:3], [T(0), T(1), T(2), {"training": True}], "training", sums=True, after=[1, 2])
    case("batchNorm", inputs, [T(0), T(1), T(2), {**affine, "training": True}], "training, affine", sums=True, after=[1, 2])
inputs = [spread([2, 3, 2]), *running(3), spread([3], 0.5, 2)]
for training in [False, True]:
    how = f"training {training}"
    case("batchNorm", inputs, [T(0), T(1), T(2), {"weight": T(3), "training": training}], f"{how}, weight alone", sums=True, after=[1, 2])
    case("batchNorm", inputs, [T(0), T(1), T(2), {"bias": T(3), "training": training}], f"{how}, bias alone", sums=True, after=[1, 2])
    case("batchNorm", inputs[:3], [T(0), T(1), T(2), {"training": training, "momentum": 0.3, "eps": 0.01}], f"{how}, momentum, eps", sums=True, after=[1, 2])
    case("batchNorm", inputs[:3], [T(0), T(1), T(2), {"training": training, "momentum": 1}], f"{how}, momentum 1", sums=True, after=[1, 2])
    case("batchNorm", inputs[:3], [T(0), T(1), T(2), {"training": training, "momentum": 0}], f"{how}, momentum 0", sums=True, after=[1, 2])
    edges = [values([[1, NAN, INF], [2, 3, 4], [2, 1, 1]]), *running(3)]
    case("batchNorm", edges, [T(0), T(1), T(2), {"training": training}], f"{how}, edges", sums=True, after=[1, 2])
case("batchNorm", inputs[:1], [T(0), None, None, {"training": True}], "no running statistics", sums=True)
case("batchNorm", [values([[2, 1], [2, 5]]), *running(2)], [T(0), T(1), T(2), {"training": True}], "constant channel", sums=True, after=[1, 2])
case("batchNorm", [spread([8, 2], 1000, 1002, step=0.125), *running(2)], [T(0), T(1), T(2), {"training": True}], "far from 0", ulps=256, after=[1, 2])
case("batchNorm", [spread([4, 3, 2], view=[["transpose", 0, 2]]), *running(3)], [T(0), T(1), T(2), {"training": True}], "view", sums=True, after=[1, 2])
refusal("batchNorm", inputs[:1], [T(0), None, None], "evaluation without statistics")
refusal("batchNorm", [spread([1, 3]), *running(3)], [T(0), T(1), T(2), {"training": True}], "one value a channel")
refusal("batchNorm", [spread([2, 3]), *running(2)], [T(0), T(1), T(2)], "channels")

CALLS["dropout"] = F.dropout
case("dropout", [spread([3, 4])], [0.5, False], "evaluation")
case("dropout", [spread([3, 4])], [{"p": 0.5, "training": False}], "evaluation")
case("dropout", [spread([3, 4])], [0], "p 0")
case("dropout", [spread([3, 4])], [1], "p 1")
case("dropout", [spread([3, 4])], [{"p": 1, "training": True}], "p 1")
refusal("dropout", [spread([3, 4])], [1.5], "p")
