"""
Writes optim.json: what torch's optimizers, schedulers and gradient clipping give. python3 optim.py (torch).

An optimizer case: two parameters, [2, 3] and [3], step 50 times with gradients that depend on the step alone. Parameter p
begins as formula(501 + p) between −1 and 1; its gradient at step t is formula(2 t + p + 1) between −1 and 1, but 0 in every
element i with (i + t) divisible by 11, and absent for parameter 1 where t − 3 is divisible by 7. A case holds all parameters
after each step, and the state at the end.

A scheduler case: the learning rates (and the momentum, where it is cycled) before the first step and after each of 60.

Lion is not in torch; it is written out here from algorithm 2 of its paper. NAdam is torch's foreach implementation, which has
the formula of the documentation and of torch 2; torch 1.13's default implementation has not.
"""
import json
import os
import re

import torch
from golden import formula

here = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)

STEPS = 50
EPOCHS = 60
SHAPES = [[2, 3], [3]]


def snake(name):
    """weightDecay → weight_decay, TMax → T_max."""
    return re.sub(r"(?<=.)[A-Z]", lambda m: m[0].lower(), re.sub(r"(?<!^)(?<!_)[A-Z]", r"_\g<0>", re.sub(r"^T(?=[A-Z0-9])", "T_", name)))


def keywords(options):
    return {snake(k): tuple(v) if k in ("betas", "etas", "stepSizes") else v for k, v in options.items()}


def short(value):
    """Nine significant digits: all that a float32 has."""
    if isinstance(value, (list, tuple)):
        return [short(v) for v in value]
    if isinstance(value, float):
        rounded = float(f"{value:.9g}")
        return int(rounded) if rounded == int(rounded) else rounded
    return value


def flat(tensors):
    return [float(v) for t in tensors for v in t.detach().reshape(-1)]


def parameters():
    return [torch.tensor(formula(501 + p, shape, -1, 1), dtype=torch.float32, requires_grad=True) for p, shape in enumerate(SHAPES)]


def gradient(t, p):
    if p == 1 and t % 7 == 3:
        return None
    values = formula(2 * t + p + 1, SHAPES[p], -1, 1).reshape(-1)
    for i in range(len(values)):
        if (i + t) % 11 == 0:
            values[i] = 0
    return torch.tensor(values.reshape(SHAPES[p]), dtype=torch.float32)


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0, maximize=False):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = -p.grad if group["maximize"] else p.grad
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                way = (m * beta1 + g * (1 - beta1)).sign()
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(way, alpha=-group["lr"])
                m.mul_(beta2).add_(g, alpha=1 - beta2)


def make(name, params, options, groups=None):
    if groups is not None:
        params = [{"params": [p], **keywords(group)} for p, group in zip(params, groups)]
    kind = Lion if name == "Lion" else getattr(torch.optim, name)
    return kind(params, **keywords(options), **({"foreach": True} if name == "NAdam" else {}))


def plain(state):
    """State as numbers and flat lists."""
    return {key: flat([v]) if torch.is_tensor(v) and v.ndim > 0 else float(v) for key, v in state.items() if v is not None}


def trajectory(name, options, groups=None):
    params = parameters()
    optimizer = make(name, params, options, groups)
    steps = []
    for t in range(STEPS):
        for p, param in enumerate(params):
            param.grad = gradient(t, p)
        optimizer.step()
        steps.append(flat(params))
    state = {str(i): plain(s) for i, s in optimizer.state_dict()["state"].items()}
    case = {"optimizer": name, "options": options, "steps": short(steps)}
    case["state"] = {i: {k: short(v) for k, v in s.items()} for i, s in state.items() if s}
    if groups is not None:
        case["groups"] = groups
    return case


OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.8, "dampening": 0.3, "weightDecay": 0.02}),
    ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weightDecay": 0.01, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.5}, [{"lr": 0.01}, {"momentum": 0, "weightDecay": 0.1}]),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.02, "weightDecay": 0.1, "amsgrad": True}),
    ("Adam", {"lr": 0.02, "betas": [0.4, 0.9], "eps": 1e-3, "maximize": True}),
    ("Adam", {}, [{"lr": 0.1}, {"betas": [0.5, 0.99]}]),
    ("AdamW", {"lr": 0.01}),
    ("AdamW", {"lr": 0.02, "weightDecay": 0.5, "amsgrad": True, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.005, "momentum": 0.9, "weightDecay": 0.1}),
    ("RMSprop", {"centered": True, "alpha": 0.9, "eps": 1e-4}),
    ("RMSprop", {"lr": 0.002, "centered": True, "momentum": 0.5, "maximize": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lrDecay": 0.05, "weightDecay": 0.1, "initialAccumulatorValue": 0.5, "maximize": True}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.02, "betas": [0.8, 0.9], "weightDecay": 0.1, "eps": 1e-3, "maximize": True}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.01, "betas": [0.8, 0.95], "momentumDecay": 0.1, "weightDecay": 0.05}),
    ("RAdam", {"lr": 0.01}),
    ("RAdam", {"lr": 0.01, "betas": [0.8, 0.9], "weightDecay": 0.1, "eps": 1e-4}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 2, "rho": 0.8, "eps": 1e-4, "weightDecay": 0.1, "maximize": True}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.05, "etas": [0.4, 1.5], "stepSizes": [1e-3, 0.1], "maximize": True}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.05, "lambd": 0.01, "alpha": 0.6, "t0": 10, "weightDecay": 0.1}),
    ("Lion", {"lr": 0.01}),
    ("Lion", {"lr": 0.01, "betas": [0.8, 0.9], "weightDecay": 0.5, "maximize": True}),
]


def resumed():
    """The state of Adam after 25 steps, as torch saves it, and where it leads."""
    params = parameters()
    optimizer = make("Adam", params, {"lr": 0.02, "amsgrad": True, "weightDecay": 0.01})
    for t in range(STEPS):
        if t == 25:
            saved = optimizer.state_dict()
            state = {str(i): {k: short(float(v) if v.ndim == 0 else v.tolist()) for k, v in s.items()} for i, s in saved["state"].items()}
            case = {"start": short([flat([p]) for p in params]), "saved": {"state": state, "param_groups": saved["param_groups"]}}
        for p, param in enumerate(params):
            param.grad = gradient(t, p)
        optimizer.step()
    case["end"] = short(flat(params))
    return case


def metric(epoch):
    """A figure that improves, stalls, improves and gets worse."""
    return 1 / (1 + min(epoch, 12)) + (0.02 * (epoch % 5) if epoch > 20 else 0) + (0.001 * (epoch - 45) if epoch > 45 else 0)


def build(spec, optimizer):
    name, options = spec
    lr_scheduler = torch.optim.lr_scheduler
    if name == "SequentialLR":
        parts = [build(part, optimizer) for part in options["schedulers"]]
        return lr_scheduler.SequentialLR(optimizer, parts, options["milestones"])
    if name == "ChainedScheduler":
        return lr_scheduler.ChainedScheduler([build(part, optimizer) for part in options["schedulers"]])
    if "lrLambda" in options:
        # The same function in both languages, from its coefficients.
        a, b = options["lrLambda"]
        return getattr(lr_scheduler, name)(optimizer, lambda epoch: a + b / (1 + epoch))
    return getattr(lr_scheduler, name)(optimizer, **keywords(options))


def schedule(name, options, kind="SGD"):
    params = parameters()
    if kind == "SGD":
        optimizer = torch.optim.SGD([{"params": [params[0]]}, {"params": [params[1]], "lr": 0.02}], lr=0.5, momentum=0.9)
    else:
        optimizer = torch.optim.Adam(params, lr=0.3)
    scheduler = build((name, options), optimizer)

    def rates():
        found = [float(g["lr"]) for g in optimizer.param_groups]
        if name in ("OneCycleLR", "CyclicLR"):
            found += [float(g["momentum"] if kind == "SGD" else g["betas"][0]) for g in optimizer.param_groups]
        return found

    steps = [rates()]
    for epoch in range(EPOCHS):
        optimizer.step()
        scheduler.step(*([metric(epoch)] if name == "ReduceLROnPlateau" else []))
        steps.append(rates())
    case = {"scheduler": name, "options": options, "optimizer": kind, "rates": short(steps)}
    kept = {k: v for k, v in scheduler.state_dict().items() if k in ("last_epoch", "base_lrs", "_step_count", "best", "num_bad_epochs", "cooldown_counter", "T_cur", "T_i", "total_steps", "milestones")}
    case["state"] = {k: short(dict(v) if k == "milestones" else v) for k, v in kept.items()}
    return case


SCHEDULERS = [
    ("StepLR", {"stepSize": 7}),
    ("StepLR", {"stepSize": 10, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [3, 20, 20, 41], "gamma": 0.3}),
    ("ExponentialLR", {"gamma": 0.93}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.2, "totalIters": 13}),
    ("LinearLR", {}),
    ("LinearLR", {"startFactor": 0.9, "endFactor": 0.1, "totalIters": 33}),
    ("PolynomialLR", {"totalIters": 40, "power": 2.5}),
    ("PolynomialLR", {}),
    ("CosineAnnealingLR", {"TMax": 60}),
    ("CosineAnnealingLR", {"TMax": 12, "etaMin": 0.005}),
    ("CosineAnnealingWarmRestarts", {"T0": 9}),
    ("CosineAnnealingWarmRestarts", {"T0": 5, "TMult": 2, "etaMin": 0.001}),
    ("OneCycleLR", {"maxLr": 0.4, "totalSteps": 60}),
    ("OneCycleLR", {"maxLr": [0.4, 0.1], "epochs": 6, "stepsPerEpoch": 10, "annealStrategy": "linear", "threePhase": True, "divFactor": 10, "finalDivFactor": 100, "pctStart": 0.25}),
    ("OneCycleLR", {"maxLr": 0.1, "totalSteps": 60, "baseMomentum": 0.7}, "Adam"),
    ("CyclicLR", {"baseLr": 0.01, "maxLr": 0.1, "stepSizeUp": 8}),
    ("CyclicLR", {"baseLr": 0.01, "maxLr": [0.1, 0.5], "stepSizeUp": 6, "stepSizeDown": 11, "mode": "triangular2"}),
    ("CyclicLR", {"baseLr": 0.01, "maxLr": 0.1, "stepSizeUp": 10, "mode": "exp_range", "gamma": 0.97, "cycleMomentum": False}),
    ("LambdaLR", {"lrLambda": [0.1, 0.9]}),
    ("MultiplicativeLR", {"lrLambda": [0.95, 0.1]}),
    ("ReduceLROnPlateau", {"patience": 3, "factor": 0.5}),
    ("ReduceLROnPlateau", {"mode": "max", "patience": 1, "threshold": 0.01, "thresholdMode": "abs", "cooldown": 2, "minLr": [0.01, 0.001]}),
    ("SequentialLR", {"schedulers": [("LinearLR", {"startFactor": 0.1, "totalIters": 8}), ("CosineAnnealingLR", {"TMax": 40})], "milestones": [8]}),
    ("SequentialLR", {"schedulers": [("ConstantLR", {"factor": 0.1, "totalIters": 3}), ("ExponentialLR", {"gamma": 0.9}), ("StepLR", {"stepSize": 4, "gamma": 0.5})], "milestones": [5, 30]}),
    ("ChainedScheduler", {"schedulers": [("ConstantLR", {"factor": 0.1, "totalIters": 4}), ("ExponentialLR", {"gamma": 0.95})]}),
]


def clipped(max_norm, norm_type, scale):
    params = parameters()
    for p, param in enumerate(params):
        param.grad = gradient(1, p) * scale
    norm = torch.nn.utils.clip_grad_norm_(params, max_norm, norm_type)
    name = "inf" if norm_type == float("inf") else norm_type
    return {"maxNorm": max_norm, "normType": name, "scale": scale, "norm": short(float(norm)), "grads": short(flat([p.grad for p in params]))}


golden = {
    "torch": torch.__version__,
    "optimizers": [trajectory(*case) for case in OPTIMIZERS],
    "resumed": resumed(),
    "schedulers": [schedule(*case) for case in SCHEDULERS],
    "clipGradNorm": [clipped(*case) for case in [(1, 2, 1), (100, 2, 1), (0.5, 1, 2), (0.25, float("inf"), 1), (1, 3, 4), (1, 0.5, 1)]],
}
with open(os.path.join(here, "optim.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
