"""Losses of several classes and of sequences, and what losses take by position."""
import torch
import torch.nn.functional as F

from golden import CALLS, INF, NAN, T, case, ints, refusal, spread, values

REDUCTIONS = ["mean", "sum", "none"]
CALLS["multilabelMarginLoss"], CALLS["multilabelSoftMarginLoss"] = F.multilabel_margin_loss, F.multilabel_soft_margin_loss
CALLS["multiMarginLoss"], CALLS["ctcLoss"] = F.multi_margin_loss, F.ctc_loss
CALLS["tripletMarginWithDistanceLoss"] = F.triplet_margin_with_distance_loss
CALLS["binaryCrossEntropy"], CALLS["binaryCrossEntropyWithLogits"] = F.binary_cross_entropy, F.binary_cross_entropy_with_logits
for name, fn in [
    ("crossEntropy", F.cross_entropy), ("nllLoss", F.nll_loss), ("mseLoss", F.mse_loss), ("l1Loss", F.l1_loss), ("huberLoss", F.huber_loss),
    ("smoothL1Loss", F.smooth_l1_loss), ("klDiv", F.kl_div), ("bce", F.binary_cross_entropy), ("bceWithLogits", F.binary_cross_entropy_with_logits),
    ("poissonNllLoss", F.poisson_nll_loss), ("gaussianNllLoss", F.gaussian_nll_loss), ("softMarginLoss", F.soft_margin_loss),
    ("hingeEmbeddingLoss", F.hinge_embedding_loss), ("cosineEmbeddingLoss", F.cosine_embedding_loss), ("marginRankingLoss", F.margin_ranking_loss),
    ("tripletMarginLoss", F.triplet_margin_loss),
]:
    CALLS[name] = fn


def each(op, inputs, options=None, label="", reductions=REDUCTIONS, count=2, **how):
    for reduction in reductions:
        extra = {} if reduction == "mean" else {"reduction": reduction}
        case(op, inputs, [*[T(k) for k in range(count)], {**(options or {}), **extra}], label, sums=True, **how)


labels = dict(dtype="index")
for x, t in [([5, 4], [5]), ([4], []), ([4], [1]), ([1, 3], [1]), ([3, 1], [3])]:
    both = [spread(x), ints(t, 0, x[-1], **labels)]
    each("multiMarginLoss", both, None, "", REDUCTIONS)
    each("multiMarginLoss", both, {"p": 2, "margin": 0.5}, "", ["mean"])
    each("multiMarginLoss", [*both, spread([x[-1]], 0.1, 2, grad=False)], {"weight": T(2), "p": 2}, "weight", ["mean", "none"])
each("multiMarginLoss", [values([[0, 1, -1, 2], [NAN, 1, INF, 0]]), values([1, 3], dtype="index")], None, "kinks and edges", ["none"])
refusal("multiMarginLoss", [spread([3, 4]), values([0, 1, 7], dtype="index")], label="label")
refusal("multiMarginLoss", [spread([3, 4]), values([0, 1], dtype="index")], label="rows")
refusal("multiMarginLoss", [spread([3, 4, 2]), ints([3, 2], 0, 4, **labels)], label="dimensions")
refusal("multiMarginLoss", [spread([3, 4]), ints([3], 0, 4, **labels)], [{"p": 3}], "p")
each("multilabelMarginLoss", [spread([3, 4]), values([[0, 1, -1, 2], [-1, 1, 2, 3], [3, 2, 1, 0]], dtype="index")])
each("multilabelMarginLoss", [spread([4]), values([2, -1, 1, 0], dtype="index")], None, "one row")
each("multilabelMarginLoss", [spread([1, 4]), values([[2, 2, -1, 0]], dtype="index")], None, "a label twice")
each("multilabelMarginLoss", [values([[0, 1, -1, 2], [NAN, 1, INF, 0]]), values([[1, -1, 0, 0], [1, 3, -1, -1]], dtype="index")], None, "kinks and edges", ["none"])
refusal("multilabelMarginLoss", [spread([3, 4]), ints([3, 3], 0, 4, **labels)], label="shapes")
refusal("multilabelMarginLoss", [spread([1, 4]), values([[0, 5, -1, 2]], dtype="index")], label="label")
for shape in [[3, 4], [5], [2, 3, 4]]:
    both = [spread(shape, -5, 5), spread(shape, 0, 1)]
    each("multilabelSoftMarginLoss", both)
    each("multilabelSoftMarginLoss", [*both, spread([shape[-1]], 0.1, 2, grad=False)], {"weight": T(2)}, "weight")

# ── sequences ──
# The gradient is that of the logits whose log-softmax the input is said to be.
hard = dict(ulps=128)
lengths = lambda *n: list(n)
for t, n, c in [(6, 3, 5), (12, 2, 4), (4, 1, 2)]:
    most = 3 if t > 4 else 1
    targets = ints([n, most], 1, c, **labels)
    for options in [{}, {"zeroInfinity": True}]:
        for reduction in REDUCTIONS:
            case("ctcLoss", [spread([t, n, c], -3, -0.1), targets], [T(0), T(1), [t] * n, [most] * n, {**options, "reduction": reduction}], **hard)
x = spread([8, 3, 5], -3, -0.1)
for reduction in REDUCTIONS:
    case("ctcLoss", [x, values([[1, 2, 3], [4, 4, 0], [2, 0, 0]], dtype="index")], [T(0), T(1), [8, 6, 5], [3, 2, 1], {"reduction": reduction}], "lengths", **hard)
    case("ctcLoss", [x, values([1, 2, 3, 4, 4, 2], dtype="index")], [T(0), T(1), [8, 6, 5], [3, 2, 1], {"reduction": reduction}], "one after the other", **hard)
    case("ctcLoss", [x, values([1, 2, 3, 0, 0, 0, 1], dtype="index")], [T(0), T(1), [8, 6, 5], [3, 0, 4], {"reduction": reduction, "blank": 4}], "blank, no labels", **hard)
    case("ctcLoss", [x, values([[1, 1, 1], [2, 2, 2], [1, 2, 3]], dtype="index")], [T(0), T(1), [4, 8, 2], [3, 3, 3], {"reduction": reduction, "zeroInfinity": True}], "too short", **hard)
    case("ctcLoss", [x, values([[1, 1, 1], [2, 2, 2], [1, 2, 3]], dtype="index")], [T(0), T(1), [4, 8, 2], [3, 3, 3], {"reduction": reduction}], "too short, infinite", **hard)
case("ctcLoss", [x, values([[1, 0, 1], [2, 0, 2], [0, 2, 3]], dtype="index")], [T(0), T(1), [8, 8, 8], [3, 3, 3], 0, "none"], "blank among the labels, by position", **hard)
case("ctcLoss", [spread([8, 5], -3, -0.1), values([1, 2, 2], dtype="index")], [T(0), T(1), [8], [3], {"reduction": "none"}], "one sequence", **hard)
case("ctcLoss", [spread([8, 5], -3, -0.1), values([1, 2, 2], dtype="index"), values([8], dtype="index", shape=[]), values([3], dtype="index", shape=[])], [T(0), T(1), T(2), T(3)], "one sequence, lengths as tensors", **hard)
case("ctcLoss", [values([[[-1, -INF, -0.5]], [[-0.2, -2, -INF]], [[-1, -1, -1]]]), values([[1]], dtype="index")], [T(0), T(1), [3], [1], {"reduction": "none"}], "impossible classes", **hard)
case("ctcLoss", [spread([3, 8, 5], -3, -0.1, view=[["transpose", 0, 1]]), ints([3, 2], 1, 5, **labels)], [T(0), T(1), [8, 8, 8], [2, 2, 2]], "view", **hard)
refusal("ctcLoss", [x, ints([3, 2], 1, 5, **labels)], [T(0), T(1), [9, 8, 8], [2, 2, 2]], "input lengths")
refusal("ctcLoss", [x, ints([3, 2], 1, 5, **labels)], [T(0), T(1), [8, 8, 8], [3, 2, 2]], "target lengths")
refusal("ctcLoss", [x, ints([3, 2], 1, 5, **labels)], [T(0), T(1), [8, 8], [2, 2, 2]], "number of lengths")
refusal("ctcLoss", [x, ints([5], 1, 5, **labels)], [T(0), T(1), [8, 8, 8], [2, 2, 2]], "number of labels")
refusal("ctcLoss", [x, ints([3, 2], 1, 5, **labels)], [T(0), T(1), [8, 8, 8], [2, 2, 2], {"blank": 5}], "blank")

# ── by position, in PyTorch's older ways, and broadcast ──
three = [spread([5, 3]), ints([5], 0, 3, **labels), spread([3], 0.1, 2, grad=False)]
case("crossEntropy", three, [T(0), T(1), T(2), None, 1, None, "sum", 0.2], "by position", sums=True)
case("crossEntropy", three[:2], [T(0), T(1), {"reduce": False}], "reduce", sums=True)
case("crossEntropy", three[:2], [T(0), T(1), {"sizeAverage": False}], "sizeAverage", sums=True)
case("nllLoss", three, [T(0), T(1), T(2), None, 1, None, "none"], "by position", sums=True)
case("mseLoss", [spread([4]), spread([4])], [T(0), T(1), None, None, "sum"], "by position", sums=True)
case("mseLoss", [spread([4]), spread([4])], [T(0), T(1), False], "sizeAverage", sums=True)
case("mseLoss", [spread([4]), spread([4])], [T(0), T(1), None, False], "reduce", sums=True)
case("mseLoss", [spread([4]), spread([4])], [T(0), T(1), {"reduce": True, "sizeAverage": True, "reduction": "none"}], "older ways win", sums=True)
case("huberLoss", [spread([4]), spread([4])], [T(0), T(1), "sum", 0.5], "by position", sums=True)
case("smoothL1Loss", [spread([4]), spread([4])], [T(0), T(1), None, None, "none", 0.5], "by position", sums=True)
case("klDiv", [spread([2, 4], -3, 0), spread([2, 4], -3, 0)], [T(0), T(1), None, None, "batchmean", True], "by position", sums=True)
case("bce", [spread([4], 0.1, 0.9), spread([4], 0, 1), spread([4], 0, 2, grad=False)], [T(0), T(1), T(2), None, None, "sum"], "by position", sums=True)
case("binaryCrossEntropy", [spread([4], 0.1, 0.9), spread([4], 0, 1)], sums=True)
case("binaryCrossEntropyWithLogits", [spread([4]), spread([4], 0, 1)], sums=True)
case("bceWithLogits", [spread([4]), spread([4], 0, 1), spread([4], 0, 2, grad=False)], [T(0), T(1), T(2), None, None, "none", T(2)], "by position", sums=True)
case("poissonNllLoss", [spread([4], 0.1, 2), spread([4], 0, 4, grad=False)], [T(0), T(1), False, True, None, 0.1, None, "sum"], "by position", sums=True)
case("gaussianNllLoss", [spread([4]), spread([4]), spread([4], 0.1, 2)], [T(0), T(1), T(2), True, 0.5, "none"], "by position", sums=True)
case("hingeEmbeddingLoss", [spread([4]), values([1, -1, 1, -1], grad=False)], [T(0), T(1), 0.5, None, None, "sum"], "by position", sums=True)
case("tripletMarginLoss", [spread([3, 4]), spread([3, 4]), spread([3, 4])], [T(0), T(1), T(2), 0.5, 1, 0.01, True, None, None, "none"], "by position", sums=True)
for name, low in [("mseLoss", -2), ("l1Loss", -2), ("huberLoss", -2), ("smoothL1Loss", -2), ("klDiv", 0.1), ("poissonNllLoss", 0.1), ("hingeEmbeddingLoss", -2), ("softMarginLoss", -2)]:
    if name == "softMarginLoss":
        # PyTorch takes a smaller target alone.
        case(name, [spread([3, 4], -2, 2), spread([4], low, 2, grad=False)], label="broadcast", sums=True)
        continue
    case(name, [spread([4], -2, -0.1), spread([3, 4], low, 2, grad=name not in ["softMarginLoss", "hingeEmbeddingLoss", "poissonNllLoss"])], label="broadcast", sums=True)
    case(name, [spread([3, 4], -2, -0.1), spread([4], low, 2, grad=False)], [{"reduction": "none"}], "broadcast", sums=True)
case("smoothL1Loss", [spread([4]), spread([3, 4])], [{"beta": 0}], "broadcast", sums=True)
for name in ["mseLoss", "l1Loss", "huberLoss", "smoothL1Loss"]:
    case(name, [spread([4], grad=False), ints([4])], label="whole targets", sums=True)
CALLS["cosineSimilarity"], CALLS["pairwiseDistance"] = F.cosine_similarity, F.pairwise_distance
case("cosineSimilarity", [spread([3, 4]), spread([3, 4])], [0, 0.5], "by position", sums=True)
case("cosineSimilarity", [spread([3, 4]), spread([3, 4])], [0, {"eps": 2}], "both ways", sums=True)
case("pairwiseDistance", [spread([3, 4]), spread([3, 4])], [1, 0.1, True], "by position", sums=True)
case("pairwiseDistance", [spread([3, 4]), spread([3, 4])], [3, {"keepdim": True}], "both ways", sums=True)
refusal("bce", [values([0.5, 1.5]), values([0, 1])], label="no probability")
refusal("bce", [values([0.5, NAN]), values([0, 1])], label="no probability")
refusal("bce", [values([0.5, 0.1]), ints([2], 0, 2)], label="whole targets")
refusal("nllLoss", [spread([2, 3]), values([0, 1])], label="fractions as labels")
refusal("crossEntropy", [spread([2, 3]), values([0, 1])], label="fractions as labels")
refusal("crossEntropy", [spread([2, 3]), values([0, 3], dtype="index")], label="label")
refusal("nllLoss", [spread([2, 3]), values([0, -1], dtype="index")], label="label")
for reduction in REDUCTIONS:
    case("tripletMarginWithDistanceLoss", [spread([5, 4]), spread([5, 4]), spread([5, 4])], [T(0), T(1), T(2), {"margin": 0.5, "reduction": reduction}], sums=True)
case("tripletMarginWithDistanceLoss", [spread([5, 4]), spread([5, 4]), spread([5, 4])], [T(0), T(1), T(2), {"swap": True}], sums=True)
