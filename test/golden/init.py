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
path = os.path.join(here, "init.json")
with open(path, "w", encoding="utf-8") as file:
    json.dump({"torch": torch.__version__, "gains": gains, "spreads": [spreads([300, 200]), spreads([60, 50, 3, 3])]}, file)
    file.write("\n")
