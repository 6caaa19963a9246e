"""Layers that take one tensor, and nets of them."""
from collections import OrderedDict

import torch
from torch import nn

from golden import spread


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 3), nn.Tanh(), nn.AvgPool2d(2)
        )
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(4, 5)
        self.drop = nn.Dropout(0.25)
        self.fc2 = nn.Linear(5, 3)

    def forward(self, x):
        x = self.flatten(self.features(x))
        return self.fc2(self.drop(torch.relu(self.fc1(x))))


class Residual(nn.Module):
    """Two blocks in a list, around each of which the input goes by; a scale of the module's own."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.GELU()), nn.Sequential(nn.Linear(4, 4, bias=False), nn.SiLU())])
        self.scale = nn.Parameter(torch.tensor([0.5, 2.0]))
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x)
        return self.head(x) * self.scale


class Tied(nn.Module):
    """One layer under two names."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(3, 3)
        self.act = nn.Tanh()
        self.decode = self.encode

    def forward(self, x):
        return self.decode(self.act(self.encode(x)))



image = spread([2, 2, 5, 6])
# name: the module, and its runs: in training or evaluation, on which inputs. test/nn/layers.test.ts builds the same.
MODELS = {
    "linear": (nn.Linear(5, 3), [("train", spread([4, 5])), ("eval", spread([2, 3, 5])), ("train", spread([5]))]),
    "linear without bias": (nn.Linear(5, 3, bias=False), [("train", spread([4, 5]))]),
    "conv": (nn.Conv2d(2, 3, 3), [("train", image)]),
    "conv with options": (nn.Conv2d(4, 6, (3, 2), stride=2, padding=(1, 0), groups=2, bias=False), [("train", spread([2, 4, 5, 4]))]),
    "conv, dilated": (nn.Conv2d(1, 2, 3, padding=1, dilation=2), [("train", spread([1, 1, 5, 6]))]),
    "batch norm 1d": (nn.BatchNorm1d(4), [("train", spread([6, 4])), ("train", spread([3, 4, 5])), ("eval", spread([2, 4]))]),
    "batch norm 2d": (nn.BatchNorm2d(3), [("train", spread([2, 3, 4, 2])), ("eval", spread([1, 3, 2, 2]))]),
    "batch norm with options": (nn.BatchNorm2d(3, eps=1e-3, momentum=0.25), [("train", spread([2, 3, 2, 2])), ("eval", spread([2, 3, 2, 2]))]),
    "batch norm, cumulative": (nn.BatchNorm1d(3, momentum=None), [("train", spread([4, 3])), ("train", spread([4, 3], -1, 5)), ("train", spread([4, 3], 2, 3)), ("eval", spread([2, 3]))]),
    "batch norm, not affine": (nn.BatchNorm1d(3, affine=False), [("train", spread([4, 3])), ("eval", spread([2, 3]))]),
    "batch norm without statistics": (nn.BatchNorm1d(3, track_running_stats=False), [("train", spread([4, 3])), ("eval", spread([4, 3]))]),
    "layer norm": (nn.LayerNorm(5), [("train", spread([4, 5])), ("eval", spread([2, 2, 5]))]),
    "layer norm over two": (nn.LayerNorm((3, 4), eps=1e-7), [("train", spread([2, 3, 4]))]),
    "layer norm, not affine": (nn.LayerNorm([5], eps=0.01, elementwise_affine=False), [("train", spread([4, 5]))]),
    "dropout": (nn.Dropout(0.3), [("eval", spread([3, 4]))]),
    "dropout of nothing": (nn.Dropout(0), [("train", spread([3, 4]))]),
    "dropout of all": (nn.Dropout(1), [("train", spread([3, 4]))]),
    "max pool": (nn.MaxPool2d(2), [("train", image)]),
    "max pool with options": (nn.MaxPool2d((3, 2), stride=2, padding=(1, 0), ceil_mode=True), [("train", image)]),
    "max pool, dilated": (nn.MaxPool2d(2, stride=(1, 2), dilation=2), [("train", spread([2, 5, 6]))]),
    "avg pool": (nn.AvgPool2d(2), [("train", image)]),
    "avg pool with options": (nn.AvgPool2d((3, 2), stride=(2, 1), padding=1, count_include_pad=False, ceil_mode=True), [("train", image)]),
    "adaptive avg pool": (nn.AdaptiveAvgPool2d(1), [("train", image)]),
    "adaptive avg pool to a size": (nn.AdaptiveAvgPool2d((3, 4)), [("train", image)]),
    "adaptive avg pool along one side": (nn.AdaptiveAvgPool2d((None, 2)), [("train", image)]),
    "relu": (nn.ReLU(), [("train", spread([3, 4]))]),
    "sigmoid": (nn.Sigmoid(), [("train", spread([3, 4]))]),
    "tanh": (nn.Tanh(), [("train", spread([3, 4]))]),
    "silu": (nn.SiLU(), [("train", spread([3, 4]))]),
    "gelu": (nn.GELU(), [("train", spread([3, 4]))]),
    "gelu, tanh": (nn.GELU(approximate="tanh"), [("train", spread([3, 4]))]),
    "relu6": (nn.ReLU6(), [("train", spread([3, 4], -4, 4))]),
    "leaky relu": (nn.LeakyReLU(), [("train", spread([3, 4], -4, 4))]),
    "leaky relu with a slope": (nn.LeakyReLU(0.2), [("train", spread([3, 4], -4, 4))]),
    "elu": (nn.ELU(), [("train", spread([3, 4], -4, 4))]),
    "elu with alpha": (nn.ELU(0.5), [("train", spread([3, 4], -4, 4))]),
    "selu": (nn.SELU(), [("train", spread([3, 4], -4, 4))]),
    "celu": (nn.CELU(2.0), [("train", spread([3, 4], -4, 4))]),
    "mish": (nn.Mish(), [("train", spread([3, 4], -4, 4))]),
    "softplus": (nn.Softplus(), [("train", spread([3, 4], -4, 4))]),
    "softplus with options": (nn.Softplus(2, 3), [("train", spread([3, 4], -4, 4))]),
    "softsign": (nn.Softsign(), [("train", spread([3, 4], -4, 4))]),
    "log sigmoid": (nn.LogSigmoid(), [("train", spread([3, 4], -4, 4))]),
    "hardsigmoid": (nn.Hardsigmoid(), [("train", spread([3, 4], -4, 4))]),
    "hardswish": (nn.Hardswish(), [("train", spread([3, 4], -4, 4))]),
    "hardtanh": (nn.Hardtanh(), [("train", spread([3, 4], -4, 4))]),
    "hardtanh with bounds": (nn.Hardtanh(-0.5, 1.5), [("train", spread([3, 4], -4, 4))]),
    "threshold": (nn.Threshold(0.1, 20), [("train", spread([3, 4], -4, 4))]),
    "glu": (nn.GLU(), [("train", spread([3, 4], -4, 4))]),
    "glu along a dimension": (nn.GLU(1), [("train", spread([3, 4], -4, 4))]),
    "prelu": (nn.PReLU(), [("train", spread([3, 4], -4, 4))]),
    "prelu for channels": (nn.PReLU(4, 0.1), [("train", spread([3, 4], -4, 4))]),
    "softmax": (nn.Softmax(1), [("train", spread([3, 4]))]),
    "log softmax": (nn.LogSoftmax(-1), [("train", spread([3, 4]))]),
    "flatten": (nn.Flatten(), [("train", spread([2, 3, 2]))]),
    "flatten in part": (nn.Flatten(0, 1), [("train", spread([2, 3, 2]))]),
    "identity": (nn.Identity(), [("train", spread([3]))]),
    "empty sequential": (nn.Sequential(), [("train", spread([3]))]),
    "sequential": (nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 3), nn.LogSoftmax(1)), [("eval", spread([5, 4]))]),
    "named sequential": (
        nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 2, 3, bias=False), norm=nn.BatchNorm2d(2), act=nn.ReLU(), rest=nn.Sequential(nn.Flatten(), nn.Linear(8, 2)))),
        [("train", spread([3, 1, 4, 4])), ("eval", spread([1, 1, 4, 4]))],
    ),
    "LeNet": (LeNet(), [("eval", spread([2, 1, 8, 8]))]),
    "Residual": (Residual(), [("train", spread([3, 4]))]),
    "Tied": (Tied(), [("train", spread([2, 3]))]),
}
