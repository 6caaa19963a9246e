"""Writes prune.json: the masks of torch.nn.utils.prune. python3 prune.py (torch)."""
import json
import os

import torch
from torch import nn
from torch.nn.utils import prune

here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(5)

# Shapes chosen so that fractions of them come to halves: 30 · 0.05 = 1.5, 30 · 0.35 = 10.5, 10 · 0.25 = 2.5, 6 · 0.25 = 1.5.
SHAPES = {"linear": (10, 3), "wide": (6, 5), "conv": (6, 4, 3, 3)}


def numbers(t):
    return [float(v) for v in t.detach().reshape(-1)]


def bits(mask):
    return "".join("1" if v else "0" for v in mask.reshape(-1).tolist())


def make(shape):
    layer = nn.Linear(shape[1], shape[0]) if len(shape) == 2 else nn.Conv2d(shape[1], shape[0], shape[2:])
    with torch.no_grad():
        layer.weight.copy_(torch.randn(shape))
    return layer


def norm_name(n):
    return "inf" if n == float("inf") else n


weights = {name: make(shape) for name, shape in SHAPES.items()}
values = {name: layer.weight.detach().clone() for name, layer in weights.items()}


def fresh(name):
    layer = make(SHAPES[name])
    with torch.no_grad():
        layer.weight.copy_(values[name])
    return layer


def apply(layer, step):
    scores = torch.tensor(step["scores"]).reshape(layer.weight.shape) if "scores" in step else None
    if step["method"] == "l1":
        prune.l1_unstructured(layer, "weight", step["amount"], importance_scores=scores)
    elif step["method"] == "identity":
        prune.identity(layer, "weight")
    elif step["method"] == "custom":
        mask = torch.tensor([float(v) for v in step["mask"]]).reshape(layer.weight.shape)
        prune.custom_from_mask(layer, "weight", mask)
    else:
        n = float("inf") if step["n"] == "inf" else step["n"]
        prune.ln_structured(layer, "weight", step["amount"], n=n, dim=step["dim"], importance_scores=scores)


cases = []


def case(name, steps):
    """One parameter, pruned step by step; the mask after each."""
    layer = fresh(name)
    masks = []
    for step in steps:
        apply(layer, step)
        masks.append(bits(layer.weight_mask))
    cases.append({"weight": name, "steps": steps, "masks": masks})


for name in SHAPES:
    for amount in [0.0, 0.05, 0.15, 0.25, 0.35, 0.45, 0.5, 0.75, 1 / 3, 0.999, 1.0, 2, 7, 30]:
        case(name, [{"method": "l1", "amount": amount}])
    case(name, [{"method": "l1", "amount": 0.25, "scores": numbers(torch.rand(SHAPES[name]))}])
    for n in [1, 2, 3, 0.5, float("inf")]:
        for dim in [0, 1, -1]:
            for amount in [0.25, 0.5, 2]:
                case(name, [{"method": "ln", "amount": amount, "n": norm_name(n), "dim": dim}])
    # Repeated pruning counts what is left, and slices that are all gone do not count any more.
    l1, rows, columns = ({"method": "l1"}, {"method": "ln", "n": 2, "dim": 0}, {"method": "ln", "n": 1, "dim": 1})
    case(name, [{**l1, "amount": 0.3}, {**l1, "amount": 0.3}, {**l1, "amount": 0.5}, {**l1, "amount": 3}])
    case(name, [{**rows, "amount": 0.25}, {**rows, "amount": 0.5}, {**rows, "amount": 2}])
    case(name, [{**l1, "amount": 0.5}, {**rows, "amount": 0.5}, {**columns, "amount": 0.5}, {**l1, "amount": 0.5}])

    # Scores may be negative: the smallest in absolute value go; and the norms of slices are those of the scores.
    signed = numbers(torch.randn(SHAPES[name]))
    case(name, [{**l1, "amount": 0.4, "scores": signed}, {**l1, "amount": 0.5, "scores": signed}])
    for n in [1, 2, float("inf")]:
        case(name, [{"method": "ln", "amount": 0.5, "n": norm_name(n), "dim": 0, "scores": signed}])
    custom = {"method": "custom", "mask": bits(torch.rand(SHAPES[name]) > 0.4)}
    case(name, [{"method": "identity"}, {**l1, "amount": 0.3}])
    case(name, [custom, {**l1, "amount": 0.25}, {**rows, "amount": 0.3}, custom])
    case(name, [{**columns, "amount": 0.4}, {**rows, "amount": 0.35}, {**rows, "n": "inf", "amount": 0.5}])

# Random pruning cannot give PyTorch's masks; how many go, and that structures go as a whole, it can.
counts = []
for name in SHAPES:
    for amount in [0.05, 0.25, 0.35, 0.45, 0.5, 2, 3]:
        layer = fresh(name)
        prune.random_unstructured(layer, "weight", amount)
        counts.append({"weight": name, "amount": amount, "dim": None, "zeros": int((layer.weight_mask == 0).sum())})
        for dim in [0, 1, -1]:
            layer = fresh(name)
            prune.random_structured(layer, "weight", amount, dim)
            twice = fresh(name)
            prune.ln_structured(twice, "weight", 2, n=2, dim=dim)
            zeros = int((layer.weight_mask == 0).sum())
            entry = {"weight": name, "amount": amount, "dim": dim, "zeros": zeros}
            if amount < 1:
                prune.random_structured(twice, "weight", amount, dim)
                entry["after"] = int((twice.weight_mask == 0).sum())
            counts.append(entry)

together = []
for amount in [0.0, 0.05, 0.25, 0.3, 0.5, 0.9, 1.0, 5, 100]:
    for before in [None, 0.5]:
        layers = {name: fresh(name) for name in SHAPES}
        if before is not None:
            prune.l1_unstructured(layers["wide"], "weight", before)
        prune.global_unstructured(
            [(layer, "weight") for layer in layers.values()], pruning_method=prune.L1Unstructured, amount=amount
        )
        masks = {name: bits(layer.weight_mask) for name, layer in layers.items()}
        together.append({"amount": amount, "before": before, "masks": masks})

with open(os.path.join(here, "prune.json"), "w") as file:
    golden = {
        "torch": torch.__version__,
        "weights": {name: {"shape": SHAPES[name], "values": numbers(values[name])} for name in SHAPES},
        "cases": cases,
        "global": together,
        "random": counts,
    }
    json.dump(golden, file, indent=None, separators=(",", ":"))
    file.write("\n")
