"""Ops that write their result into their first argument: values and dtypes. Their gradients are in autograd.py."""
from golden import CALLS, T, case, ints, refusal, snake, spread, values
import torch


def method(name):
    CALLS.setdefault(name, getattr(torch.Tensor, snake(name)))


def x(shape=(2, 3), low=0.2, high=0.9, **options):
    return spread(list(shape), low, high, grad=False, **options)


UNARY = """abs acos asin asinh atan atanh ceil cos cosh erf exp exp2 expm1 floor log log10 log1p log2 neg reciprocal relu round
rsqrt sigmoid sign sin sinh sqrt square tan tanh trunc""".split()

for name in UNARY:
    method(f"{name}_")
    case(f"{name}_", [x()], after=[0], ulps=6)
    case(f"{name}_", [x((3, 4), view=[["transpose", 0, 1]])], label="of a view", ulps=6)
method("acosh_")
case("acosh_", [x(low=1.5, high=3)], after=[0], ulps=6)
for name in ["abs", "neg", "relu", "sign", "square"]:
    case(f"{name}_", [ints([5])], label="int32", after=[0])
for name in ["exp", "sqrt", "sigmoid", "reciprocal"]:
    refusal(f"{name}_", [ints([5])], label="int32")

for name in ["pow_", "remainder_", "fmod_", "atan2_", "floorDivide_", "eq_", "ne_", "lt_", "le_", "gt_", "ge_", "logicalAnd_",
             "logicalOr_", "logicalXor_"]:
    method(name)
    case(name, [x(), x((3,), 0.3, 0.8)], after=[0], ulps=6)
    if name != "atan2_" and not name.startswith("logical"):
        case(name, [ints([2, 3], 1, 9)], [2], "int32", after=[0])
    refusal(name, [x((3,)), x((2, 3))], label="would grow")
method("logicalNot_")
case("logicalNot_", [values([0.0, 1.0, -2.0], grad=False)], after=[0])
case("logicalNot_", [ints([5], 0, 2, "bool")], label="bool", after=[0])

for name in ["lerp_", "addcmul_", "addcdiv_", "addmm_", "baddbmm_", "clamp_", "clampMin_", "clampMax_", "cumsum_", "cumprod_",
             "maskedFill_", "scatter_", "scatterAdd_", "tril_", "triu_"]:
    method(name)
case("lerp_", [x(), x(), x()], after=[0], ulps=6)
case("lerp_", [x(), x((3,))], [0.25], after=[0], ulps=6)
for name in ["addcmul_", "addcdiv_"]:
    case(name, [x(), x(), x((3,))], after=[0], ulps=6)
    case(name, [x(), x(), x()], [{"value": -2}], after=[0], ulps=6)
case("addmm_", [x((2, 4)), x((2, 3)), x((3, 4))], after=[0], sums=True)
case("addmm_", [x((2, 4)), x((2, 3)), x((3, 4))], [{"beta": 0.5, "alpha": 2}], after=[0], sums=True)
case("baddbmm_", [x((2, 2, 4)), x((2, 2, 3)), x((2, 3, 4))], [{"beta": 0.5, "alpha": 2}], after=[0], sums=True)
case("clamp_", [x()], [0.3, 0.7], after=[0])
case("clamp_", [x()], [{"max": 0.7}], after=[0])
case("clamp_", [ints([7])], [-2, 3], "int32", after=[0])
case("clampMin_", [x()], [0.5], after=[0])
case("clampMax_", [x()], [0.5], after=[0])
case("cumsum_", [x()], [1], after=[0], sums=True)
case("cumprod_", [x()], [0], after=[0], sums=True)
case("maskedFill_", [x(), ints([3], 0, 2, "bool")], [7], after=[0])
case("maskedFill_", [ints([2, 3]), ints([3], 0, 2, "bool")], [7], "int32", after=[0])

case("scatter_", [x((3, 5)), values([[0, 4, 2]], dtype="index")], [T(0), 1, T(1), 1.5], after=[0])
case("scatterAdd_", [x((3, 5)), values([[0, 1, 1, 2]], dtype="index"), x((2, 4))], [T(0), 0, T(1), T(2)], after=[0], sums=True)
for name in ["tril_", "triu_"]:
    case(name, [x((3, 4))], after=[0])
    case(name, [x((3, 4))], [-1], after=[0])
