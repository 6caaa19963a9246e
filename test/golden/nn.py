"""Writes nn.json: layers and nets as PyTorch begins, prints and computes them. Run with a Python that has PyTorch 1.13 or later."""
import json
import os
import sys
import warnings
from collections import OrderedDict

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
sys.dont_write_bytecode = True
warnings.filterwarnings("ignore")

import torch  # noqa: E402
from torch import nn  # noqa: E402

from golden import formula, ints, result, shortest, snake, spread, values  # noqa: E402


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


torch.manual_seed(0)
image = spread([2, 2, 5, 6])
# name: the module, and its runs: in training or evaluation, on which input. test/nn/golden.test.ts builds the same.
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

# The class indices and class weights stand behind the input among the losses' inputs.
SIGNS = values([1, -1, -1, 1], grad=False)
LABELS, CLASS_WEIGHT = ints([4], 0, 3, "index"), spread([3], 0.5, 2, grad=False)
LOSSES = [
    ("CrossEntropyLoss", {}, [spread([4, 3]), LABELS]),
    ("CrossEntropyLoss", {"labelSmoothing": 0.1, "reduction": "sum"}, [spread([4, 3]), LABELS]),
    ("CrossEntropyLoss", {"weight": 2, "ignoreIndex": 1}, [spread([4, 3]), LABELS, CLASS_WEIGHT]),
    ("MSELoss", {}, [spread([3, 2]), spread([3, 2])]),
    ("MSELoss", {"reduction": "none"}, [spread([3, 2]), spread([3, 2])]),
    ("L1Loss", {}, [spread([3, 2]), spread([3, 2])]),
    ("KLDivLoss", {"reduction": "batchmean"}, [spread([3, 2], -3, 0), spread([3, 2], 0, 1)]),
    ("KLDivLoss", {"logTarget": True}, [spread([3, 2], -3, 0), spread([3, 2], -3, 0)]),
    ("BCEWithLogitsLoss", {}, [spread([3, 2]), spread([3, 2], 0, 1)]),
    ("BCEWithLogitsLoss", {"posWeight": 2, "reduction": "sum"}, [spread([3, 2]), spread([3, 2], 0, 1), spread([2], 0.5, 3, grad=False)]),
    ("NLLLoss", {}, [spread([4, 3], -4, 0), LABELS]),
    ("NLLLoss", {"weight": 2, "reduction": "sum"}, [spread([4, 3], -4, 0), LABELS, CLASS_WEIGHT]),
    ("BCELoss", {}, [spread([3, 2], 0.1, 0.9), spread([3, 2], 0, 1)]),
    ("SmoothL1Loss", {"beta": 0.5}, [spread([3, 2]), spread([3, 2])]),
    ("HuberLoss", {"delta": 0.5}, [spread([3, 2]), spread([3, 2])]),
    ("CosineEmbeddingLoss", {"margin": 0.2}, [spread([4, 3]), spread([4, 3]), SIGNS]),
    ("MarginRankingLoss", {"margin": 0.5, "reduction": "sum"}, [spread([4]), spread([4]), SIGNS]),
    ("TripletMarginLoss", {}, [spread([4, 3]), spread([4, 3]), spread([4, 3])]),
    ("TripletMarginLoss", {"margin": 2, "p": 1, "swap": True}, [spread([4, 3]), spread([4, 3]), spread([4, 3])]),
    ("HingeEmbeddingLoss", {"margin": 2}, [spread([4]), SIGNS]),
    ("SoftMarginLoss", {"reduction": "none"}, [spread([4]), SIGNS]),
    ("PoissonNLLLoss", {"logInput": False, "full": True}, [spread([4], 0.1, 3), spread([4], 0, 5, grad=False)]),
    ("GaussianNLLLoss", {"full": True}, [spread([4, 3]), spread([4, 3]), spread([4, 3], 0.1, 2)]),
]


# Losses of three tensors.
OF_THREE = ["CosineEmbeddingLoss", "MarginRankingLoss", "TripletMarginLoss", "GaussianNLLLoss"]


def state_of(model):
    return [[key, result(value)] for key, value in model.state_dict().items()]


def run(model, mode, x):
    model.train(mode == "train")
    model.zero_grad()
    leaf, seen = x.tensor(1)
    y = model(seen)
    record = {"mode": mode, "in": x.json(), "out": result(y)}
    (y * torch.from_numpy(formula(101, y.shape, -1, 1)).float()).sum().backward()
    record["grad"] = shortest(leaf.grad.numpy())
    record["grads"] = [[name, shortest(p.grad.numpy())] for name, p in model.named_parameters()]
    record["after"] = [[name, result(b)["data"]] for name, b in model.named_buffers()]
    return record


def describe(name, model, runs):
    # PyTorch's own first state, with statistics and scales that are not all zeros and ones.
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if "running_" in key or value.dim() == 1 and value.numel() > 0 and (value.eq(value.flatten()[0]).all()):
                value.copy_(torch.from_numpy(formula(51, value.shape, 0.5, 2)).float())
    record = {"name": name, "repr": repr(model), "state": state_of(model)}
    record["parameters"] = [name for name, _ in model.named_parameters()]
    record["modules"] = [name for name, _ in model.named_modules()]
    record["runs"] = [run(model, mode, x) for mode, x in runs]
    return record


def loss(name, options, inputs):
    leaves, tensors = zip(*[x.tensor(k + 1) for k, x in enumerate(inputs)])
    module = getattr(nn, name)(**{snake(k): tensors[v] if k in ["weight", "posWeight"] else v for k, v in options.items()})
    y = module(*tensors[: 3 if name in OF_THREE else 2])
    (y * torch.from_numpy(formula(101, y.shape, -1, 1)).float()).sum().backward()
    grad = [None if x.grad is None else shortest(x.grad.numpy()) for x in leaves]
    return {"name": name, "options": options, "repr": repr(module), "in": [x.json() for x in inputs], "out": result(y), "grad": grad}


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



models = [describe(name, model, runs) for name, (model, runs) in MODELS.items()]
gains = {
    "linear": nn.init.calculate_gain("linear"), "conv2d": nn.init.calculate_gain("conv2d"), "sigmoid": nn.init.calculate_gain("sigmoid"),
    "tanh": nn.init.calculate_gain("tanh"), "relu": nn.init.calculate_gain("relu"), "leakyRelu": nn.init.calculate_gain("leaky_relu"),
    "selu": nn.init.calculate_gain("selu"), "leakyRelu, 0.5": nn.init.calculate_gain("leaky_relu", 0.5),
}  # fmt: skip
head = {"torch": torch.__version__, "gains": gains, "spreads": [spreads([300, 200]), spreads([60, 50, 3, 3])]}
lines = [json.dumps(m, separators=(",", ":"), allow_nan=False) for m in models]
losses = [json.dumps(loss(*one), separators=(",", ":"), allow_nan=False) for one in LOSSES]
text = json.dumps(head)[:-1] + ',"models":[\n' + ",\n".join(lines) + '\n],"losses":[\n' + ",\n".join(losses) + "\n]}\n"
path = os.path.join(here, "nn.json")
with open(path, "w", encoding="utf-8") as file:
    file.write(text)
print(f"{path}: {len(models)} models, {len(losses)} losses, {len(text.encode())} bytes")
