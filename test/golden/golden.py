"""
What the golden values of this folder are made of: inputs that both languages compute from one formula, calls on them, and
what PyTorch answers. inputs.ts is the other half of this file.

The formula. Element i (row-major) of an input with seed s is low + (high − low) · u, u = h / 2³², where h is a 32-bit hash:

    h = i · 0x9E3779B1 + s · 0x85EBCA6B + 0x165667B1
    h ^= h >> 15;  h *= 0x2C1B3C6D;  h ^= h >> 12;  h *= 0x297A2D39;  h ^= h >> 15      (all modulo 2³²)

in float64, then cut down to a multiple of `step` if there is one (which makes ties), then rounded to the dtype; integers and
bool are cut down to whole numbers. Input k of a case has seed k + 1. An input with `data` has those elements instead.

Gradients are those of Σₖ Σᵢ wₖᵢ · yₖᵢ over all floating-point outputs yₖ, with wₖ made by the same formula from seed 101 + k
between −1 and 1.

A case's arguments are what the JavaScript call takes: {"$": k} is input k, and an object is the options, whose camelCase
keys become PyTorch's keyword arguments. Without arguments a case takes its inputs in their order.
"""
import json
import math
import re

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)

TORCH_DTYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "int32": torch.int32,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "bool": torch.bool,
    # What PyTorch wants of an index. It is int32 in the JSON, as all wide integers are.
    "index": torch.int64,
}

# PyTorch's integer results are 64 bits wide, and 16 for uint8 with int8; fettle's are 32.
JS_DTYPES = {
    torch.float32: "float32",
    torch.float16: "float16",
    torch.int64: "int32",
    torch.int32: "int32",
    torch.int16: "int32",
    torch.int8: "int8",
    torch.uint8: "uint8",
    torch.bool: "bool",
}

NAN, INF = math.nan, math.inf

# Values that bite: every kind of special number, kinks and halves, denormal and huge ones.
EDGES = [NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-40, -1e-40, 1e-3, -20.0, 20.0, 88.8, -88.8, 3.4e38]


def formula(seed, shape, low=-2.0, high=2.0, step=None):
    n = math.prod(shape)
    out = np.empty(n, dtype=np.float64)
    for i in range(n):
        h = (i * 0x9E3779B1 + seed * 0x85EBCA6B + 0x165667B1) & 0xFFFFFFFF
        h ^= h >> 15
        h = (h * 0x2C1B3C6D) & 0xFFFFFFFF
        h ^= h >> 12
        h = (h * 0x297A2D39) & 0xFFFFFFFF
        h ^= h >> 15
        value = low + (high - low) * (h / 4294967296)
        out[i] = value if step is None else math.floor(value / step) * step
    return out.reshape(shape)


class Input:
    """A tensor to hand to an op. `view` is a list of view-making calls; the gradient is that of what is viewed."""

    def __init__(self, shape=None, low=-2, high=2, step=None, dtype="float32", data=None, grad=None, view=None):
        if data is not None:
            flat = np.array(data, dtype=np.float64)
            shape = list(flat.shape) if shape is None else shape
            data = flat.ravel().tolist()
        self.shape, self.low, self.high, self.step = list(shape), low, high, step
        self.dtype, self.data, self.view = dtype, data, view
        self.grad = dtype == "float32" if grad is None else grad

    def json(self):
        spec = {"shape": self.shape}
        if self.data is not None:
            spec["data"] = [number(v) for v in self.data]
        else:
            if (self.low, self.high) != (-2, 2):
                spec["low"], spec["high"] = self.low, self.high
            if self.step is not None:
                spec["step"] = self.step
        if self.dtype != "float32":
            spec["dtype"] = "int32" if self.dtype == "index" else self.dtype
        elif not self.grad:
            spec["grad"] = False
        if self.view is not None:
            spec["view"] = self.view
        return spec

    def tensor(self, seed):
        """The leaf, and what the op sees of it."""
        if self.data is not None:
            array = np.array(self.data, dtype=np.float64).reshape(self.shape)
        else:
            array = formula(seed, self.shape, self.low, self.high, self.step)
        if self.dtype != "float32" and self.dtype != "float16":
            array = np.floor(array)
        leaf = torch.from_numpy(np.ascontiguousarray(array).reshape(self.shape)).to(TORCH_DTYPES[self.dtype])
        leaf.requires_grad_(self.grad)
        x = leaf
        for name, *args in self.view or []:
            x = VIEWS[name](x, *args)
        return leaf, x


def take(x, dim, start=None, end=None, step=1):
    """Python's slice along one dimension."""
    return x[(slice(None),) * (dim % x.dim()) + (slice(start, end, step),)]


VIEWS = {
    "transpose": torch.Tensor.transpose,
    "permute": torch.Tensor.permute,
    "narrow": torch.Tensor.narrow,
    "select": torch.Tensor.select,
    "expand": torch.Tensor.expand,
    "unsqueeze": torch.Tensor.unsqueeze,
    "slice": take,
}


def spread(shape, low=-2, high=2, **options):
    return Input(shape, low, high, **options)


def ints(shape, low=-5, high=6, dtype="int32", **options):
    return Input(shape, low, high, dtype=dtype, **options)


def values(data, **options):
    return Input(data=data, **options)


class T:
    """Stands for input k among a call's arguments."""

    def __init__(self, k):
        self.k = k


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda m: "_" + m.group(1).lower(), name)


# How to call what is not simply torch.name or torch.nn.functional.name.
CALLS = {}


def resolve(op):
    if op in CALLS:
        return CALLS[op]
    name = snake(op)
    return getattr(torch, name, None) or getattr(F, name)


def to_python(value, tensors):
    if isinstance(value, T):
        return tensors[value.k]
    if isinstance(value, (list, tuple)):
        return [to_python(v, tensors) for v in value]
    return value


def to_json(value):
    if isinstance(value, T):
        return {"$": value.k}
    if isinstance(value, dict):
        return {key: to_json(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(v) for v in value]
    return number(value) if isinstance(value, float) else value


def number(value):
    """A JSON value that JavaScript reads back as this number: whole numbers without a point, −0 with its sign."""
    if isinstance(value, bool) or isinstance(value, int):
        return value
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    whole = value == int(value) and abs(value) < 1e9 and not (value == 0 and math.copysign(1, value) < 0)
    return int(value) if whole else value


def shortest(array):
    """The elements as numbers with the fewest digits, nine at most, that give the same float32."""
    return [number(float(str(v))) for v in array.ravel()]


def result(tensor):
    array = tensor.detach().contiguous().numpy()
    dtype = JS_DTYPES[tensor.dtype]
    if dtype == "float32":
        data = shortest(array)
    else:
        data = [number(float(v)) if dtype == "float16" else int(v) for v in array.ravel()]
    return {"shape": list(tensor.shape), **({} if dtype == "float32" else {"dtype": dtype}), "data": data}


CASES = []


def call(op, args, tensors, fn=None):
    positional = [to_python(a, tensors) for a in args if not isinstance(a, dict)]
    options = {snake(k): to_python(v, tensors) for a in args if isinstance(a, dict) for k, v in a.items()}
    return (resolve(op) if fn is None else fn)(*positional, **options)


def case(op, inputs, args=(), label="", sums=False, after=(), fn=None, layouts=True, ulps=None):
    """
    Records what PyTorch makes of one call. `args` follow the inputs, unless they place them with T(k). `sums` says that
    elements are sums of many terms, whose rounding is judged by the largest of them; `ulps` is how many last places they may
    lose where they cancel more than usual. `after` lists inputs that the call changes. `layouts` is false where the call
    means something else on inputs that are not contiguous.
    """
    inputs = [x if isinstance(x, Input) else values(x) for x in inputs]
    args = list(args) if uses_inputs(args) else [T(k) for k in range(len(inputs))] + list(args)
    leaves, tensors = zip(*[x.tensor(k + 1) for k, x in enumerate(inputs)]) if inputs else ((), ())
    record = {"op": op}
    if label:
        record["label"] = label
    record["in"] = [x.json() for x in inputs]
    record.update(arguments(args, len(inputs)))
    outputs = call(op, args, tensors, fn)
    outputs = flatten(outputs)
    record["out"] = [result(y) for y in outputs]
    floats = [y for y in outputs if y.requires_grad]
    if floats:
        weights = [torch.from_numpy(formula(101 + k, y.shape, -1, 1)).float() for k, y in enumerate(floats)]
        sum((y * w).sum() for y, w in zip(floats, weights)).backward()
        record["grad"] = [None if x.grad is None else result(x.grad)["data"] for x in leaves]
    if after:
        record["after"] = {str(k): result(tensors[k])["data"] for k in after}
    if sums or ulps:
        record["sums"] = True
    if ulps:
        record["ulps"] = ulps
    if not layouts:
        record["layouts"] = False
    CASES.append(record)


def refusal(op, inputs, args=(), label="", fn=None, layouts=True):
    """Records that PyTorch refuses a call."""
    args = list(args) if uses_inputs(args) else [T(k) for k in range(len(inputs))] + list(args)
    tensors = [x.tensor(k + 1)[1] for k, x in enumerate(inputs)]
    try:
        call(op, args, tensors, fn)
    except (RuntimeError, ValueError, IndexError, TypeError):
        record = {"op": op, **({"label": label} if label else {}), "in": [x.json() for x in inputs]}
        CASES.append({**record, **arguments(args, len(inputs)), "throws": True, **({} if layouts else {"layouts": False})})
        return
    raise AssertionError(f"PyTorch takes {op} {label}")


def arguments(args, count):
    """What a record says of a call's arguments: nothing where they are the inputs alone."""
    given = to_json(args)
    return {} if given == [{"$": k} for k in range(count)] else {"args": given}


def uses_inputs(value):
    if isinstance(value, dict):
        return False
    return isinstance(value, T) or (isinstance(value, (list, tuple)) and any(uses_inputs(v) for v in value))


def flatten(outputs):
    """The tensors of an op's result in their order; PyTorch nests the states of recurrent layers."""
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    return [y for group in outputs if group is not None for y in flatten(group)]


def write(path):
    """One case on a line, so that a change of the goldens reads as one."""
    lines = ",\n".join(json.dumps(c, separators=(",", ":"), ensure_ascii=False, allow_nan=False) for c in CASES)
    text = json.dumps({"torch": torch.__version__}, separators=(",", ":"))[:-1] + ',"cases":[\n' + lines + "\n]}\n"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"{path}: {len(CASES)} cases, {len(text.encode())} bytes")
