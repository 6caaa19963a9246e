"""
Writes autograd.json: programs of views, writes in place, hooks and backward passes, and what PyTorch makes of them.

A program is a list of steps {"do": method, "on": name, "args": [...], "kw": {...}, "as": name, "noGrad": true}; {"$": name}
among the arguments stands for a tensor. Names are fettle's; both languages run the same program (test/autograd/programs.test.ts is the
other half). Leaves hold 1, 2, 3, … scaled by 1/4, so that nothing rounds differently. Recorded are, for every name, values,
gradient, whether it requires one and whether it is a leaf; or the step at which PyTorch refused.
"""
import json
import math
import os
import random
import re

import torch

torch.set_num_threads(1)


def snake(name):
    return re.sub(r"(?<=[a-z])([A-Z])", lambda m: "_" + m.group(1).lower(), name)


def leaf(shape, grad=True, start=1, dtype="float32"):
    return {"shape": shape, "grad": grad, "start": start, "dtype": dtype}


def make(spec):
    n = math.prod(spec["shape"])
    data = [(spec["start"] + i) * (0.25 if spec["dtype"].startswith("float") else 1) for i in range(n)]
    x = torch.tensor(data, dtype=getattr(torch, spec["dtype"])).reshape(spec["shape"]).clone()
    return x.requires_grad_() if spec["grad"] else x


def step(text, **more):
    """'z = y.mul_(2, $w)' as a step."""
    match = re.fullmatch(r"(?:(\w+) = )?(\w+)\.(\w+)\((.*)\)", text)
    target, on, do, rest = match.groups()
    rest = re.sub(r"\$(\w+)", r'{"$": "\1"}', rest)
    args = json.loads(f"[{rest}]")
    out = {"do": do, "on": on}
    if args:
        out["args"] = args
    if target:
        out["as"] = target
    return out | more


def quietly(text):
    return step(text, noGrad=True)


SLICES = {"slice": lambda x, dim, start, end, by=1: x[(slice(None),) * dim + (slice(start, end, by),)]}


def call(names, do, on, args=(), kw=None, **_):
    x = names[on]
    args = [names[a["$"]] if isinstance(a, dict) and "$" in a else a for a in args]
    if do == "registerHook":
        return x.register_hook(lambda g: g * args[0])
    if do == "backward":
        options = {snake(k): [names[name] for name in v] if k == "inputs" else v for k, v in (kw or {}).items()}
        return x.backward(*args, **options)
    if do == "to":
        return x.to(getattr(torch, args[0]))
    if do == "div_" and args and isinstance(args[-1], dict):
        return x.div_(args[0], rounding_mode=args[-1]["roundingMode"])
    if do in SLICES:
        return SLICES[do](x, *args)
    options = {snake(k): v for k, v in args.pop().items()} if args and isinstance(args[-1], dict) else {}
    args = [a.long() if torch.is_tensor(a) and do in ("scatter_", "scatterAdd_") and a.dtype == torch.int32 else a for a in args]
    if do == "maskedFill_":
        args[0] = args[0].bool()
    return getattr(x, snake(do))(*args, **options)


def numbers(x):
    return [float(f"{v:.8g}") if math.isfinite(v) else str(v) for v in x.detach().double().flatten().tolist()]


def run(leaves, program):
    names = {name: make(spec) for name, spec in leaves.items()}
    for i, one in enumerate(program):
        try:
            with torch.set_grad_enabled(not one.get("noGrad", False)):
                result = call(names, **one)
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            return {"throws": i, "why": str(error).split("\n")[0][:90]}
        if "as" in one:
            names[one["as"]] = result
    # What PyTorch says of views made without recording depends on who asks.
    blind = {one.get("as") for one in program if one.get("noGrad")}
    out = {}
    for name, x in names.items():
        if not torch.is_tensor(x):
            continue
        if name in blind:
            continue
        entry = {"shape": list(x.shape), "data": numbers(x), "requiresGrad": x.requires_grad, "isLeaf": x.is_leaf}
        if (x.is_leaf or x.retains_grad) and x.grad is not None:
            entry["grad"] = numbers(x.grad)
        out[name] = entry
    return {"tensors": out}


X = {"x": leaf([2, 3])}
XW = {"x": leaf([2, 3]), "w": leaf([3], start=2)}
B = {"b": leaf([2, 3], False), "w": leaf([3], start=2)}
Y = step("y = x.mul(1)")


def end(name="y"):
    return [step(f"s = {name}.square()"), step("l = s.sum()"), step("l.backward()")]


SCENARIOS = []


def case(title, leaves, *steps):
    program = []
    for s in steps:
        program += s if isinstance(s, list) else [s if isinstance(s, dict) else step(s)]
    SCENARIOS.append({"title": title, "leaves": leaves, "program": program})


# Every op in place, and the backward pass through it.
for text in ["add_(2)", "add_($w)", 'add_($w, {"alpha": 3})', "add_($y)", "sub_(1)", "sub_($w)", 'sub_($w, {"alpha": 2})',
             "mul_(3)", "mul_($w)", "mul_($x)", "div_(2)", "div_($w)", "pow_(2)", "pow_(3)", "pow_($w)",
             "clamp_(0.5, 1.25)", "clampMin_(0.75)", "clampMax_(1)", "relu_()", "sigmoid_()", "tanh_()", "exp_()", "log_()",
             "sqrt_()", "rsqrt_()", "abs_()", "neg_()", "floor_()", "ceil_()", "round_()", "trunc_()", "sign_()", "square_()",
             "reciprocal_()", "sin_()", "cos_()", "tan_()", "sinh_()", "cosh_()", "atan_()", "erf_()", "expm1_()",
             "exp2_()", "log1p_()", "log2_()", "log10_()", "lerp_($c, 0.25)", "lerp_($c, $v)", "addcmul_($c, $v)",
             'addcmul_($c, $v, {"value": 2})', "addcdiv_($c, $v)", 'addcdiv_($c, $v, {"value": -1})', "maskedFill_($m, 7)",
             "tril_()", "tril_(-1)", "triu_()", "triu_(1)", "zero_()", "fill_(3)", "copy_($w)", "copy_($c)", "eq_(1)", "lt_(1)",
             "logicalNot_()", "cumsum_(1)", "cumprod_(0)", "remainder_(0.5)", "remainder_($w)", "fmod_($w)", "atan2_($w)",
             'div_($w, {"roundingMode": "floor"})', 'div_(2, {"roundingMode": "trunc"})',
             "scatter_(1, $i, $u)", "scatter_(1, $i, 5)", "scatterAdd_(1, $i, $u)", "mul_($y)"]:
    leaves = {"x": leaf([2, 3]), "w": leaf([3], start=2), "c": leaf([2, 3], start=4), "v": leaf([2, 3], start=1),
              "u": leaf([1, 2], start=5), "m": leaf([3], False, 0, "int32"), "i": {"shape": [1, 2], "grad": False, "start": 0, "dtype": "int32"}}
    mask = [{"do": "to", "on": "m", "args": ["bool"], "as": "m"}] if "$m" in text else []
    case(f"y.{text}", leaves, mask, Y, f"z = y.{text}", end())
    case(f"a view's {text}", leaves, mask, Y, "v1 = y.narrow(0, 1, 1)", f"z = v1.{text}", end())

case("addmm_", {"x": leaf([2, 2]), "a": leaf([2, 3]), "b": leaf([3, 2], start=3)}, Y, 'y.addmm_($a, $b, {"beta": 2, "alpha": 3})', end())
case("baddbmm_", {"x": leaf([1, 2, 2]), "a": leaf([1, 2, 3]), "b": leaf([1, 3, 2], start=3)}, Y, 'y.baddbmm_($a, $b)', end())

# Leaves and views of leaves.
case("a leaf is refused", X, "x.add_(1)")
case("a leaf is refused even for the value it has", X, "x.mul_(1)")
case("zero_ of a leaf is refused", X, "x.zero_()")
case("copy_ into a leaf is refused", XW, "x.copy_($w)")
case("a leaf without recording", X, quietly("x.mul_(3)"), end("x"))
case("a view of a leaf is refused", X, "v = x.select(0, 1)", "v.add_(1)")
case("a view of a view of a leaf is refused", X, "v = x.select(0, 1)", "u = v.narrow(0, 0, 2)", "u.mul_(2)")
case("a view of a leaf without recording", X, "v = x.select(0, 1)", quietly("v.add_(1)"), end("x"))
case("a view of a leaf without recording, used after", X, "v = x.select(0, 1)", quietly("v.add_(1)"), end("v"))
case("a leaf that needs none is written", B, "b.add_(1)")
case("a leaf that needs none begins to", B, "b.mul_($w)", end("b"))
case("a leaf view that requires a gradient is refused", {"b": leaf([2, 3], False)}, "v = b.select(0, 0)", "v.requiresGrad_()", "v.mul_(2)")
case("the base of a leaf view is written", {"b": leaf([2, 3], False)}, "v = b.select(0, 0)", "v.requiresGrad_()", "b.mul_(2)", end("v"))

# Views and bases.
case("a base begins to require when a view is written", B, "v = b.select(0, 1)", "v.copy_($w)", end("b"))
case("a base begins to require when a view is multiplied", B, "v = b.select(0, 1)", "v.mul_($w)", end("b"))
case("a sibling taken before begins to require", B, "u = b.select(1, 0)", "v = b.select(0, 1)", "v.copy_($w)", end("u"))
case("a sibling taken after", B, "v = b.select(0, 1)", "v.copy_($w)", "u = b.select(1, 0)", end("u"))
case("a view sees a write to its base", {"x": leaf([2, 3])}, Y, "v = y.select(0, 1)", "y.mul_(2)", end("v"))
case("a view of a base that begins to require", B, "v = b.select(0, 1)", "b.mul_($w)", end("v"))
case("a view of a view sees a write to the base", X, Y, "v = y.transpose(0, 1)", "u = v.select(0, 1)", "y.mul_(3)", end("u"))
case("a base sees a write to a view of a view", X, Y, "v = y.transpose(0, 1)", "u = v.narrow(0, 1, 2)", "u.mul_(3)", end())
case("a view sees a write to a view of it", X, Y, "v = y.transpose(0, 1)", "u = v.select(0, 1)", "u.mul_(3)", end("v"))
case("two writes to one view", X, Y, "v = y.select(0, 1)", "v.mul_(3)", "v.add_(1)", end())
case("writes to two views", X, Y, "v = y.select(0, 1)", "u = y.select(1, 2)", "v.mul_(3)", "u.mul_(5)", end())
case("writes to two views, the view used", X, Y, "v = y.select(0, 1)", "u = y.select(1, 2)", "v.mul_(3)", "u.mul_(5)", end("v"))
case("writes to a view, to the base, to the view", X, Y, "v = y.select(0, 1)", "v.mul_(3)", "y.add_(1)", "v.mul_(2)", end())
case("the diagonal", {"x": leaf([3, 3])}, Y, "v = y.diagonal()", "v.mul_(4)", end())
case("a diagonal overwritten", {"x": leaf([3, 3]), "w": leaf([3])}, Y, "v = y.diagonal()", "v.copy_($w)", end())
case("every second column", {"x": leaf([2, 5]), "w": leaf([3])}, Y, "v = y.slice(1, 0, 5, 2)", "v.mul_($w)", end())
case("a transposed base", X, "t = x.transpose(0, 1)", "y = t.mul(1)", "v = y.select(0, 1)", "v.mul_(2)", end())
case("a view of an unsqueezed view", X, Y, "v = y.unsqueeze(1)", "v.exp_()", end())
case("a squeezed view", {"x": leaf([2, 1, 3])}, Y, "v = y.squeeze(1)", "v.mul_(2)", end())
case("a flattened view", X, Y, "v = y.flatten()", "u = v.narrow(0, 2, 3)", "u.mul_(2)", end())
case("a reshaped view", X, Y, "v = y.view(3, 2)", "u = v.select(1, 1)", "u.mul_(2)", end())
case("a reshape that copies is no view", X, Y, "t = y.transpose(0, 1)", "v = t.reshape(6)", "v.mul_(2)", end())
case("a permuted view", {"x": leaf([2, 3, 2])}, Y, "v = y.permute(2, 0, 1)", "u = v.select(0, 1)", "u.sigmoid_()", end())
case("an expanded view is refused", {"x": leaf([3, 1])}, Y, "v = y.expand(3, 4)", "v.add_(1)")
case("copy_ into an expanded tensor is refused", {"b": leaf([3, 1], False), "c": leaf([3, 4], False)}, "v = b.expand(3, 4)", "v.copy_($c)")
case("fill_ of an expanded tensor", {"b": leaf([3, 1], False)}, "v = b.expand(3, 4)", "v.fill_(2)")
case("an expanded view sees a write to its base", {"x": leaf([3, 1])}, Y, "v = y.expand(3, 4)", "y.mul_(3)", end("v"))
case("zero_ of a view", X, Y, "v = y.select(0, 0)", "v.zero_()", end())
case("fill_ of a view, and the rest used", X, Y, "v = y.select(0, 0)", "v.fill_(2)", "u = y.select(1, 1)", end("u"))
case("copy_ between views of one base", X, Y, "v = y.select(0, 0)", "u = y.select(0, 1)", "u.copy_($v)", end())
case("add_ of another view of one base", X, Y, "v = y.select(0, 0)", "u = y.select(0, 1)", "u.add_($v)", end())
case("mul_ of another view of one base is refused later", X, Y, "v = y.select(0, 0)", "u = y.select(0, 1)", "u.mul_($v)", end())
case("a view used before and after a write", X, Y, "v = y.select(0, 0)", "a = v.sum()", "v.mul_(3)", "c = v.sum()", "d = a.add($c)", end("d"))
case("a retained view", X, Y, "v = y.select(0, 0)", "v.retainGrad()", end("v"))
case("a clone is no view", X, Y, "v = y.select(0, 0)", "u = v.clone()", "u.mul_(2)", end())
case("filling a buffer row by row", B, "r = b.select(0, 0)", "r.copy_($w)", "q = b.select(0, 1)", "t = w.square()", "q.copy_($t)", end("b"))

# Without recording.
case("a view made without recording is refused", X, Y, quietly("v = y.select(0, 0)"), "v.mul_(2)")
case("a view of such a view is refused", X, Y, quietly("v = y.select(0, 0)"), "u = v.narrow(0, 0, 1)", "u.mul_(2)")
case("such a view written without recording", X, Y, quietly("v = y.select(0, 0)"), quietly("v.mul_(2)"), end())
case("such a view of what needs no gradient", {"b": leaf([2, 3], False)}, quietly("v = b.select(0, 0)"), "v.mul_(2)")
case("such a view written with what requires one is refused", B, quietly("v = b.select(0, 0)"), "v.mul_($w)")
case("a base written without recording", X, Y, "v = y.select(0, 0)", quietly("y.mul_(3)"), end("v"))
case("a write without recording changes no graph", X, Y, quietly("y.mul_(3)"), end())
case("copy_ without recording cuts nothing", XW, Y, quietly("y.copy_($w)"), end())

# Detached tensors share memory and version.
case("detach, written before use", X, Y, "d = y.detach()", "d.add_(1)", end())
case("detach, written after what saved", X, Y, "s = y.square()", "d = y.detach()", "d.add_(1)", "l = s.sum()", "l.backward()")
case("detach is no view to gradients", XW, Y, "d = y.detach()", "d.mul_($w)", end("d"))
case("detach, the other stays as it was", XW, Y, "d = y.detach()", "d.mul_($w)", end())
case("detach_", X, Y, "y.detach_()", "y.add_(1)")
case("detach_ of a view is refused", X, Y, "v = y.select(0, 0)", "v.detach_()")
case("detach_ then a gradient again", XW, Y, "y.detach_()", "y.mul_($w)", end())

# Saved values overwritten.
case("a saved input overwritten", X, Y, "s = y.square()", "y.add_(1)", "l = s.sum()", "l.backward()")
case("a saved output overwritten", X, "y = x.sigmoid()", "y.mul_(2)", end())
case("an output nobody saved", X, "y = x.add(1)", "y.mul_(2)", end())
case("exp saves its output", X, "y = x.exp()", "y.add_(1)", end())
case("exp_ saves its output too", X, Y, "y.exp_()", "y.add_(1)", end())
case("sin saves its input", X, "y = x.sin()", "y.add_(1)", end())
case("tanh_ then add_", X, Y, "y.tanh_()", "y.add_(1)", end())
case("relu_ then add_", X, Y, "y.relu_()", "y.add_(1)", end())
case("relu_ then relu_", X, Y, "y.relu_()", "y.relu_()", end())
case("a factor overwritten that has no gradient to give", {"x": leaf([2, 3]), "b": leaf([2, 3], False)}, "y = x.mul(1)", "z = y.mul($b)", "y.add_(1)", "l = z.sum()", "l.backward()")
case("a factor overwritten", {"x": leaf([2, 3]), "b": leaf([2, 3], False)}, "z = x.mul($b)", "b.add_(1)", "l = z.sum()", "l.backward()")
case("a divisor overwritten", {"x": leaf([2, 3]), "b": leaf([2, 3], False)}, "z = x.div($b)", "b.add_(1)", "l = z.sum()", "l.backward()")
case("a quotient overwritten whose divisor has no gradient", {"x": leaf([2, 3]), "b": leaf([2, 3], False)}, "z = x.div($b)", "z.add_(1)", end("z"))
case("saved, then a sibling view written", X, Y, "v = y.select(0, 0)", "u = y.select(0, 1)", "s = v.square()", "u.add_(1)", "l = s.sum()", "l.backward()")
case("mul_ by itself is refused later", X, Y, "y.mul_($y)", end())
case("add_ of itself", X, Y, "y.add_($y)", end())
case("a chain in place", XW, Y, "y.add_(1)", "y.mul_($w)", "y.pow_(2)", "y.neg_()", end())
case("a chain in place ending in sigmoid_", XW, Y, "y.add_(1)", "y.mul_($w)", "y.sigmoid_()", end())
case("used, then written, then used", X, Y, "a = y.sum()", "y.mul_(3)", "c = y.sum()", "d = a.add($c)", end("d"))

# dtypes and shapes.
case("a fraction into integers is refused", {"i": leaf([3], False, 1, "int32")}, "i.add_(0.5)")
case("div_ of integers is refused", {"i": leaf([3], False, 1, "int32")}, "i.div_(2)")
case("div_ of integers that rounds", {"i": leaf([3], False, 1, "int32")}, 'i.div_(2, {"roundingMode": "floor"})')
case("sqrt_ of integers is refused", {"i": leaf([3], False, 1, "int32")}, "i.sqrt_()")
case("exp_ of integers is refused", {"i": leaf([3], False, 1, "int32")}, "i.exp_()")
case("mul_ of integers by floats is refused", {"i": leaf([3], False, 1, "int32"), "w": leaf([3], False)}, "i.mul_($w)")
case("add_ of integers to floats", {"i": leaf([3], False, 1, "int32"), "w": leaf([3])}, "y = w.mul(1)", "y.add_($i)", end())
case("copy_ of floats into integers", {"i": leaf([3], False, 1, "int32"), "w": leaf([3], False, 9)}, "i.copy_($w)")
case("copy_ of a gradient into integers", {"i": leaf([3], False, 1, "int32"), "w": leaf([3], True, 9)}, "i.copy_($w)")
case("a result that is larger is refused", {"w": leaf([3], False), "c": leaf([2, 3], False)}, "w.add_($c)")
case("copy_ that does not broadcast is refused", {"w": leaf([3], False), "c": leaf([2, 2], False)}, "w.copy_($c)")
case("fill_ with a tensor without dimensions", {"x": leaf([2, 3]), "k": leaf([])}, Y, "y.fill_($k)", end())
case("fill_ with a tensor with dimensions is refused", {"x": leaf([2, 3]), "k": leaf([1])}, Y, "y.fill_($k)")
case("fill_ of a view with a tensor", {"x": leaf([2, 3]), "k": leaf([])}, Y, "v = y.select(0, 1)", "v.fill_($k)", end())
case("float16 gets a gradient of float16", {"h": leaf([3], dtype="float16")}, {"do": "to", "on": "h", "args": ["float32"], "as": "y"}, end())
case("integers cannot require", {"i": leaf([3], False, 1, "int32")}, "i.requiresGrad_()")
case("requiresGrad_(false) of a result is refused", X, Y, "y.requiresGrad_(false)")

# Passes, hooks, retained gradients.
case("backward twice through what saved nothing", X, "y = x.add(1)", "l = y.sum()", "l.backward()", "l.backward()")
case("backward twice through what saved is refused", X, "y = x.square()", "l = y.sum()", "l.backward()", "l.backward()")
case("backward twice, retained", X, "y = x.square()", "l = y.sum()", step("l.backward()", kw={"retainGraph": True}), "l.backward()")
case("gradients accumulate", X, end("x"), "u = x.mul(2)", "k = u.sum()", "k.backward()")
case("a vector for the gradient", XW, "y = w.mul(3)", "y.backward($w)")
case("no vector is refused", XW, "y = w.mul(3)", "y.backward()")
case("a leaf as the output", {"k": leaf([])}, "k.backward()")
case("an output without gradient is refused", {"b": leaf([], False)}, "b.backward()")
case("a hook scales", X, step("h = x.registerHook(3)"), end("x"))
case("a hook on a result scales", X, Y, "h = y.registerHook(3)", end())
case("two hooks in a row", X, Y, "h = y.registerHook(3)", "g = y.registerHook(5)", end())
case("a hook removed", X, Y, "h = y.registerHook(3)", "h.remove()", end())
case("a hook sees the sum", X, Y, "h = y.registerHook(3)", "a = y.sum()", "s = y.square()", "c = s.sum()", "d = a.add($c)", "d.backward()")
case("a hook before a write sees what was", X, Y, "h = y.registerHook(3)", "y.mul_(5)", end())
case("a hook without gradient is refused", {"b": leaf([3], False)}, "h = b.registerHook(3)")
case("a retained gradient", X, Y, "y.retainGrad()", end())
case("a retained gradient accumulates", X, "y = x.add(0)", "y.retainGrad()", end(), "u = y.add(1)", "k = u.sum()", "k.backward()")
case("retained, then written", X, Y, "y.retainGrad()", "y.mul_(3)", end())
case("retained without gradient is refused", {"b": leaf([3], False)}, "b.retainGrad()")
case("retainGrad of a leaf does nothing", X, "x.retainGrad()", end("x"))
case("inputs name who gets a gradient", XW, "y = x.mul($w)", "l = y.sum()", step("l.backward()", kw={"inputs": ["x"]}))

# Random programs.
UPDATES = ["add_(1)", "mul_(2)", "mul_($w)", "add_($w)", "square_()", "sigmoid_()", "sin_()", "neg_()", "zero_()", "relu_()",
           "copy_($w)", "div_(2)", "exp_()", "fill_(1)", "clamp_(0, 1)", "tanh_()", "sub_($w)", "sub_($k)", "mul_($k)", "div_($k)"]


def random_program(seed):
    rng = random.Random(seed)
    leaves = {"x": leaf([3, 3]), "b": leaf([3, 3], False, 2), "w": leaf([3], start=3), "k": leaf([1], start=2)}
    program = [step("y = x.mul(1)") if rng.random() < 0.7 else step("y = b.clone()")]
    square, lines = ["y"], []
    for n in range(rng.randint(3, 9)):
        kind = rng.random()
        pool = square + lines
        on = rng.choice(pool)
        name = f"v{n}"
        if kind < 0.4:
            if on in square:
                if rng.random() < 0.4:
                    text, target = rng.choice(["transpose(0, 1)", "narrow(0, 0, 3)", "view(3, 3)"]), square
                    if text.startswith("view") and on != "y":
                        text = "transpose(0, 1)"
                else:
                    text, target = rng.choice(["select(0, 1)", "select(1, 2)", "diagonal()", "select(0, 0)"]), lines
            else:
                text, target = rng.choice(["narrow(0, 0, 3)", "unsqueeze(0)"]), lines
            program.append(step(f"{name} = {on}.{text}"))
            target.append(name)
        elif kind < 0.85:
            program.append(step(f"{on}.{rng.choice(UPDATES)}", **({"noGrad": True} if rng.random() < 0.08 else {})))
        else:
            program.append(step(f"{name} = {on}.{rng.choice(['mul(3)', 'sin()', 'add(1)'])}"))
            (square if on in square else lines).append(name)
    total = None
    for k, name in enumerate(square + lines):
        program.append(step(f"s{k} = {name}.{rng.choice(['sum()', 'mean()'])}"))
        if total is None:
            total = f"s{k}"
        else:
            program.append(step(f"t{k} = {total}.add($s{k})"))
            total = f"t{k}"
    program.append(step(f"{total}.backward()"))
    return {"title": f"random program {seed}", "leaves": leaves, "program": program}


SCENARIOS += [random_program(seed) for seed in range(150)]


if __name__ == "__main__":
    # Of a view that has not been looked at since its base began to require a gradient PyTorch thinks that it is a leaf.
    stale = "a leaf Variable that requires grad"
    out = [{**one, **run(one["leaves"], one["program"])} for one in SCENARIOS]
    out = [one for one in out if not (one["title"].startswith("random") and one.get("why", "").startswith(stale))]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "autograd.json")
    with open(path, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in out) + "\n]\n")
    refused = [one for one in out if "throws" in one]
    print(len(out), "programs,", len(refused), "refused")
    for one in refused:
        print(" ", one["title"], "|", one["throws"], one["why"])
