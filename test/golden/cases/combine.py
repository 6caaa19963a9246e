"""Stacking, cutting, turning, grids, blocks, diagonals, windows and products of several matrices."""
import torch
import torch.nn.functional as F

from golden import CALLS, NAN, T, case, ints, refusal, spread, values


def with_dtype(make):
    def call(*args, dtype=None, **options):
        return make(*args, **options) if dtype is None else make(*args, **options, dtype=getattr(torch, dtype))

    return call


def sections(split):
    def call(x, given, *more, **options):
        return split(x, tuple(given) if isinstance(given, list) else given, *more, **options)

    return call


def slice_scatter(x, src, dim=0, start=None, end=None, step=1):
    y = x.clone()
    y[(slice(None),) * dim + (slice(start, end, step),)].copy_(src) if src.dim() == x.dim() else None
    if src.shape != x[(slice(None),) * dim + (slice(start, end, step),)].shape:
        raise RuntimeError("sizes")
    return y


CALLS.update(
    sliceScatter=slice_scatter,
    atleast1d=torch.atleast_1d, atleast2d=torch.atleast_2d, atleast3d=torch.atleast_3d, rot90=torch.rot90, logspace=with_dtype(torch.logspace),
    expandAs=torch.Tensor.expand_as, viewAs=torch.Tensor.view_as, reshapeAs=torch.Tensor.reshape_as, typeAs=torch.Tensor.type_as, sumToSize=torch.Tensor.sum_to_size,
    broadcastShapes=torch.broadcast_shapes, multiDot=lambda *a: torch.linalg.multi_dot(a[0] if isinstance(a[0], list) else a), bilinear=F.bilinear,
    meshgrid=torch.meshgrid, cartesianProd=lambda *a: torch.cartesian_prod(*(a[0] if isinstance(a[0], list) else a)), blockDiag=lambda *a: torch.block_diag(*(a[0] if isinstance(a[0], list) else a)),
    chainMatmul=torch.chain_matmul, hsplit=sections(torch.hsplit), vsplit=sections(torch.vsplit), dsplit=sections(torch.dsplit), tensorSplit=sections(torch.tensor_split),
    ger=torch.ger, trilIndices=torch.tril_indices, triuIndices=torch.triu_indices, vander=torch.vander,
)  # fmt: skip

for op in ["atleast1d", "atleast2d", "atleast3d"]:
    for shape in [[], [3], [2, 3], [2, 3, 2], [0]]:
        case(op, [spread(shape)])
    case(op, [spread([]), spread([3])], label="two")
    case(op, [spread([]), spread([3])], [[T(0), T(1)]], "a list")
for op in ["hstack", "vstack", "rowStack", "dstack", "columnStack"]:
    for shapes in [([3], [3]), ([], []), ([2, 3], [2, 3]), ([2, 3, 2], [2, 3, 2]), ([1],)]:
        case(op, [spread(s) for s in shapes], [[T(k) for k in range(len(shapes))]])
    case(op, [spread([2]), ints([2])], [[T(0), T(1)]], "dtypes")
    refusal(op, [spread([2, 3]), spread([3, 5])], [[T(0), T(1)]], "sizes")
case("hstack", [spread([2, 1]), spread([2, 3])], [[T(0), T(1)]])
case("columnStack", [spread([2]), spread([2, 3])], [[T(0), T(1)]])
case("vstack", [spread([3]), spread([2, 3])], [[T(0), T(1)]])
for op in ["cat", "concat", "concatenate"]:
    case(op, [spread([2, 3]), spread([1, 3])], [[T(0), T(1)]])
    case(op, [spread([2, 1]), spread([2, 3])], [[T(0), T(1)], 1])
    case(op, [spread([2, 1]), spread([2, 3])], [[T(0), T(1)], {"dim": -1}])
case("stack", [spread([2, 3]), spread([2, 3])], [[T(0), T(1)], {"dim": 1}])
case("cat", [spread([2]), ints([1]), ints([2], 0, 2, "bool")], [[T(0), T(1), T(2)]], "dtypes")
case("cat", [spread([0]), spread([2, 3])], [[T(0), T(1)]], "nothing")

for shape, given, d in [([7], 3, 0), ([7], [2, 5], 0), ([7, 2], 9, 0), ([2, 5], [1, 1, 9], 1), ([2, 5], [-2], 1), ([2, 5], [], 1), ([2, 5], 2, -1), ([0, 2], 2, 0)]:
    case("tensorSplit", [spread(shape)], [given, d])
refusal("tensorSplit", [spread([])], [2, 0], "no dimension")
refusal("tensorSplit", [spread([3])], [0, 0], "sections")
for op, shapes in [("hsplit", ([4], [2, 4], [2, 4, 3])), ("vsplit", ([4, 2], [4, 2, 3])), ("dsplit", ([2, 3, 4],))]:
    for shape in shapes:
        case(op, [spread(shape)], [2])
        case(op, [spread(shape)], [[1, 3]])
    refusal(op, [spread(shapes[-1])], [5], "uneven")
    refusal(op, [spread([])], [1], "no dimension")
for shape, args in [([3], []), ([2, 3], []), ([2, 3], [1]), ([2, 3, 2], [-1])]:
    case("unbind", [spread(shape)], args)
refusal("unbind", [spread([])], [], "no dimension")
for shape, size in [([7], 3), ([7], [3, 4]), ([2, 6], 4)]:
    case("split", [spread(shape)], [size, -1])
case("chunk", [spread([7])], [3])
case("chunk", [spread([2, 5])], [4, 1])

for op in ["swapaxes", "swapdims"]:
    case(op, [spread([2, 3, 4])], [0, -1])
    refusal(op, [spread([2])], [0, 1])
case("moveaxis", [spread([2, 3, 4])], [0, -1])
case("moveaxis", [spread([2, 3, 4])], [[0, 1], [2, 0]])
for shape in [[], [3], [2, 3]]:
    case("ravel", [spread(shape)])
case("ravel", [spread([2, 3], view=[["transpose", 0, 1]])], label="view")
case("adjoint", [spread([2, 3, 4])])
for k in [-5, -1, 0, 1, 2, 3, 4, 7]:
    case("rot90", [spread([2, 3])], [k])
    case("rot90", [spread([2, 3, 4])], [k, [2, 0]])
case("rot90", [spread([2, 3])])
refusal("rot90", [spread([3])], [1, [0, 1]], "dimensions")
refusal("rot90", [spread([3, 2])], [1, [0, 0]], "the same")
refusal("rot90", [spread([3, 2])], [1, [0]], "one")
for op in ["fliplr", "flipud"]:
    case(op, [spread([3, 4])])
    case(op, [spread([2, 3, 4])])
    refusal(op, [spread([])], [], "no dimension")
case("flipud", [spread([3])])
refusal("fliplr", [spread([3])], [], "one dimension")
case("broadcastTo", [spread([3, 1])], [[2, 3, 4]], sums=True)
case("broadcastTo", [spread([])], [[2]], sums=True)
refusal("broadcastTo", [spread([3])], [[2]])
case("broadcastTensors", [spread([3, 1]), spread([4]), spread([])], sums=True)
refusal("broadcastTensors", [spread([3]), spread([4])])
for op, shape, other in [("expandAs", [3, 1], [2, 3, 4]), ("viewAs", [2, 6], [3, 4]), ("reshapeAs", [2, 6], [3, 4])]:
    case(op, [spread(shape), spread(other, grad=False)], sums=True, layouts=op != "viewAs")
    refusal(op, [spread([3]), spread([2, 2])])
case("typeAs", [spread([3]), ints([1])])
case("typeAs", [ints([3]), spread([1])])
for size in [[3, 4], [1, 4], [3, 1], [4], [], [1, 1]]:
    case("sumToSize", [spread([2, 3, 4])], [size] if size else [[]], sums=True)
refusal("sumToSize", [spread([3])], [[2]])

for args in [[{"indexing": "ij"}], [{"indexing": "xy"}], []]:
    case("meshgrid", [spread([3]), spread([2])], [T(0), T(1), *args], sums=True)
    case("meshgrid", [spread([3]), spread([2]), spread([4])], [[T(0), T(1), T(2)], *args], sums=True)
    case("meshgrid", [spread([3]), spread([])], [T(0), T(1), *args], "a number", sums=True)
    case("meshgrid", [spread([3])], [T(0), *args], "one")
refusal("meshgrid", [spread([3, 2]), spread([2])])
refusal("meshgrid", [spread([3]), spread([2])], [T(0), T(1), {"indexing": "ji"}])
case("cartesianProd", [spread([3]), spread([2])], sums=True)
case("cartesianProd", [spread([3]), spread([2]), spread([2])], sums=True)
case("cartesianProd", [spread([3])])
for args in [[], [2, True], [3], [1], [0], [{"r": 2, "withReplacement": True}], [5]]:
    case("combinations", [spread([4])], args, sums=True)
refusal("combinations", [spread([2, 2])])
case("blockDiag", [spread([2, 3]), spread([]), spread([2]), spread([1, 1])])
case("blockDiag", [ints([2, 2]), spread([1])], label="dtypes")
refusal("blockDiag", [spread([2, 2, 2])])
for a, b in [([2], [3]), ([2, 3], [3, 2]), ([2], [2, 2]), ([2, 1, 2], [3]), ([], [2])]:
    case("kron", [spread(a), spread(b)], sums=True)
case("kron", [ints([2]), ints([2, 2])], label="int32")
for shape, args in [([3], []), ([4, 3], []), ([3, 3], []), ([3, 4], [0]), ([2, 3, 4], [{"dim": 1}]), ([4, 3], [-1])]:
    case("cross", [spread(shape), spread(shape)], [T(0), T(1), *args], sums=True)
refusal("cross", [spread([2]), spread([2])])
refusal("cross", [spread([3, 4]), spread([3, 4])], [T(0), T(1), 1])
for args in [[], [2], [{"N": 4}], [{"increasing": True}], [3, True], [1], [0]]:
    case("vander", [spread([3], grad=False)], args, sums=True)
case("vander", [ints([3])], label="int32")
for shape, args in [([3], [2]), ([2, 3], [2]), ([2, 3], [2, 0]), ([2, 3], [2, {"dim": 1}]), ([2, 3], [0, 1])]:
    case("repeatInterleave", [spread(shape)], args, sums=True)
at = values([2, 0, 3], dtype="index")
case("repeatInterleave", [spread([2, 3]), at], [T(0), T(1), 1], sums=True)
case("repeatInterleave", [spread([3]), at], [T(0), T(1), {"outputSize": 5}], sums=True)
case("repeatInterleave", [at], [T(0)])
refusal("repeatInterleave", [spread([4]), at], [T(0), T(1)])
refusal("repeatInterleave", [spread([4])], [-1])
for shape, args in [([3], []), ([3], [1]), ([3], [-2]), ([2, 3], []), ([2, 3], [1, 0, 2]), ([2, 3], [0, 1, 0])]:
    case("diagEmbed", [spread(shape)], args)
refusal("diagEmbed", [spread([3])], [0, 1, 1])
for shape in [[3], [2, 2], []]:
    case("diagflat", [spread(shape)])
    case("diagflat", [spread(shape)], [-1])
for shape in [[3, 3], [2, 4], [0, 2]]:
    case("trace", [spread(shape)], sums=True)
refusal("trace", [spread([3])])
for op in ["trilIndices", "triuIndices"]:
    for args in [[3, 3], [3, 4, 1], [4, 3, -1], [2, 2, 5], [0, 3]]:
        case(op, [], args)
    refusal(op, [], [-1, 2])

case("selectScatter", [spread([3, 4]), spread([4])], [T(0), T(1), 0, -1])
case("selectScatter", [spread([3, 4]), spread([3])], [T(0), T(1), 1, 2])
refusal("selectScatter", [spread([3, 4]), spread([3])], [T(0), T(1), 0, 1])
case("sliceScatter", [spread([5]), spread([5])])
case("sliceScatter", [spread([3, 4]), spread([3, 2])], [T(0), T(1), 1, 1, 3])
case("sliceScatter", [spread([3, 6]), spread([3, 2])], [T(0), T(1), 1, 0, -2, 2])
refusal("sliceScatter", [spread([3, 4]), spread([3, 2])], [T(0), T(1), 1, 1, 4])
case("diagonalScatter", [spread([3, 4]), spread([3])])
case("diagonalScatter", [spread([3, 4]), spread([2])], [T(0), T(1), -1])
case("diagonalScatter", [spread([2, 3, 4]), spread([3, 2])], [T(0), T(1), 1, 0, 2])
refusal("diagonalScatter", [spread([3, 4]), spread([4])])
for args in [[[2, 2], [1, 2]], [[3], [4], 1], [[2, 3], [0, 1]], [[], [], 5], [[0], [1]], [[3, 3], [1, 1]]]:
    case("asStrided", [spread([3, 4])], args, sums=True, layouts=False)
refusal("asStrided", [spread([3])], [[9], [1]])
refusal("asStrided", [spread([3])], [[2], [1, 1]])
refusal("asStrided", [spread([3])], [[2], [-1]])

for args in [[0, 2, 5], [-1, 1, 4, 2], [0, 1, 1], [0, 3, 0], [2, -2, 7, {"dtype": "float32"}]]:
    case("logspace", [], args, sums=True)
refusal("logspace", [], [0, 1, -2])

OPTIONS = [[], [{"beta": 0.5}], [{"alpha": -2}], [{"beta": 0, "alpha": 3}]]
for rest in OPTIONS:
    case("addmv", [spread([3]), spread([3, 4]), spread([4])], rest, sums=True)
    case("addr", [spread([3, 4]), spread([3]), spread([4])], rest, sums=True)
    case("addbmm", [spread([3, 5]), spread([2, 3, 4]), spread([2, 4, 5])], rest, sums=True)
    case("addmm", [spread([5]), spread([3, 4]), spread([4, 5])], rest, sums=True)
    case("baddbmm", [spread([3, 1]), spread([2, 3, 4]), spread([2, 4, 5])], rest, sums=True)
case("addmv", [spread([]), spread([3, 4]), spread([4])], label="broadcast", sums=True)
case("addmv", [values([NAN, NAN], grad=False), spread([2, 3]), spread([3])], [{"beta": 0}], "NaN", sums=True)
case("addr", [ints([2, 2]), ints([2]), ints([2])], label="int32")
refusal("addmv", [spread([3]), spread([3, 4]), spread([3])])
refusal("addr", [spread([3, 4]), spread([3, 1]), spread([4])])
refusal("addbmm", [spread([3, 5]), spread([2, 3, 4]), spread([1, 4, 5])])
for a, b in [([4], [4]), ([2, 4], [4]), ([2, 4], [3, 4]), ([2, 3, 4], [5, 4]), ([], [2, 3]), ([4], [2, 4])]:
    case("inner", [spread(a), spread(b)], sums=True)
refusal("inner", [spread([3]), spread([4])])
case("vdot", [spread([5]), spread([5])], sums=True)
refusal("vdot", [spread([2, 2]), spread([2, 2])])
case("ger", [spread([3]), spread([2])], sums=True)
refusal("ger", [spread([3, 1]), spread([2])])
for shapes in [([2, 3], [3, 4]), ([2, 9], [9, 3], [3, 5]), ([9], [9, 3], [3, 5]), ([2, 9], [9, 3], [3]), ([3], [3, 2], [2]), ([2, 3], [3, 8], [8, 1], [1, 6])]:
    case("multiDot", [spread(s) for s in shapes], [[T(k) for k in range(len(shapes))]], sums=True)
refusal("multiDot", [spread([2, 3])], [[T(0)]])
refusal("multiDot", [spread([2, 3]), spread([2, 3])], [[T(0), T(1)]])
case("chainMatmul", [spread([2, 9]), spread([9, 3]), spread([3, 5])], sums=True)
case("chainMatmul", [spread([2, 3]), spread([3, 5])], sums=True)
for n in [0, 1, 2, 3, 5, 8]:
    case("matrixPower", [spread([3, 3], -1, 1, grad=n > 0)], [n], sums=True, ulps=32)
case("matrixPower", [spread([2, 3, 3], -1, 1)], [3], sums=True, ulps=32)
refusal("matrixPower", [spread([2, 3])], [2])
case("bilinear", [spread([5, 3]), spread([5, 4]), spread([2, 3, 4]), spread([2])], sums=True)
case("bilinear", [spread([3]), spread([4]), spread([2, 3, 4])], sums=True)
case("bilinear", [spread([2, 5, 3]), spread([2, 5, 4]), spread([2, 3, 4]), spread([2])], sums=True)
refusal("bilinear", [spread([5, 3]), spread([5, 4]), spread([2, 4, 3])])
refusal("bilinear", [spread([5, 3]), spread([4, 4]), spread([2, 3, 4])])

for a, b in [([3], [3]), ([2, 3], [3]), ([3], [3, 2]), ([3], [4, 3, 2]), ([4, 2, 3], [3]), ([2, 1, 2, 3], [4, 3, 2]), ([2, 3], [4, 3, 2]), ([0, 3], [3, 2])]:
    case("matmul", [spread(a), spread(b)], sums=True)
for eq, shapes in [
    ("ii", ([3, 3],)), ("ii->i", ([3, 3],)), ("ij->ji", ([2, 3],)), ("ij->", ([2, 3],)), ("i,i", ([3], [3])), ("i,j->ij", ([2], [3])), ("...ij,...jk", ([2, 3, 4], [4, 5])),
    ("b...,b...->...", ([2, 3], [2, 3])), ("ij,jk,kl->il", ([2, 3], [3, 4], [4, 2])), ("bi,oij,bj->bo", ([4, 2], [3, 2, 3], [4, 3])), ("...,...", ([2, 3], [3])), ("aab->b", ([2, 2, 3],)), ("i...->...", ([2, 3, 4],)), ("ba", ([2, 3],)), ("Ab,bA", ([2, 3], [3, 2])), (" i j , j -> i ", ([2, 3], [3])),
]:  # fmt: skip
    case("einsum", [spread(s) for s in shapes], [eq, *[T(k) for k in range(len(shapes))]], sums=True)

# The same by name.
CALLS.update(split=torch.split, diag=torch.diag, roll=torch.roll, squeeze=torch.squeeze, flatten=torch.flatten)
case("split", [spread([2, 6])], [4, {"dim": 1}])
case("chunk", [spread([2, 6])], [{"chunks": 4, "dim": 1}])
case("unbind", [spread([2, 3])], [{"dim": 1}])
case("roll", [spread([2, 3])], [{"shifts": 1, "dims": 1}])
case("movedim", [spread([2, 3, 4])], [{"source": 0, "destination": 2}])
case("transpose", [spread([2, 3, 4])], [{"dim0": 0, "dim1": 2}])
case("unsqueeze", [spread([2, 3])], [{"dim": 1}])
case("squeeze", [spread([2, 1])], [{"dim": 1}])
case("flatten", [spread([2, 3, 4])], [{"startDim": 1}])
case("flatten", [spread([2, 3, 4])], [0, {"endDim": 1}])
case("narrow", [spread([2, 5])], [1, {"start": 1, "length": 3}])
case("select", [spread([2, 5])], [{"dim": 1, "index": -1}])
case("diagonal", [spread([2, 3, 4])], [{"dim1": 1, "dim2": 2}])
case("diag", [spread([3])], [{"diagonal": 1}])
case("tril", [spread([3, 3])], [{"diagonal": 1}])
case("triu", [spread([3, 3])], [{"diagonal": -1}])
case("gather", [spread([2, 3]), values([[0, 2]], dtype="index")], [T(0), 1, T(1), {"sparseGrad": False}])
case("rot90", [spread([2, 3])], [{"k": 3}])
case("diagEmbed", [spread([2, 3])], [{"offset": -1, "dim1": 0, "dim2": 2}])
case("diagflat", [spread([3])], [{"offset": 1}])
case("renorm", [spread([3, 4])], [2, {"dim": 0, "maxnorm": 1}], sums=True)
case("tensorSplit", [spread([7])], [2, {"dim": 0}])
refusal("unbind", [spread([2, 3])], [{"dims": 1}], "unknown option")
refusal("unbind", [spread([2, 3])], [0, {"dim": 1}], "twice")
case("flip", [spread([2, 3])], [{"dims": [0, 1]}])
case("permute", [spread([2, 3, 4])], [{"dims": [2, 0, 1]}])
refusal("flip", [spread([2, 3])], [{"dim": [0]}], "unknown option")
