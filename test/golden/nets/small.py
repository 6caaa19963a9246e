"""Small layers, and containers of layers and parameters."""
import torch
from torch import nn

from golden import ints, spread, values

x = spread([3, 4])
image = spread([2, 3, 2, 2])
index = ints([2, 5], 0, 6, "index")


def quiet(module, *inputs):
    return (module, [("train", list(inputs)), ("eval", list(inputs))])


class Pool(nn.Module):
    """A list and a dictionary of parameters, one of modules, and what is registered by name."""

    def __init__(self):
        super().__init__()
        self.list = nn.ParameterList([nn.Parameter(torch.tensor([[0.5, -1.0], [2.0, 0.25]])), nn.Parameter(torch.tensor([1.0, -0.5]))])
        self.dict = nn.ParameterDict({"scale": nn.Parameter(torch.tensor([2.0, 3.0]))})
        self.layers = nn.ModuleDict({"first": nn.Linear(4, 2), "act": nn.Tanh()})
        self.register_buffer("shift", torch.tensor([0.25, -0.25]))
        self.register_buffer("quiet", torch.tensor([1.0, 2.0]), persistent=False)
        self.register_parameter("bias", nn.Parameter(torch.tensor([0.1, 0.2])))
        self.register_parameter("nothing", None)
        self.add_module("last", nn.Softmin(dim=1))

    def forward(self, x):
        y = self.layers["act"](self.layers["first"](x)) @ self.list[0] + self.list[1]
        return self.last(y * self.dict["scale"] + self.shift * self.quiet + self.bias)


def grown():
    """A Sequential that has been changed in every way."""
    s = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    s.append(nn.Linear(3, 2))
    s.extend(nn.Sequential(nn.Tanh(), nn.Linear(2, 2)))
    s.insert(1, nn.ELU(0.5))
    s.pop(-2)
    return s


MODELS = {
    "bilinear": (nn.Bilinear(3, 2, 4), [("train", [spread([5, 3]), spread([5, 2])]), ("train", [spread([2, 2, 3]), spread([2, 2, 2])])]),
    "bilinear without bias": (nn.Bilinear(3, 2, 1, bias=False), [("train", [spread([5, 3]), spread([5, 2])])]),
    "embedding": (nn.Embedding(6, 3), [("train", index), ("eval", values(4, dtype="index", shape=[]))]),
    "embedding with padding": (nn.Embedding(6, 3, padding_idx=-2), [("train", index)]),
    "unflatten": quiet(nn.Unflatten(1, (2, 2)), x),
    "unflatten, inferred": quiet(nn.Unflatten(-1, (2, -1)), x),
    "hardshrink": quiet(nn.Hardshrink(), x),
    "hardshrink with lambd": quiet(nn.Hardshrink(0.75), x),
    "softshrink": quiet(nn.Softshrink(), x),
    "softshrink with lambd": quiet(nn.Softshrink(0.75), x),
    "tanhshrink": quiet(nn.Tanhshrink(), x),
    "softmin": quiet(nn.Softmin(1), x),
    "softmin without dim": quiet(nn.Softmin(), x),
    "softmax without dim": quiet(nn.Softmax(), x),
    "log softmax without dim": quiet(nn.LogSoftmax(), spread([2, 3, 4])),
    "softmax2d": quiet(nn.Softmax2d(), image),
    "rrelu": (nn.RReLU(), [("eval", x)]),
    "rrelu with bounds": quiet(nn.RReLU(0.25, 0.25), x),
    "dropout in place": (nn.Dropout(0.3, inplace=True), [("eval", x)]),
    "dropout1d": (nn.Dropout1d(), [("eval", spread([2, 3, 4]))]),
    "dropout1d of all": (nn.Dropout1d(1), [("train", spread([2, 3, 4])), ("train", spread([3, 4]))]),
    "dropout2d": (nn.Dropout2d(0.2), [("eval", image)]),
    "dropout2d of nothing": (nn.Dropout2d(0), [("train", image)]),
    "dropout3d": (nn.Dropout3d(1), [("train", spread([2, 3, 1, 2, 2])), ("eval", spread([3, 1, 2, 2]))]),
    "alpha dropout": (nn.AlphaDropout(), [("eval", x)]),
    "alpha dropout of all": (nn.AlphaDropout(1), [("train", x)]),
    "feature alpha dropout": (nn.FeatureAlphaDropout(0.25), [("eval", image)]),
    "identity of anything": quiet(nn.Identity(54, unused_argument1=0.1), x),
    "pool": (Pool(), [("train", x), ("eval", x)]),
    "grown": (grown(), [("train", x)]),
    "slice": (grown()[1:3], [("train", spread([2, 3]))]),
}
