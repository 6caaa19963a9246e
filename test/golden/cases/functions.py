"""More elementwise functions, second names of ops, bits, closeness, and every op of two inputs for every pair of dtypes."""
import torch

from golden import CALLS, EDGES, INF, NAN, T, case, ints, refusal, spread, values

special = torch.special

# ── functions of one input ──

# name: where its samples lie
UNARY = {
    "erfc": (-4, 9), "erfinv": (-1, 1), "lgamma": (-4, 9), "digamma": (-4, 9), "sinc": (-4, 4), "logit": (0.01, 0.99),
    "frac": (-4, 4), "deg2rad": (-360, 360), "rad2deg": (-7, 7), "signbit": (-3, 3), "isfinite": (-3, 3),
    "isposinf": (-3, 3), "isneginf": (-3, 3), "positive": (-3, 3), "nanToNum": (-3, 3), "sgn": (-3, 3), "absolute": (-3, 3),
    "negative": (-3, 3), "fix": (-4, 4), "arccos": (-1, 1), "arccosh": (1, 9), "arcsin": (-1, 1), "arcsinh": (-9, 9),
    "arctan": (-6, 6), "arctanh": (-1, 1), "expit": (-9, 9),
}  # fmt: skip
HARD = {
    "erfc": [1e-8, 0.5, 4.0, 9.0, 9.1, -4.0, -6.0],
    # Beyond 0.999 PyTorch's own result loses digits.
    "erfinv": [1e-8, -1e-8, 0.5, 0.999, 1.0, -1.0, 1.0000001, 0.9973, 0.9933],
    "lgamma": [1.0000001, 2.0000002, 0.99999994, 1e-8, -1e-8, -0.9999, -2.4570248, 33.0, 1e10, 171.5, -10.25],
    "digamma": [1.4616321, 1e-8, -1e-8, -0.9999, 33.0, 1e10, 171.5, -10.25],
    "logit": [1e-8, 0.99999994, 0.5, 0.0, 1.0, -0.25, 1.25],
    "sinc": [1e-8, 1.0, 0.5],
}
# PyTorch's own approximations lose digits far out.
NO_EDGE_GRADIENT = ["sinc", "logit", "erfinv", "digamma", "lgamma", "sgn"]
SMALL = [v for v in EDGES if not 50 < abs(v) < INF]
for name, (low, high) in UNARY.items():
    call = CALLS.get(name) or getattr(torch, {"nanToNum": "nan_to_num"}.get(name, name), None) or getattr(special, name)
    CALLS[name] = call
    sums = True
    for shape in [[], [0], [7], [3, 5]]:
        case(name, [spread(shape, low, high, grad=name != "sgn")], sums=sums)
    case(name, [values([v for v in SMALL if not (name in ("lgamma", "digamma", "expit") and 1e-45 < abs(v) < 1e-30)], grad=name not in NO_EDGE_GRADIENT)], label="edges", sums=sums)
    if name in HARD:
        case(name, [values(HARD[name], grad=name not in ("logit", "erfinv", "sinc"))], label="hard", ulps=32 if name in ("digamma", "lgamma") else 8)
    case(name, [spread([3, 4], low, high, grad=name != "sgn", view=[["transpose", 0, 1], ["narrow", 0, 1, 2]])], label="view", sums=sums)
    for dtype in ["int32", "uint8", "bool"]:
        x = ints([4], 0, 2, dtype)
        if name in ("negative",) and dtype == "bool":
            refusal(name, [x], label=dtype)
        elif name in ("frac",) or (dtype == "bool" and name == "positive"):
            refusal(name, [x], label=dtype)
        elif not (dtype == "bool" and name in ("absolute", "fix")):
            case(name, [x], label=dtype, sums=sums)
for eps in [0.1, {"eps": 0.25}]:
    case("logit", [spread([9], 0, 1)], [eps], sums=True)
    case("logit", [values([0.0, 1.0, -1.0, 2.0, 0.5])], [eps], "outside", sums=True)
for args in [[0.5], [0.5, 2], [1, 2, 3], [{"neginf": -7}], [0, {"posinf": 9}]]:
    case("nanToNum", [values([NAN, INF, -INF, 1.0, -0.0])], args, sums=True)
case("nanToNum", [values([NAN, INF, -INF, 1.0], dtype="float16", grad=False)], label="float16")
CALLS["polygamma"] = torch.polygamma
for n in [0, 1, 2, 3]:
    case("polygamma", [spread([7], 0.3, 9)], [n, T(0)], ulps=64)

# ── two inputs ──

PAIRS = [(a, b) for a in [NAN, INF, -INF, 0.0, -0.0, 1.0, -2.5] for b in [NAN, INF, -INF, 0.0, -0.0, 2.5, 1.0]]
SHAPES = [([], []), ([0], [0]), ([7], [7]), ([5], []), ([3, 5], [5]), ([3, 1], [1, 4])]
FLOATS = ["hypot", "copysign", "fmax", "fmin", "xlogy", "logaddexp", "logaddexp2", "heaviside", "ldexp"]
for name in FLOATS:
    how = {"grad": False} if name == "heaviside" else {}
    for p, q in SHAPES:
        case(name, [spread(p, step=0.5 if name == "heaviside" else None, **how), spread(q, 0.3 if name == "xlogy" else -2, 3, **how)], sums=True, ulps=32)
    pairs = [(a, b) for a, b in PAIRS if not (name == "ldexp" and abs(b) == INF)]
    case(name, [values([a for a, _ in pairs], grad=False), values([b for _, b in pairs], grad=False)], label="edges", sums=True)
    case(name, [spread([4, 3], **how, view=[["transpose", 0, 1]]), spread([4], 0.5, 3, **how, view=[["expand", [3, 4]]])], label="views", sums=True)
    refusal(name, [spread([3]), spread([4])], label="shapes")
for name in ["fmax", "fmin"]:
    case(name, [values([1.0, 2.0, NAN, 3.0, -1.0]), values([1.0, NAN, 4.0, 2.0, -1.0])], label="ties")
case("copysign", [values([0.0, 2.0, -3.0]), values([0.0, -2.0, 3.0])], label="kinks")
case("copysign", [spread([5])], [-1], "number")
case("hypot", [values([3e38, 1e-40, 3.0, 0.0], grad=False), values([1e38, 1e-40, 4.0, -0.0], grad=False)], label="limits")
case("xlogy", [values([0.0, 0.0, 1.0, 2.0]), values([1.0, 2.0, 0.5, 3.0])], label="zeros")
case("xlogy", [spread([5])], [2.0], "number")
case("xlogy", [spread([5], 0.5, 3)], [2.0, T(0)], "number first")
case("ldexp", [spread([5]), ints([5], -9, 9)], label="int32")
refusal("heaviside", [spread([3]), ints([3])], label="dtypes")
for name in ["hypot", "logaddexp", "logaddexp2"]:
    refusal(name, [ints([3]), ints([3])], label="int32")

BITWISE = ["bitwiseAnd", "bitwiseOr", "bitwiseXor"]
SHIFTS = ["bitwiseLeftShift", "bitwiseRightShift"]
DIVISORS = ["gcd", "lcm"]
for name in BITWISE + SHIFTS + DIVISORS:
    low, high = (0, 8) if name in SHIFTS else (-40, 40)
    for p, q in SHAPES:
        case(name, [ints(p, -90, 90), ints(q, low, high)])
    for dtype in ["int8", "uint8"]:
        case(name, [ints([9], 0, 100, dtype), ints([9], 1, 7, dtype)], label=dtype)
    case(name, [ints([4, 3], -90, 90, view=[["transpose", 0, 1]]), ints([4], 1, 8, view=[["expand", [3, 4]]])], label="views")
    case(name, [ints([9], 0, 90, "uint8"), ints([9], 1, 7, "int8")], label="uint8, int8")
    refusal(name, [spread([3]), ints([3])], label="float32")
    if name in BITWISE:
        case(name, [ints([9], 0, 2, "bool"), ints([9], 0, 2, "bool")], label="bool")
        case(name, [ints([9], 0, 2, "bool"), ints([9], 0, 9)], label="bool, int32")
    else:
        refusal(name, [ints([9], 0, 2, "bool"), ints([9], 0, 2, "bool")], label="bool")
    if name not in DIVISORS:
        case(name, [ints([9], -90, 90)], [3], "number")
for dtype in ["int32", "int8", "uint8"]:
    case("bitwiseNot", [ints([9], 0, 100, dtype)], label=dtype)
case("bitwiseNot", [ints([9], 0, 2, "bool")], label="bool")
refusal("bitwiseNot", [spread([3])], label="float32")
case("bitwiseLeftShift", [values([1, -1, 3, 5], dtype="int32"), values([31, 30, 29, 0], dtype="int32")], label="limits")
case("gcd", [values([0, 0, 12, -12, 2147483647], dtype="int32"), values([0, 5, 18, 18, 7], dtype="int32")], label="zeros")
case("lcm", [values([0, 0, 12, -12, 7], dtype="int32"), values([0, 5, 18, 18, 13], dtype="int32")], label="zeros")

case("floatPower", [spread([5], 0.5, 3), spread([5])], fn=lambda a, b: torch.float_power(a, b).float(), sums=True)
case("floatPower", [ints([5], 1, 5), ints([5], -3, 3)], label="int32", fn=lambda a, b: torch.float_power(a, b).float())
case("floatPower", [ints([5], 1, 5)], [-2], "number", fn=lambda a, b: torch.float_power(a, b).float())

# ── powers of integers ──

case("pow", [ints([9], -4, 5), ints([9], 0, 6)], label="int32, int32")
case("pow", [values([2, 3, -1, 1, -1, 5], dtype="int32"), values([-1, -2, -3, -5, -2, 0], dtype="int32")], label="negative exponents")
case("pow", [ints([9], 0, 9, "uint8"), ints([9], 0, 4, "uint8")], label="uint8")
case("pow", [ints([6], 0, 5)], [2, T(0)], "number first, int32")
case("pow", [ints([6], 0, 5)], [2.5, T(0)], "fraction first, int32")
case("pow", [ints([6], 0, 5), spread([6], 0.5, 2)], label="int32, float32", sums=True)
case("pow", [ints([4], 0, 2, "bool")], [2], "bool")
case("pow", [ints([4], 0, 2, "bool")], [2.5], "bool and a fraction")
refusal("pow", [ints([4], 0, 2, "bool"), ints([4], 0, 2, "bool")], label="bool, bool")

# ── second names ──

for name in ["subtract", "multiply", "divide", "trueDivide", "greater", "greaterEqual", "less", "lessEqual", "notEqual", "arctan2", "rsub"]:
    case(name, [spread([3, 5], 0.5, 3, step=0.5), spread([5], 0.5, 3, step=0.5)], sums=True)
    if name != "arctan2":
        case(name, [ints([5], 1, 9)], [2], "int32, number")
case("subtract", [spread([3]), spread([3])], [{"alpha": 2}], "alpha", sums=True)
case("rsub", [spread([3]), spread([3])], [{"alpha": 2}], "alpha", sums=True)
case("rsub", [spread([3])], [2, {"alpha": 0.5}], "alpha, number", sums=True)
case("divide", [spread([3], -9, 9), spread([3], 0.5, 3)], [{"roundingMode": "floor"}], "floor")
refusal("rsub", [ints([3], 0, 2, "bool"), ints([3], 0, 2, "bool")], label="bool")

# ── bounds ──

EDGE = values([NAN, INF, -INF, -1.0, 1.0, 0.5, 0.0])
for name in ["clampMin", "clampMax"]:
    case(name, [EDGE], [0.5], "number")
    case(name, [ints([7])], [2], "int32")
    case(name, [spread([3, 5]), spread([5])], label="tensor", sums=True)
    case(name, [EDGE, values([0.5, 0.5, 0.5, -1.0, NAN, 0.25, 3.0])], label="tensor, edges")
for name in ["clamp", "clip"]:
    case(name, [spread([3, 5]), spread([5], -1, 0), spread([3, 1], 0, 1)], sums=True)
    case(name, [spread([3, 5]), spread([5])], [T(0), None, T(1)], "max", sums=True)
    case(name, [spread([7]), values([1.0] * 7), values([-1.0] * 7)], label="crossed")
case("clip", [spread([3, 5])], [-0.5, {"max": 1}], sums=True)

# ── three inputs ──

for name in ["addcmul", "addcdiv"]:
    for value in [[], [0.5], [{"value": -2}]]:
        case(name, [spread([3, 5]), spread([5]), spread([3, 1], 0.5, 2)], [T(0), T(1), T(2), *([{"value": value[0]}] if value and not isinstance(value[0], dict) else value)], sums=True)
case("addcmul", [ints([5]), ints([5]), ints([5])], [T(0), T(1), T(2), {"value": 3}], "int32")
refusal("addcdiv", [ints([5]), ints([5]), ints([5], 1, 5)], label="int32")

# ── closeness ──

CALLS["isclose"] = lambda a, b, rtol=1e-5, atol=1e-8, equal_nan=False: torch.isclose(a, b, rtol, atol, equal_nan)
near = [values([1.0, 1.0, 1e-9, INF, INF, NAN, 100.0]), values([1.00001, 1.0001, 0.0, INF, -INF, NAN, 100.0009])]
for args in [[], [1e-3], [0, 1e-6], [{"equalNan": True}], [{"rtol": 0, "atol": 0}]]:
    case("isclose", near, [T(0), T(1), *args])
case("isclose", [ints([5]), ints([5])], label="int32")
case("isclose", [spread([3, 1], step=1), spread([1, 4], step=1)])
refusal("isclose", [spread([3]), ints([3])], label="dtypes")

# ── selection ──

case("where", [ints([5], 0, 2, "bool"), spread([5], dtype="float16", grad=False), spread([5], dtype="float16", grad=False)], label="float16")
case("where", [ints([5], 0, 2, "bool"), spread([5], dtype="float16", grad=False), spread([5], grad=False)], label="float16, float32")
case("where", [ints([5], 0, 2, "bool"), ints([5]), ints([5], 0, 2, "bool")], label="int32, bool")

# ── dtypes of normalized exponentials ──

CALLS["softmax"] = lambda x, dim, dtype=None: torch.softmax(x, dim, dtype=dtype and getattr(torch, dtype))
CALLS["logSoftmax"] = lambda x, dim, dtype=None: torch.log_softmax(x, dim, dtype=dtype and getattr(torch, dtype))
for name in ["softmax", "logSoftmax"]:
    case(name, [ints([3, 4])], [1, {"dtype": "float32"}], "int32 as float32", sums=True)
    case(name, [spread([3, 4])], [0, "float32"], "float32", sums=True)
    case(name, [spread([3, 4], dtype="float16", grad=False)], [-1, {"dtype": "float32"}], "float16 as float32", sums=True)
    case(name, [ints([2], 0, 2, "bool")], [{"dim": 0, "dtype": "float32"}], "bool as float32", sums=True)
    refusal(name, [ints([3, 4])], [1], "int32")
    refusal(name, [spread([3, 4])], [2], "dimension")

# ── every op of two inputs for every pair of dtypes and kind of number ──

DTYPES = ["float32", "float16", "int32", "int8", "uint8", "bool"]
ALL = [
    "add", "sub", "mul", "div", "remainder", "fmod", "floorDivide", "pow", "maximum", "minimum", "fmax", "fmin", "eq", "ne", "lt",
    "le", "gt", "ge", "logicalAnd", "logicalOr", "logicalXor", "bitwiseAnd", "bitwiseOr", "bitwiseXor", "bitwiseLeftShift",
    "bitwiseRightShift", "gcd", "lcm", "atan2", "copysign", "xlogy", "where",
]  # fmt: skip


def sample(shape, dtype):
    if dtype == "bool":
        return ints(shape, 1, 2, "bool")
    if dtype.startswith("float"):
        return spread(shape, 1, 4, step=0.5, dtype=dtype, grad=False)
    return ints(shape, 1, 6, dtype)


def lacks_half(name, *dtypes):
    """What PyTorch has no half-precision kernel for on the CPU, which is no rule about dtypes."""
    return name == "atan2" and "float16" in dtypes


def attempt(name, inputs, args, label):
    """The case where PyTorch takes it, else its refusal."""
    try:
        case(name, inputs, args, label, ulps=8)
    except (RuntimeError, TypeError, ValueError):
        refusal(name, inputs, args, label)


for name in ALL:
    for p in DTYPES:
        for q in DTYPES:
            if lacks_half(name, p, q):
                continue
            # A scalar tensor among tensors with dimensions decides only within its kind.
            for a, b in [([2], [2]), ([2], [])] if p != q else [([2], [2])]:
                both = [sample(a, p), sample(b, q)]
                if name == "where":
                    attempt(name, [ints([2], 0, 2, "bool"), *both], [T(0), T(1), T(2)], f"{p}, {q} {b}")
                else:
                    attempt(name, both, [], f"{p}, {q} {b}")
        if name in ("where", "maximum", "minimum", "fmax", "fmin", "logicalAnd", "logicalOr", "logicalXor", "gcd", "lcm", "atan2"):
            continue
        for value in [2, 2.5, True]:
            if lacks_half(name, p):
                continue
            attempt(name, [sample([2], p)], [value], f"{p}, {value}")
