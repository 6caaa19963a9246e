"""Functions of one input, arithmetic, comparisons, selection, activations."""
import operator

import torch

from golden import CALLS, EDGES, INF, NAN, T, case, ints, refusal, spread, values

# name: where its samples lie
UNARY = {
    "abs": (-3, 3), "sign": (-3, 3), "neg": (-3, 3), "square": (-3, 3),
    "floor": (-4, 4), "ceil": (-4, 4), "round": (-4, 4), "trunc": (-4, 4),
    "sqrt": (0, 9), "rsqrt": (0.05, 9), "reciprocal": (-3, 3),
    "exp": (-5, 5), "exp2": (-5, 5), "expm1": (-2, 2),
    "log": (0, 9), "log2": (0, 9), "log10": (0, 9), "log1p": (-1, 5),
    "sin": (-7, 7), "cos": (-7, 7), "tan": (-7, 7),
    "asin": (-1, 1), "acos": (-1, 1), "atan": (-6, 6),
    "sinh": (-4, 4), "cosh": (-4, 4), "tanh": (-4, 4),
    "asinh": (-9, 9), "acosh": (1, 9), "atanh": (-1, 1),
    "erf": (-3, 3),
    "relu": (-3, 3), "sigmoid": (-9, 9), "silu": (-9, 9), "gelu": (-5, 5),
    "isnan": (-3, 3), "isinf": (-3, 3), "logicalNot": (-1, 1),
}  # fmt: skip

SAME_DTYPE = ["abs", "sign", "neg", "square", "relu"]

# Arguments whose reduction, or whose neighbourhood of a pole or a fixed point, is what makes the function hard.
HARD = {
    "sin": [1e-8, 3.1415927, 100.0, 1000.5, 12345.678, -98765.4, 1e7],
    "cos": [1e-8, 1.5707964, 100.0, 1000.5, 12345.678, -98765.4, 1e7],
    "tan": [1e-8, 1.5707964, -1.5707962, 100.0, 1000.5, 12345.678],
    "exp": [-103.9, -87.5, 88.7, 1e-8, -1e-8],
    "exp2": [-149.0, -126.5, 127.9, 1e-8],
    "expm1": [1e-8, -1e-8, 1e-4, -1e-4, -17.0, 88.7],
    "log": [1e-38, 0.99999994, 1.0000001, 3e38],
    "log2": [1e-38, 0.99999994, 1.0000001, 8.0],
    "log10": [1e-38, 0.99999994, 1000.0],
    "log1p": [1e-8, -1e-8, -0.99999994, 1e30],
    "asin": [1e-8, 0.99999994, -0.99999994, 1.0, -1.0, 1.0000001],
    "acos": [1e-8, 0.99999994, -0.99999994, 1.0, -1.0, 1.0000001],
    "atanh": [1e-8, 0.99999994, -0.99999994, 1.0, -1.0, 1.0000001],
    "acosh": [1.0, 1.0000001, 1e30],
    "asinh": [1e-8, -1e-8, 1e-3, 1e30, -1e30, -1e3],
    "sinh": [1e-8, 1e-3, 88.9, -88.9],
    "cosh": [1e-8, 88.9],
    "tanh": [1e-8, 1e-3, 9.0, -9.0, 20.0],
    "erf": [1e-8, 0.8, 1.2, 3.9, -3.9, 4.1],
    "sigmoid": [-70.0, 17.0, 103.0],
    "silu": [-70.0, 17.0],
    "gelu": [-13.0, -9.0, -5.5, 8.0],
    "round": [0.49999997, -0.49999997, 3.5, 4.5, -3.5, -4.5, 8388609.0, 4194304.5],
    "floor": [0.99999994, -1e-8, 8388609.0, -4194304.5],
    "trunc": [0.99999994, -0.99999994, 8388609.0, -4194304.5],
    "rsqrt": [1e-38, 3e38],
    "reciprocal": [1e-38, 3e38, 1e-39],
    "sqrt": [1e-38, 3e38],
}  # fmt: skip

# Functions that cancel, or whose gradient does: 1 + erf in gelu, 1 − y² in the gradient of tanh.
CANCELLING = ["gelu", "tanh", "sigmoid"]
# Where PyTorch's vectors give 0 for numbers below 1e-37, which is its rounding and nothing to follow.
TOO_SMALL = {"sigmoid": -80, "silu": -80, "gelu": -20}

for name, (low, high) in UNARY.items():
    sums = name in CANCELLING
    for shape in [[], [0], [7]]:
        case(name, [spread(shape, low, high)], sums=sums)
    least = TOO_SMALL.get(name, -INF)
    # PyTorch's vectors take log1p of the largest numbers for infinite.
    most = 1e38 if name == "log1p" else INF
    case(name, [values([v for v in EDGES if not (-INF < v < least or most < v < INF)])], label="edges", sums=sums)
    if name in HARD:
        case(name, [values(HARD[name])], label="hard", sums=sums)
    case(name, [spread([3, 4], low, high, view=[["transpose", 0, 1], ["narrow", 0, 1, 2]])], label="view", sums=sums)
    if name in ["floor", "ceil", "round", "trunc"]:
        continue  # Integers are their own result, which is not worth a case for each.
    if name in ["silu", "gelu"]:
        continue  # PyTorch has these for floating-point numbers only.
    case(name, [ints([5], 1, 5)], label="int32")
    if name not in ["abs", "neg", "relu", "square"]:
        case(name, [ints([3], 0, 2, "bool")], label="bool")
    if name in SAME_DTYPE:
        case(name, [ints([5], -100, 100, "int8")], label="int8")
        case(name, [ints([5], 0, 256, "uint8")], label="uint8")

case("floor", [ints([5])], label="int32")
case("round", [ints([5])], label="int32")
case("square", [ints([4], 0, 2, "bool")], label="bool")
case("abs", [values([-128, 127, -1, 0], dtype="int8")], label="int8 limits")
case("neg", [values([-2147483648, 2147483647, 0], dtype="int32")], label="int32 limits")
refusal("neg", [ints([4], 0, 2, "bool")], label="bool")

CALLS["gelu"] = torch.nn.functional.gelu
for shape in [[], [9], [3, 4]]:
    case("gelu", [spread(shape, -5, 5)], [{"approximate": "tanh"}], "tanh", sums=True)
case("gelu", [values([v for v in EDGES if abs(v) < 50 or v != v])], [{"approximate": "tanh"}], "tanh edges", sums=True)
case("gelu", [values([INF, -INF])], [{"approximate": "tanh"}], "tanh infinities")
case("gelu", [values([1e10, -1e10, 30.0, -30.0])], [{"approximate": "tanh"}], "tanh large", sums=True)

for args in [[-1, 1], [{"min": 0.5}], [{"max": -0.25}], [{"min": -0.5, "max": 1.5}], [1, -1], [None, 1], [0.5]]:
    case("clamp", [spread([3, 5])], args)
    case("clamp", [values([NAN, INF, -INF, -1.0, 1.0, 0.5, -0.25, 1.5, -0.5, 0.0])], args, "edges")
case("clamp", [ints([7])], [-2, 3], "int32")
case("clamp", [ints([7], 0, 256, "uint8")], [20, 200], "uint8")
case("clamp", [ints([5])], [{"min": -1.5}], "int32 and a fraction")
refusal("clamp", [spread([3])], [], "no bound")

# ── two inputs ──

SHAPES = [([], []), ([0], [0]), ([0, 3], [3]), ([7], [7]), ([5], []), ([3, 5], [5]), ([3, 1], [1, 4]), ([4, 1, 3], [2, 1]), ([1], [0])]
PAIRS = [(a, b) for a in [NAN, INF, -INF, 0.0, -0.0, 1.0, -2.5, 3e38] for b in [NAN, INF, -INF, 0.0, -0.0, 2.5, 1e-40]]
SOME_PAIRS = [(a, b) for a in [NAN, INF, 0.0, -0.0, 1.0] for b in [NAN, INF, -INF, 0.0, -0.0]]
# PyTorch's exact remainders overflow where the quotient does.
QUOTIENTS = [(a, b) for a, b in PAIRS if b != 1e-40]
COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge"]
ARITHMETIC = ["add", "sub", "mul", "div"]
LOGICAL = ["logicalAnd", "logicalOr", "logicalXor"]
SYMBOLS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv}


def number_first(name):
    return lambda a, b: SYMBOLS[name](a, b)


for name in ARITHMETIC + COMPARISONS + LOGICAL:
    step = None if name in ARITHMETIC else 0.5
    for p, q in SHAPES if name in ARITHMETIC else SHAPES[2:7]:
        other = spread(q, 0.5, 3) if name == "div" else spread(q, step=step)
        case(name, [spread(p, step=step), other], sums=p != q)
    pairs = PAIRS if name in ARITHMETIC else SOME_PAIRS
    case(name, [values([a for a, _ in pairs]), values([b for _, b in pairs])], label="edges")
    case(name, [spread([4, 3], step=step, view=[["transpose", 0, 1]]), spread([4], step=step, view=[["expand", [3, 4]]])], label="views", sums=True)
    refusal(name, [spread([3]), spread([4])], label="shapes")

for name in ARITHMETIC + COMPARISONS:
    for value in [0.5, -3, 0]:
        case(name, [spread([2, 3], step=0.5)], [value], "number")
for name in ARITHMETIC:
    case(name, [spread([2, 3])], [2.5, T(0)], "number first", fn=number_first(name))
    case(name, [ints([5], 1, 9)], [7, T(0)], "number first, int32", fn=number_first(name))
for name in ["add", "sub"]:
    case(name, [spread([2, 3]), spread([3])], [{"alpha": 2.5}], "alpha", sums=True)
    case(name, [ints([3]), ints([3])], [{"alpha": -3}], "alpha, int32")
    case(name, [spread([2, 3])], [2, {"alpha": 0.5}], "alpha, number")

# Every pair of dtypes, with and without dimensions: a tensor without dimensions only decides within its kind.
DTYPES = ["float32", "float16", "int32", "int8", "uint8", "bool"]


def sample(shape, dtype):
    if dtype == "bool":
        return ints(shape, 0, 2, "bool")
    if dtype.startswith("float"):
        return spread(shape, 1, 4, step=0.5, dtype=dtype, grad=False)
    return ints(shape, 1, 6, dtype)


for i, p in enumerate(DTYPES):
    for j, q in enumerate(DTYPES):
        both = [sample([3], p), sample([3], q)]
        for name in ["add", "mul", "div", "eq", "lt"]:
            if name == "add" or i <= j:
                case(name, both, label=f"{p}, {q}")
        if p != q:
            case("add", [sample([3], p), sample([], q)], label=f"{p}, {q} []")
            if i < j:
                case("mul", [sample([], p), sample([3], q)], label=f"{p} [], {q}")
                case("gt", [sample([3], p), sample([], q)], label=f"{p}, {q} []")
for dtype in DTYPES:
    for value in [2, 2.5, True]:
        if dtype == "bool" and value is True:
            continue
        case("mul", [sample([3], dtype)], [value], f"{dtype}, {value}")
        case("add", [sample([3], dtype)], [value], f"{dtype}, {value}")
        case("le", [sample([3], dtype)], [value], f"{dtype}, {value}")
    case("div", [sample([3], dtype)], [2], f"{dtype}, 2")
case("add", [ints([4], 0, 2, "bool")], [True], "bool, True")
case("sub", [ints([6], 0, 10, "uint8"), ints([6], 0, 10, "uint8")], label="uint8 wraps")
case("mul", [ints([6], 10, 100, "int8"), ints([6], 10, 100, "int8")], label="int8 wraps")
case("mul", [ints([6], 1000000, 2000000), ints([6], 1000000, 2000000)], label="int32 wraps", fn=lambda a, b: a * b)
case("div", [values([7, -7, 0, 5], dtype="int32"), values([2, 2, 0, 0], dtype="int32")], label="int32 by zero")
refusal("sub", [ints([4], 0, 2, "bool"), ints([4], 0, 2, "bool")], label="bool")
for name in LOGICAL:
    case(name, [ints([6], -1, 2), ints([6], -1, 2)], label="int32")
    case(name, [ints([6], 0, 2, "bool"), ints([6], 0, 2, "bool")], label="bool")

# ── the larger and the smaller ──

for name in ["maximum", "minimum"]:
    for p, q in SHAPES:
        case(name, [spread(p), spread(q)], sums=p != q)
        case(name, [spread(p, step=1), spread(q, step=1)], label="ties", sums=p != q)
    case(name, [values([a for a, _ in PAIRS if a != 0]), values([b for a, b in PAIRS if a != 0])], label="edges")
    case(name, [spread([4, 3], view=[["transpose", 0, 1]]), spread([4], view=[["expand", [3, 4]]])], label="views", sums=True)
    case(name, [ints([7]), ints([7])], label="int32")
    case(name, [ints([7], 0, 200, "uint8"), ints([7], 0, 200, "uint8")], label="uint8")
    case(name, [ints([7], 0, 2, "bool"), ints([7], 0, 2, "bool")], label="bool")
    case(name, [ints([7]), spread([7])], label="int32, float32")
    refusal(name, [spread([3]), spread([4])], label="shapes")

# ── powers ──

for p, q in SHAPES:
    case("pow", [spread(p, 0.1, 3), spread(q, -2, 3)], sums=p != q)
case("pow", [spread([3, 5], -3, 3), ints([5], -3, 4)], label="whole exponents", sums=True)
case("pow", [values([0.0, -0.0, 0.0, 0.0, 1.0, -1.0, 2.0, 0.0, -2.0, -8.0, 3.0]), values([0.0, 1.0, 2.0, 0.5, 0.0, 2.0, 0.0, 3.0, 3.0, 1 / 3, -1.5])], label="kinks")
case("pow", [values([a for a, _ in PAIRS], grad=False), values([b for _, b in PAIRS], grad=False)], label="edges")
for e in [0, 1, 2, 3, 4, 0.5, 1.5, -0.5, -1, -2, -3, 2.5, -1.5]:
    case("pow", [spread([3, 4], 0.1, 3)], [e], "number")
    case("pow", [values([0.0, 1.0, -1.0, 2.0, -3.0])], [e], "number, edges")
    case("pow", [values([NAN, INF, -INF, -0.0, 1e-30], grad=False)], [e], "number, more edges")
for base in [2.0, 0.5, 1.0, 0.0]:
    case("pow", [spread([3, 4])], [base, T(0)], "number first")
for e in [0, 1, 2, 5, 7, 31]:
    case("pow", [ints([7])], [e], "int32")
case("pow", [ints([7], 0, 256, "uint8")], [3], "uint8")
case("pow", [ints([7], 1, 9)], [0.5], "int32 and a fraction")
refusal("pow", [ints([3])], [-1], "int32, negative")

# ── division ──

for name in ["fmod", "remainder", "floorDivide", "atan2"]:
    # PyTorch has no gradient of floor_divide.
    how = {"grad": False} if name == "floorDivide" else {}
    for p, q in SHAPES:
        case(name, [spread(p, -9, 9, **how), spread(q, 0.5, 3, **how)], sums=p != q)
    case(name, [spread([3, 5], -9, 9, **how), spread([5], -3, -0.5, **how)], label="negative divisor", sums=True)
    case(name, [values([a for a, _ in QUOTIENTS], grad=False), values([b for _, b in QUOTIENTS], grad=False)], label="edges")
    case(name, [values([4.0, -4.0, 5.0, -5.0, 7.5, -7.5, 0.0], **how), values([2.0, 2.0, -2.0, -2.0, 2.5, -2.5, 3.0], **how)], label="whole quotients")
    case(name, [spread([4, 3], -9, 9, **how, view=[["transpose", 0, 1]]), spread([4], 0.5, 3, **how, view=[["expand", [3, 4]]])], label="views", sums=True)
    refusal(name, [spread([3]), spread([4])], label="shapes")
for name in ["fmod", "remainder", "floorDivide"]:
    case(name, [values([7, -7, 7, -7, 6, -6, 0, 2147483647], dtype="int32"), values([2, 2, -2, -2, 3, 3, 5, -7], dtype="int32")], label="int32")
    case(name, [ints([7], 0, 256, "uint8"), ints([7], 1, 9, "uint8")], label="uint8")
    case(name, [ints([7])], [3], "int32, number")
    case(name, [ints([7])], [-3], "int32, negative number")
    case(name, [spread([7], -9, 9, grad=name != "floorDivide")], [2.5], "number")
case("atan2", [ints([7]), ints([7])], label="int32")
for mode in ["floor", "trunc"]:
    options = {"roundingMode": mode}
    for p, q in SHAPES[3:7]:
        case("div", [spread(p, -9, 9), spread(q, 0.5, 3)], [options])
    case("div", [values([a for a, _ in QUOTIENTS]), values([b for _, b in QUOTIENTS])], [options], "edges")
    case("div", [values([7, -7, 7, -7, 6, -6, 0], dtype="int32"), values([2, 2, -2, -2, 3, 3, 5], dtype="int32")], [options], "int32")
    case("div", [ints([7], -9, 9, "int8")], [4, options], "int8, number")
    case("div", [ints([7], -9, 9)], [2.5, options], "int32, fraction")
    case("div", [ints([7], -9, 9), spread([7], 0.5, 3)], [options], "int32, float32")
refusal("div", [spread([3]), spread([3])], [{"roundingMode": "up"}], "rounding mode")

# ── lerp ──

for p, q, w in [([7], [7], [7]), ([3, 5], [5], [3, 1]), ([], [], []), ([0], [0], [0])]:
    case("lerp", [spread(p), spread(q), spread(w, -0.5, 1.5)], sums=True)
for w in [0, 0.25, 0.5, 1, 1.5]:
    case("lerp", [spread([3, 5]), spread([5])], [w], "number", sums=True)
refusal("lerp", [ints([3]), ints([3])], [0.5], "int32")

# ── where ──

for c, p, q in [([7], [7], [7]), ([3, 5], [5], [3, 1]), ([], [2, 3], []), ([2, 1], [1, 3], [2, 3]), ([0], [0], [0])]:
    case("where", [ints(c, 0, 2, "bool"), spread(p), spread(q)], sums=True)
case("where", [ints([5], 0, 2, "bool"), values([NAN, INF, -0.0, NAN, 1.0]), values([-INF, NAN, 0.0, 2.0, NAN])], label="edges")
case("where", [ints([5], 0, 2, "bool"), ints([5]), ints([5])], label="int32")
case("where", [ints([5], 0, 2, "bool"), ints([5], 0, 9, "uint8"), ints([5], 0, 9, "uint8")], label="uint8")
case("where", [ints([5], 0, 2, "bool"), ints([5], 0, 2, "bool"), ints([5], 0, 2, "bool")], label="bool")
case("where", [ints([5], 0, 2, "bool"), spread([5]), ints([5])], label="float32, int32")
case("where", [ints([5], 0, 2, "bool"), ints([5], 0, 9, "uint8"), ints([], 0, 9)], label="uint8, int32 []")
# A number's own type is int64 or float32 in PyTorch's where; as an operand's it is the tensor's, in later versions.
case("where", [ints([5], 0, 2, "bool"), spread([5])], [T(0), T(1), 0.5], "number")
case("where", [ints([5], 0, 2, "bool"), spread([5])], [T(0), -1.5, T(1)], "number first")

# ── dtypes ──

CALLS["cast"] = lambda x, dtype: x.to(getattr(torch, dtype))
for p in DTYPES:
    for q in DTYPES:
        case("cast", [sample([3], p)], [q], f"{p} to {q}")
case("cast", [values([1.9, -1.9, 0.5, -0.5, 2.5, -0.0, 100.7])], ["int32"], "cut towards 0")
case("cast", [values([1.9, -1.9, 0.5, -0.5, 2.5, -0.0, 100.7])], ["int8"], "cut towards 0, int8")
case("cast", [values([NAN, INF, 0.0, -0.0, 1e-40, -3.0])], ["bool"], "edges to bool")
case("cast", [values([1.0, 1.0009765, 1.00048828125, 1.00146484375, 65504.0, 65519.0, 65520.0, 1e-7, 6e-8, 2e-8, -0.0, NAN, INF], grad=False)], ["float16"], "halfway and limits")
case("cast", [values([300, -1, 256, 127, 128, -129], dtype="int32")], ["uint8"], "int32 wraps to uint8")
case("cast", [values([300, -1, 256, 127, 128, -129], dtype="int32")], ["int8"], "int32 wraps to int8")
case("cast", [values([16777217, 2147483647, -2147483648], dtype="int32")], ["float32"], "int32 rounds")

# ── more activations ──

F = torch.nn.functional
CALLS.update({name: getattr(F, name) for name in ["relu6", "mish", "softsign", "hardsigmoid", "hardswish", "selu", "elu", "celu", "softplus", "hardtanh", "threshold", "glu"]})
CALLS["leakyRelu"], CALLS["logSigmoid"], CALLS["prelu"] = F.leaky_relu, F.logsigmoid, F.prelu
# Where a function or its gradient is inf / inf in PyTorch's formula, or underflows in its vectors.
LIMITS = {"softsign": 1e3, "mish": 80, "selu": INF, "logSigmoid": 80}
KINKS = values([NAN, INF, -INF, 0.0, -0.0, 3.0, -3.0, 6.0, 1.0, -1.0, 2.9999998, -2.9999998, 5.9999995, 0.5, -0.5, 20.0])
for name in ["relu6", "leakyRelu", "elu", "selu", "celu", "mish", "softplus", "softsign", "logSigmoid", "hardsigmoid", "hardswish", "hardtanh"]:
    for shape in [[], [0], [7], [3, 5]]:
        case(name, [spread(shape, -8, 8)], sums=True)
    limit = LIMITS.get(name, INF)
    case(name, [values([v for v in EDGES if not abs(v) > limit])], label="edges", sums=True)
    case(name, [KINKS if limit == INF else values([v for v in KINKS.data if not abs(v) == INF])], label="kinks", sums=True)
    case(name, [spread([3, 4], -8, 8, view=[["transpose", 0, 1], ["narrow", 0, 1, 2]])], label="view", sums=True)
for name, args in [
    ("leakyRelu", [0.2]), ("leakyRelu", [{"negativeSlope": 0.5}]), ("elu", [0.5]), ("elu", [{"alpha": 2}]), ("celu", [0.5]),
    ("celu", [{"alpha": 2}]), ("softplus", [2]), ("softplus", [0.5, 1]), ("softplus", [{"beta": 2, "threshold": 3}]),
    ("hardtanh", [-2, 0.5]), ("hardtanh", [{"minVal": -0.5, "maxVal": 3}]), ("threshold", [0.5, -2]), ("threshold", [-1, 20]),
]:  # fmt: skip
    case(name, [spread([3, 5], -4, 4)], args, sums=True)
    case(name, [KINKS], args, "kinks", sums=True)
case("threshold", [spread([0])], [0, 1])

for shape, args in [([6], []), ([3, 8], []), ([4, 5], [0]), ([2, 4, 3], [1]), ([3, 4], [1]), ([0, 4], [])]:
    case("glu", [spread(shape, -4, 4)], args, sums=True)
case("glu", [spread([4, 4], view=[["transpose", 0, 1]])], [{"dim": 0}], "view", sums=True)
case("glu", [values([NAN, 1.0, INF, 2.0, 3.0, -1.0, -INF, NAN])], label="edges", sums=True)
refusal("glu", [spread([3])], label="odd")
for shape, w in [([7], [1]), ([3, 4], [4]), ([3, 4], [1]), ([2, 3, 2, 2], [3]), ([], [1]), ([0, 3], [3])]:
    case("prelu", [spread(shape), spread(w)], sums=True)
case("prelu", [values([INF, 0.0, -0.0, 1.0, -1.0, 3e38, -3e38, 1e-40]), values([0.25])], label="edges", sums=True)
case("prelu", [spread([4, 3], view=[["transpose", 0, 1]]), spread([4])], label="view", sums=True)
refusal("prelu", [spread([3, 4]), spread([3])], label="channels")
