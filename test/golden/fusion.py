"""Writes fusion.json: convolutions into which torch.nn.utils.fusion folds a batch norm. python3 fusion.py (torch)."""
import json
import os

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from golden import formula, shortest

here = os.path.dirname(os.path.abspath(__file__))


def filled(seed, shape, low=-1.0, high=1.0):
    return torch.from_numpy(formula(seed, tuple(shape), low, high)).float()


def case(name, conv, bn, size):
    with torch.no_grad():
        conv.weight.copy_(filled(1, conv.weight.shape))
        if conv.bias is not None:
            conv.bias.copy_(filled(2, conv.bias.shape))
        bn.running_mean.copy_(filled(3, bn.running_mean.shape))
        bn.running_var.copy_(filled(4, bn.running_var.shape, 0.25, 2))
        if bn.affine:
            bn.weight.copy_(filled(5, bn.weight.shape))
            bn.bias.copy_(filled(6, bn.bias.shape))
        fused = fuse_conv_bn_eval(conv.eval(), bn.eval())
        y = fused(filled(7, size))
    parts = {"weight": fused.weight, "bias": fused.bias, "y": y}
    return {"name": name, "size": list(size), **{k: shortest(v.detach().numpy()) for k, v in parts.items()}}


cases = [
    case("Conv2d", nn.Conv2d(3, 5, 3, padding=1), nn.BatchNorm2d(5), [2, 3, 5, 6]),
    case("Conv2d without bias", nn.Conv2d(4, 6, 3, stride=2, groups=2, bias=False), nn.BatchNorm2d(6, eps=1e-3), [1, 4, 7, 7]),
    case("Conv1d", nn.Conv1d(2, 3, 4), nn.BatchNorm1d(3, affine=False), [2, 2, 9]),
    case("Conv3d", nn.Conv3d(1, 2, 2), nn.BatchNorm3d(2), [1, 1, 3, 4, 3]),
]
with open(os.path.join(here, "fusion.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
