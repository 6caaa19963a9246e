"""Group, instance, root mean square and local response normalization, normalization by a norm, and batch norm by position."""
import torch
import torch.nn.functional as F

from golden import CALLS, INF, NAN, T, case, refusal, spread, values

CALLS["groupNorm"] = F.group_norm
for shape, groups in [([2, 6, 5], 3), ([2, 4, 3, 2], 2), ([2, 4, 3, 2], 1), ([1, 4, 2, 2, 2], 4), ([3, 6], 2), ([2, 6, 17], 6), ([0, 4, 3], 2)]:
    c = shape[1]
    case("groupNorm", [spread(shape)], [groups], sums=True)
    case("groupNorm", [spread(shape), spread([c]), spread([c])], [T(0), groups, {"weight": T(1), "bias": T(2)}], sums=True)
x = [spread([2, 4, 3]), spread([4]), spread([4])]
case("groupNorm", x, [T(0), 2, T(1), T(2), 0.1], "by position", sums=True)
case("groupNorm", x[:2], [T(0), 2, T(1)], "weight alone", sums=True)
# PyTorch rounds the mean; a quarter of a per cent may go.
case("groupNorm", [spread([2, 4, 8], 9999, 10001, step=0.125)], [2], "far from 0", ulps=32768)
case("groupNorm", [values([[[2, 2], [2, 2]], [[NAN, 1], [INF, 1]]])], [2], "edges", sums=True)
case("groupNorm", [spread([5, 4, 2], view=[["permute", [2, 1, 0]]])], [2], "view", sums=True)
refusal("groupNorm", [spread([2, 4, 3])], [3], "groups")
refusal("groupNorm", [spread([2, 4, 3]), spread([3])], [T(0), 2, {"weight": T(1)}], "weight")
refusal("groupNorm", [spread([1, 4, 1])], [4], "one value a group")
refusal("groupNorm", [spread([4])], [2], "one dimension")

CALLS["instanceNorm"] = F.instance_norm


def running(c):
    return [spread([c], grad=False), spread([c], 0.5, 2, grad=False)]


for shape in [[2, 3, 5], [2, 3, 2, 3], [1, 2, 2, 2, 2], [3, 1, 17]]:
    c = shape[1]
    inputs = [spread(shape), *running(c), spread([c]), spread([c])]
    everything = {"runningMean": T(1), "runningVar": T(2), "weight": T(3), "bias": T(4)}
    case("instanceNorm", inputs[:1], sums=True)
    case("instanceNorm", inputs, [T(0), everything], "running", sums=True, after=[1, 2])
    case("instanceNorm", inputs, [T(0), {**everything, "useInputStats": False}], "not its own statistics", sums=True, after=[1, 2])
inputs = [spread([2, 3, 4]), *running(3), spread([3]), spread([3])]
case("instanceNorm", inputs, [T(0), T(1), T(2), T(3), T(4), True, 0.3, 0.01], "by position", sums=True, after=[1, 2])
case("instanceNorm", [inputs[0], spread([3])], [T(0), {"weight": T(1), "eps": 0.1}], "weight alone", sums=True)
case("instanceNorm", [inputs[0], spread([3])], [T(0), {"bias": T(1)}], "bias alone", sums=True)
case("instanceNorm", [spread([1, 2, 8], 9999, 10001, step=0.125)], [], "far from 0", ulps=32768)
case("instanceNorm", [values([[[2, 2], [NAN, 1]], [[INF, 1], [1, 2]]])], [], "edges", sums=True)
refusal("instanceNorm", [spread([2, 3, 1])], [], "one value a channel")
refusal("instanceNorm", [spread([2, 3])], [], "no positions")
refusal("instanceNorm", [spread([2, 3, 4])], [{"useInputStats": False}], "no statistics")


def rms_norm(input, normalized_shape, weight=None, eps=None):
    dims = tuple(range(-len(normalized_shape), 0))
    if list(input.shape[-len(normalized_shape):]) != list(normalized_shape):
        raise RuntimeError("shape")
    if weight is not None and list(weight.shape) != list(normalized_shape):
        raise RuntimeError("weight")
    eps = torch.finfo(torch.float32).eps if eps is None else eps
    y = input * torch.rsqrt(input.pow(2).mean(dims, keepdim=True) + eps)
    return y if weight is None else y * weight


CALLS["rmsNorm"] = rms_norm
for shape, tail in [([3, 5], [5]), ([3, 17], [17]), ([3, 2, 4], [2, 4]), ([5], [5]), ([0, 5], [5])]:
    case("rmsNorm", [spread(shape)], [tail], sums=True)
    case("rmsNorm", [spread(shape), spread(tail)], [T(0), tail, T(1)], sums=True)
case("rmsNorm", [spread([3, 5]), spread([5])], [T(0), [5], T(1), 0.1], "by position", sums=True)
case("rmsNorm", [spread([3, 5])], [[5], {"eps": 1e-5}], "eps", sums=True)
case("rmsNorm", [values([[0, 0, 0], [NAN, 1, 2], [1e-6, -1e-6, 0]])], [[3]], "edges", sums=True)
refusal("rmsNorm", [spread([3, 5])], [[4]], "shape")
refusal("rmsNorm", [spread([3, 5]), spread([3])], [T(0), [5], T(1)], "weight")

CALLS["normalize"] = F.normalize
for args in [[], [1], [3, 0], [2, -1], [INF, 1], [0.5, 1], [{"p": 1, "dim": 0, "eps": 10}], [2, [0, 1]], [{"dim": 0}]]:
    case("normalize", [spread([3, 5])], args, sums=True)
case("normalize", [spread([2, 3, 4])], [], sums=True)
case("normalize", [values([[0, 0], [3, 4], [NAN, 1], [INF, 1], [-0.0, 1e-20]])], [], "edges", sums=True)
case("normalize", [spread([5])], [2, 0], "one dimension", sums=True)
case("normalize", [values([[1, 1], [2, 2]])], [{"eps": 1e3}], "below eps", sums=True)
refusal("normalize", [spread([5])], [], "no dimension 1")

CALLS["localResponseNorm"] = F.local_response_norm
for shape in [[2, 5, 3], [1, 4, 2, 3], [2, 3, 2, 1, 2], [1, 1, 4]]:
    for args in [[3], [2, 0.5, 0.6, 2], [1, {"alpha": 1}], [4, {"beta": 0.5, "k": 0.1}]]:
        case("localResponseNorm", [spread(shape)], args, sums=True)
case("localResponseNorm", [spread([0, 3, 2])], [2], "empty", sums=True)
case("localResponseNorm", [values([[[NAN, 1], [INF, 1], [1, 1]]])], [2], "edges", sums=True)
refusal("localResponseNorm", [spread([3, 5])], [2], "two dimensions")

CALLS["batchNorm"], CALLS["layerNorm"] = F.batch_norm, F.layer_norm
inputs = [spread([4, 3, 2]), *running(3), spread([3]), spread([3])]
case("batchNorm", inputs, [T(0), T(1), T(2), T(3), T(4), True, 0.3, 0.01], "by position", sums=True, after=[1, 2])
case("batchNorm", inputs[:4], [T(0), T(1), T(2), T(3), None, {"training": True}], "both ways", sums=True, after=[1, 2])
case("batchNorm", inputs[:1], [T(0), None, None, None, None, True], "no statistics by position", sums=True)
case("layerNorm", [spread([3, 5]), spread([5]), spread([5])], [T(0), [5], T(1), T(2), 0.1], "by position", sums=True)
for shape in [[8, 3], [4, 3, 5], [2, 3, 3, 2], [2, 3, 2, 2, 2]]:
    case("batchNorm", [spread(shape, 9999, 10001, step=0.125)], [T(0), None, None, {"training": True}], "far from 0", ulps=32768)
