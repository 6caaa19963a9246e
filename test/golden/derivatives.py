"""
Writes derivatives.json: what torch.autograd.functional gives for the functions of test/autograd/derivatives.test.ts, which
names them alike. Inputs are made by the formula of golden.py, seeds 1, 2, …; vectors have seeds 11, 12, …
"""
import json
import os

import torch
import torch.autograd.functional as AF

from golden import formula

torch.set_num_threads(1)

FUNCTIONS = {
    "exp": lambda x: x.exp(),
    "rowSums": lambda x: x.sin().sum(1),
    "product": lambda x, y: x @ y,
    "two": lambda x, y: (x * y, x.sum() + y.sum()),
    "first": lambda x, y: x * 2 + 0 * x.sum(),
    "pair": lambda x: (x.square(), x.tanh().sum()),
    "cubes": lambda x: x.pow(3).sum(),
    "mixed": lambda x, y: (x * x * y).sum() + y.exp().sum(),
    "linear": lambda x: (3 * x).sum(),
    "norm": lambda x: (x * x).sum().sqrt(),
    "sigmoids": lambda x: (x.sigmoid() * x.reshape(-1).flip(0).reshape(x.shape)).sum().reshape(1),
}

CASES = [
    ("jacobian", "exp", [[3]]), ("jacobian", "exp", [[2, 2]]), ("jacobian", "exp", [[]]), ("jacobian", "rowSums", [[2, 3]]),
    ("jacobian", "product", [[2, 3], [3, 2]]), ("jacobian", "two", [[3], [3]]), ("jacobian", "first", [[3], [2]]),
    ("jacobian", "pair", [[2, 2]]), ("hessian", "cubes", [[3]]), ("hessian", "cubes", [[2, 2]]), ("hessian", "mixed", [[3], [3]]),
    ("hessian", "linear", [[3]]), ("hessian", "norm", [[4]]), ("hessian", "sigmoids", [[2, 2]]),
    ("vjp", "exp", [[3]]), ("vjp", "product", [[2, 3], [3, 2]]), ("vjp", "two", [[3], [3]]), ("vjp", "cubes", [[3]]),
    ("jvp", "exp", [[3]]), ("jvp", "product", [[2, 3], [3, 2]]), ("jvp", "two", [[3], [3]]), ("jvp", "pair", [[2, 2]]),
    ("jvp", "linear", [[3]]), ("hvp", "cubes", [[3]]), ("hvp", "mixed", [[3], [3]]), ("hvp", "norm", [[4]]), ("hvp", "linear", [[3]]),
    ("vhp", "cubes", [[2, 2]]), ("vhp", "mixed", [[3], [3]]), ("vhp", "sigmoids", [[2, 2]]),
]


def make(seed, shape):
    return torch.from_numpy(formula(seed, shape, 0.2, 1.4)).float()


def tell(value):
    if isinstance(value, torch.Tensor):
        return {"shape": list(value.shape), "data": [float(f"{v:.8g}") for v in value.detach().flatten().tolist()]}
    return [tell(v) for v in value]


def run(tool, name, shapes):
    fn = FUNCTIONS[name]
    inputs = tuple(make(1 + k, shape) for k, shape in enumerate(shapes))
    given = inputs if len(inputs) > 1 else inputs[0]
    if tool in ("jacobian", "hessian"):
        return getattr(AF, tool)(fn, given)
    likes = fn(*inputs) if tool == "vjp" else inputs
    likes = likes if isinstance(likes, tuple) else (likes,)
    vs = tuple(make(11 + k, list(like.shape)) for k, like in enumerate(likes))
    return getattr(AF, tool)(fn, given, vs if len(vs) > 1 else vs[0])


out = [{"tool": t, "fn": f, "shapes": s, "out": tell(run(t, f, s))} for t, f, s in CASES]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "derivatives.json")
with open(path, "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in out) + "\n]\n")
print(len(out), "cases")
