"""Writes init.json: what the ways to begin parameters make of their shapes. Run with a Python that has PyTorch 1.13 or later."""
import json
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
sys.dont_write_bytecode = True

import torch  # noqa: E402
from torch import nn  # noqa: E402

torch.manual_seed(0)


def spreads(shape):
    """What each way to begin makes of a tensor of this shape: 'uniform' its bound, 'normal' its standard deviation."""
    t = torch.empty(shape)
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(t)
    gain = nn.init.calculate_gain("relu")
    return {
        "shape": shape,
        "fanIn": fan_in,
        "fanOut": fan_out,
        "xavierUniform_": nn.init.xavier_uniform_(t, gain=2).abs().max().item(),
        "xavierNormal_": nn.init.xavier_normal_(t, gain=2).std().item(),
        "kaimingUniform_": nn.init.kaiming_uniform_(t, nonlinearity="relu").abs().max().item(),
        "kaimingNormal_": nn.init.kaiming_normal_(t, mode="fan_out", a=0.5).std().item(),
        "gain": gain,
    }


gains = {
    "linear": nn.init.calculate_gain("linear"), "conv2d": nn.init.calculate_gain("conv2d"), "sigmoid": nn.init.calculate_gain("sigmoid"),
    "tanh": nn.init.calculate_gain("tanh"), "relu": nn.init.calculate_gain("relu"), "leakyRelu": nn.init.calculate_gain("leaky_relu"),
    "selu": nn.init.calculate_gain("selu"), "leakyRelu, 0.5": nn.init.calculate_gain("leaky_relu", 0.5),
}  # fmt: skip


def moments(**how):
    t = nn.init.trunc_normal_(torch.empty(200000), **how)
    return {**how, "moments": [t.mean().item(), t.std().item()]}


def values(t):
    return {"shape": list(t.shape), "data": t.flatten().tolist()}


truncated = [moments(mean=0, std=1, a=-2, b=2), moments(mean=1, std=0.5, a=0.5, b=3), moments(mean=0, std=2, a=-1, b=1)]
dirac = [
    {**values(nn.init.dirac_(torch.empty(shape), groups)), "groups": groups}
    for shape, groups in [([2, 2, 3], 1), ([4, 2, 2, 3], 2), ([2, 3, 1, 2, 3], 1), ([3, 1, 4], 3)]
]
eye = [values(nn.init.eye_(torch.empty(shape))) for shape in [[3, 3], [2, 4], [3, 1]]]
sparse_zeros = int((nn.init.sparse_(torch.empty(10, 5), 0.35) == 0).sum(0)[0])
path = os.path.join(here, "init.json")
with open(path, "w", encoding="utf-8") as file:
    more = {"truncated": truncated, "dirac": dirac, "eye": eye, "sparseZeros": sparse_zeros}
    json.dump({"torch": torch.__version__, "gains": gains, **more, "spreads": [spreads([300, 200]), spreads([60, 50, 3, 3])]}, file)
    file.write("\n")
