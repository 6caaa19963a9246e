"""Writing where indices point, in place."""
import torch

from golden import CALLS, T, case, ints, refusal, snake, spread, values

OPS = "indexAdd_ indexCopy_ indexFill_ indexReduce_ put_ maskedScatter_ scatterReduce_".split()
CALLS.update({name: getattr(torch.Tensor, snake(name)) for name in OPS})


def x(*shape, **options):
    return spread(list(shape), grad=False, **options)


def places(data):
    return values(data, dtype="index")


for name, options in [("indexAdd_", []), ("indexAdd_", [{"alpha": 2}]), ("indexCopy_", [])]:
    case(name, [x(3, 4), places([2, 0]), x(2, 4)], [T(0), 0, T(1), T(2), *options], after=[0])
    case(name, [x(4, 3, view=[["transpose", 0, 1]]), places([3, 1]), x(3, 2)], [T(0), 1, T(1), T(2), *options], "of a view")
    refusal(name, [x(3, 4), places([2, 3]), x(2, 4)], [T(0), 0, T(1), T(2)], "range")
case("indexFill_", [x(3, 4), places([2, 0])], [T(0), 1, T(1), 7], after=[0])
for reduce in ["mean", "prod", "amax", "amin"]:
    case("indexReduce_", [x(3, 4), places([2, 2]), x(2, 4)], [T(0), 0, T(1), T(2), reduce], after=[0])
    case("scatterReduce_", [x(3, 4), places([[2, 0, 2, 1]]), x(1, 4)], [T(0), 0, T(1), T(2), reduce], after=[0])
case("scatterReduce_", [x(3, 4), places([[2, 0, 2, 1]]), x(1, 4)], [T(0), 0, T(1), T(2), "sum", {"includeSelf": False}], after=[0])
case("put_", [x(3, 4), places([11, 0]), x(2)], [T(0), T(1), T(2)], after=[0])
case("put_", [x(3, 4), places([5, 5]), x(2)], [T(0), T(1), T(2), True], "accumulating", after=[0])
case("maskedScatter_", [x(3, 4), ints([3, 4], 0, 2, "bool"), x(12)], [T(0), T(1), T(2)], after=[0])
refusal("maskedScatter_", [x(3, 4), ints([4], 0, 2, "bool"), x(1)], [T(0), T(1), T(2)], "too few")
