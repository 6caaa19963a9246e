"""
Writes optim.json: what torch's optimizers, schedulers and gradient clipping give. python3 optim.py (torch).

An optimizer case: two parameters, [2, 3] and [3], step 50 times with gradients that depend on the step alone. Parameter p
begins as formula(501 + p) between −1 and 1; its gradient at step t is formula(2 t + p + 1) between −1 and 1, but 0 in every
element i with (i + t) divisible by 11, and absent for parameter 1 where t − 3 is divisible by 7. A case holds all parameters
after each step, and the state at the end.

A scheduler case: the learning rates (and the momentum, where it is cycled) before the first step and after each of 60.

A Muon case has two matrices, [2, 3] and [5, 2], in their place.

A closure case: LBFGS and SAM evaluate the loss themselves. With x the parameters as one vector of 9, A = formula(701) of [8, 9]
and b = formula(702) of [8], both between -1 and 1, the loss is the sum of (A x - b)^2 plus 0.3 times that of sin x, and 0.05 times
that of x^4. A case holds all parameters after each of 7 steps, and the losses they returned.

Lion is not in torch; it is written out here from algorithm 2 of its paper, Muon as torch 2.9 has it but
in float32, SAM from algorithm 1 of its paper with the adaptive form of ASAM. NAdam is torch's foreach implementation, which has
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
    return {snake(k): tuple(v) if k in ("betas", "etas", "stepSizes", "nsCoefficients") else v for k, v in options.items()}


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


def parameters(shapes=SHAPES):
    return [torch.tensor(formula(501 + p, shape, -1, 1), dtype=torch.float32, requires_grad=True) for p, shape in enumerate(shapes)]


def gradient(t, p, shapes=SHAPES):
    if p == 1 and t % 7 == 3:
        return None
    values = formula(2 * t + p + 1, shapes[p], -1, 1).reshape(-1)
    for i in range(len(values)):
        if (i + t) % 11 == 0:
            values[i] = 0
    return torch.tensor(values.reshape(shapes[p]), dtype=torch.float32)


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


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=(3.4445, -4.775, 2.0315), eps=1e-7, ns_steps=5, adjust_lr_fn=None):
        super().__init__(params, dict(lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov, ns_coefficients=ns_coefficients, eps=eps, ns_steps=ns_steps, adjust_lr_fn=adjust_lr_fn))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            a, b, c = group["ns_coefficients"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                m.lerp_(p.grad, 1 - group["momentum"])
                x = p.grad.lerp(m, group["momentum"]) if group["nesterov"] else m
                x = x / x.norm().clamp(min=group["eps"])
                tall = p.shape[0] > p.shape[1]
                x = x.T if tall else x
                for _ in range(group["ns_steps"]):
                    gram = x @ x.T
                    x = a * x + (b * gram + c * gram @ gram) @ x
                x = x.T if tall else x
                A, B = p.shape
                ratio = 0.2 * max(A, B) ** 0.5 if group["adjust_lr_fn"] == "match_rms_adamw" else max(1, A / B) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(x, alpha=-group["lr"] * ratio)


class SAM:
    def __init__(self, base, rho=0.05, adaptive=False):
        self.base, self.rho, self.adaptive = base, rho, adaptive

    def step(self, closure):
        loss = closure()
        params = [p for group in self.base.param_groups for p in group["params"]]
        with torch.no_grad():
            size = [p.abs() if self.adaptive else 1 for p in params]
            norm = sum(((s * p.grad) ** 2).sum() for s, p in zip(size, params)).sqrt()
            old = [p.clone() for p in params]
            for s, p in zip(size, params):
                p.add_(s * s * p.grad * self.rho / (norm + 1e-12))
        closure()
        with torch.no_grad():
            for p, q in zip(params, old):
                p.copy_(q)
        self.base.step()
        return loss


def make(name, params, options, groups=None):
    if groups is not None:
        params = [{"params": [p], **keywords(group)} for p, group in zip(params, groups)]
    kind = {"Lion": Lion, "Muon": Muon}.get(name) or getattr(torch.optim, name)
    return kind(params, **keywords(options), **({"foreach": True} if name == "NAdam" else {}))


def plain(state):
    """State as numbers and flat lists."""
    return {key: flat([v]) if torch.is_tensor(v) and v.ndim > 0 else float(v) for key, v in state.items() if v is not None}


def trajectory(name, options, groups=None):
    shapes = [[2, 3], [5, 2]] if name == "Muon" else SHAPES
    params = parameters(shapes)
    optimizer = make(name, params, options, groups)
    steps = []
    for t in range(STEPS):
        for p, param in enumerate(params):
            param.grad = gradient(t, p, shapes)
        optimizer.step()
        steps.append(flat(params))
    state = {str(i): plain(s) for i, s in optimizer.state_dict()["state"].items()}
    case = {"optimizer": name, "options": options, "steps": short(steps)}
    case["state"] = {i: {k: short(v) for k, v in s.items()} for i, s in state.items() if s}
    if groups is not None:
        case["groups"] = groups
    if shapes is not SHAPES:
        case["shapes"] = shapes
    return case


def closure_case(name, options):
    params = parameters()
    a = torch.tensor(formula(701, [8, 9], -1, 1), dtype=torch.float32)
    b = torch.tensor(formula(702, [8], -1, 1), dtype=torch.float32)

    def closure():
        for p in params:
            p.grad = None
        x = torch.cat([p.reshape(-1) for p in params])
        loss = ((a @ x - b) ** 2).sum() + 0.3 * x.sin().sum() + 0.05 * (x**4).sum()
        loss.backward()
        return loss

    if name == "SAM":
        own = {k: v for k, v in options.items() if k in ("rho", "adaptive")}
        optimizer = SAM(torch.optim.SGD(params, **keywords({k: v for k, v in options.items() if k not in own})), **own)
    else:
        optimizer = torch.optim.LBFGS(params, **keywords(options))
    steps, losses = [], []
    for _ in range(7):
        losses.append(float(optimizer.step(closure)))
        steps.append(flat(params))
    case = {"optimizer": name, "options": options, "steps": short(steps), "losses": short(losses)}
    if name == "LBFGS":
        state = optimizer.state_dict()["state"][0]
        case["state"] = {k: state[k] for k in ("func_evals", "n_iter")}
    return case


CLOSURES = [
    ("LBFGS", {"lr": 0.1, "maxIter": 4}),
    ("LBFGS", {"lr": 0.5, "maxIter": 1}),
    ("LBFGS", {"lr": 0.2, "maxIter": 3, "historySize": 2}),
    ("LBFGS", {"lr": 0.1, "maxIter": 8, "maxEval": 5, "toleranceChange": 1e-5}),
    ("LBFGS", {"maxIter": 2, "lineSearchFn": "strong_wolfe"}),
    ("LBFGS", {"lr": 3, "maxIter": 2, "historySize": 3, "lineSearchFn": "strong_wolfe"}),
    ("LBFGS", {"lr": 0.4, "maxIter": 1, "lineSearchFn": "strong_wolfe"}),
    ("LBFGS", {"lr": 0.1, "maxIter": 20, "toleranceGrad": 0.5}),
    ("SAM", {"lr": 0.02}),
    ("SAM", {"lr": 0.02, "rho": 0.5, "momentum": 0.9}),
    ("SAM", {"lr": 0.02, "rho": 1, "adaptive": True, "weightDecay": 0.1}),
]


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
    ("SGD", {"lr": 0.05, "momentum": 0.7, "nesterov": True}),
    ("SGD", {"lr": 0.05, "weightDecay": 0.3, "maximize": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 1}),
    ("Adam", {"lr": 0.02, "amsgrad": True, "maximize": True, "weightDecay": 0.2}),
    ("Adam", {"lr": 0.02, "betas": [0, 0.9]}),
    ("AdamW", {"lr": 0.02, "weightDecay": 0, "betas": [0.8, 0.5], "eps": 0.1}),
    ("RMSprop", {"lr": 0.005, "momentum": 0.9, "weightDecay": 0.1, "centered": True, "maximize": True, "alpha": 0.5}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.3, "eps": 0.1, "lrDecay": 0.2}),
    ("Adamax", {"lr": 0.02, "weightDecay": 0.2}),
    ("Adadelta", {"rho": 0.5, "weightDecay": 0.2}),
    ("NAdam", {"betas": [0.5, 0.9], "eps": 1e-3, "momentumDecay": 0}),
    ("RAdam", {"lr": 0.02, "betas": [0.5, 0.5]}),
    ("Rprop", {"lr": 0.2, "stepSizes": [0.01, 0.3]}),
    ("ASGD", {"lr": 0.05, "t0": 5, "lambd": 0.1, "maximize": True}),
    ("Muon", {"lr": 0.02}),
    ("Muon", {"lr": 0.02, "momentum": 0.5, "nesterov": False, "weightDecay": 0, "nsSteps": 2}),
    ("Muon", {"lr": 0.05, "adjustLrFn": "match_rms_adamw", "weightDecay": 0.5, "nsCoefficients": [2, -1.5, 0.5], "eps": 0.5}),
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
    if name == "SWALR":
        return torch.optim.swa_utils.SWALR(optimizer, **keywords(options))
    return getattr(lr_scheduler, name)(optimizer, **keywords(options))


def schedule(name, options, kind="SGD", fraction=None):
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
        scheduler.step(*([metric(epoch)] if name == "ReduceLROnPlateau" else [(epoch + 1) * fraction] if fraction else []))
        steps.append(rates())
    case = {"scheduler": name, "options": options, "optimizer": kind, "rates": short(steps)}
    kept = {k: v for k, v in scheduler.state_dict().items() if k in ("last_epoch", "base_lrs", "_step_count", "best", "num_bad_epochs", "cooldown_counter", "T_cur", "T_i", "total_steps", "milestones")}
    if fraction:
        case["fraction"] = fraction
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
    ("CosineAnnealingWarmRestarts", {"T0": 4, "TMult": 3, "etaMin": 0.01}, "SGD", 0.37),
    ("CosineAnnealingWarmRestarts", {"T0": 7}, "SGD", 0.5),
    ("OneCycleLR", {"maxLr": 0.3, "totalSteps": 61, "threePhase": True, "pctStart": 0.4, "cycleMomentum": False}),
    ("OneCycleLR", {"maxLr": 0.3, "totalSteps": 75, "annealStrategy": "linear", "baseMomentum": [0.6, 0.7], "maxMomentum": [0.9, 0.99]}),
    ("CyclicLR", {"baseLr": [0.01, 0.02], "maxLr": 0.1, "stepSizeUp": 7, "stepSizeDown": 3, "mode": "exp_range", "gamma": 0.95, "baseMomentum": 0.5, "maxMomentum": 0.99}),
    ("CyclicLR", {"baseLr": 0.001, "maxLr": 0.01, "stepSizeUp": 4, "mode": "triangular2", "cycleMomentum": False}, "Adam"),
    ("MultiStepLR", {"milestones": [40, 5, 5, 5]}),
    ("LinearLR", {"startFactor": 1, "endFactor": 0, "totalIters": 20}),
    ("ConstantLR", {"factor": 1, "totalIters": 0}),
    ("CosineAnnealingLR", {"TMax": 7, "etaMin": 0.6}),
    ("ReduceLROnPlateau", {"mode": "min", "patience": 0, "threshold": 0.3, "thresholdMode": "rel", "factor": 0.7, "minLr": 0.01, "eps": 0.005}),
    ("ReduceLROnPlateau", {"mode": "max", "patience": 2, "threshold": 0.1, "cooldown": 5, "factor": 0}),
    ("SWALR", {"swaLr": 0.05}),
    ("SWALR", {"swaLr": [0.6, 0.001], "annealEpochs": 25, "annealStrategy": "linear"}),
    ("SWALR", {"swaLr": 0.05, "annealEpochs": 0}),
    ("ChainedScheduler", {"schedulers": [("LinearLR", {"totalIters": 9}), ("CosineAnnealingLR", {"TMax": 30}), ("StepLR", {"stepSize": 13, "gamma": 0.5})]}),
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
    "closures": [closure_case(*case) for case in CLOSURES],
    "resumed": resumed(),
    "schedulers": [schedule(*case) for case in SCHEDULERS],
    "clipGradNorm": [clipped(*case) for case in [(1, 2, 1), (100, 2, 1), (0.5, 1, 2), (0.25, float("inf"), 1), (1, 3, 4), (1, 0.5, 1), (0.1, 2.5, 3), (10, float("inf"), 2)]],
}
with open(os.path.join(here, "optim.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
