"""
Writes nn/NAME.json for each nets/NAME.py: its MODELS and LOSSES as PyTorch begins, prints and computes them. Run with a Python
that has PyTorch 1.13 or later: python3 nn.py [NAME …]
"""
import importlib
import json
import os
import sys
import warnings

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "nets")]
sys.dont_write_bytecode = True
warnings.filterwarnings("ignore")

import torch  # noqa: E402
from torch import nn  # noqa: E402

from golden import Input, T, arguments, call, flatten, formula, result, shortest, snake, uses_inputs  # noqa: E402


def state_of(model):
    return [[key, result(value)] for key, value in model.state_dict().items()]


def run(model, mode, inputs, args=()):
    """What a model makes of its inputs. `args` follow the inputs, unless they place them with T(k)."""
    inputs = [inputs] if isinstance(inputs, Input) else inputs
    args = list(args) if uses_inputs(args) else [T(k) for k in range(len(inputs))] + list(args)
    model.train(mode == "train")
    model.zero_grad()
    leaves, seen = zip(*[x.tensor(k + 1) for k, x in enumerate(inputs)])
    outputs = flatten(call("", args, seen, model))
    record = {"mode": mode, "in": [x.json() for x in inputs], **arguments(args, len(inputs)), "out": [result(y) for y in outputs]}
    floats = [y for y in outputs if y.requires_grad]
    sum((y * torch.from_numpy(formula(101 + k, y.shape, -1, 1)).float()).sum() for k, y in enumerate(floats)).backward()
    record["grad"] = [None if x.grad is None else shortest(x.grad.numpy()) for x in leaves]
    record["grads"] = [[name, None if p.grad is None else shortest(p.grad.numpy())] for name, p in model.named_parameters()]
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
    record["runs"] = [run(model, *one) for one in runs]
    return record


def loss(name, options, inputs, count=2, extra=()):
    """`count` is how many of the inputs go to forward; the options `weight` and `posWeight` name further ones."""
    leaves, tensors = zip(*[x.tensor(k + 1) for k, x in enumerate(inputs)])
    module = getattr(nn, name)(**{snake(k): tensors[v] if k in ["weight", "posWeight"] else v for k, v in options.items()})
    y = module(*tensors[:count], *extra)
    (y * torch.from_numpy(formula(101, y.shape, -1, 1)).float()).sum().backward()
    grad = [None if x.grad is None else shortest(x.grad.numpy()) for x in leaves]
    record = {"name": name, "options": options, "repr": repr(module), "in": [x.json() for x in inputs], "out": result(y), "grad": grad}
    return {**record, "count": count, **({"extra": extra} if extra else {})}


def lines(records):
    return ",\n".join(json.dumps(one, separators=(",", ":"), allow_nan=False) for one in records)


names = sys.argv[1:] or sorted(file[:-3] for file in os.listdir(os.path.join(here, "nets")) if file.endswith(".py"))
for name in names:
    torch.manual_seed(0)
    family = importlib.import_module(name)
    models = [describe(title, *rest) for title, rest in getattr(family, "MODELS", {}).items()]
    losses = [loss(*one) for one in getattr(family, "LOSSES", [])]
    text = json.dumps({"torch": torch.__version__})[:-1] + ',"models":[\n' + lines(models) + '\n],"losses":[\n' + lines(losses) + "\n]}\n"
    with open(os.path.join(here, "nn", f"{name}.json"), "w", encoding="utf-8") as file:
        file.write(text)
    print(f"nn/{name}.json: {len(models)} models, {len(losses)} losses, {len(text.encode())} bytes")
