"""Losses."""
import torch.nn.functional as F

from golden import CALLS, INF, NAN, T, case, ints, refusal, spread, values

REDUCTIONS = ["mean", "sum", "none"]


def each(op, inputs, options=None, label="", reductions=REDUCTIONS):
    for reduction in reductions:
        extra = {} if reduction == "mean" else {"reduction": reduction}
        case(op, inputs, [T(0), T(1), {**(options or {}), **extra}], label, sums=True)


CALLS["crossEntropy"], CALLS["nllLoss"] = F.cross_entropy, F.nll_loss
labels = dict(dtype="index")
for op in ["crossEntropy", "nllLoss"]:
    how = dict(low=-4, high=0)
    for x, t in [([5, 3], [5]), ([3, 9], [3]), ([2, 3, 2], [2, 2]), ([1, 3, 2, 2], [1, 2, 2]), ([4], []), ([1, 2], [1]), ([3, 1], [3])]:
        classes = x[0] if len(x) == 1 else x[1]
        both = [spread(x, **how), ints(t, 0, classes, **labels)]
        weighted = [*both, spread([classes], 0.1, 2, grad=False)]
        # Every reduction for rows of classes, and for classes with more dimensions behind them.
        some = REDUCTIONS if x in [[5, 3], [2, 3, 2]] else ["mean"]
        each(op, both, None, "", REDUCTIONS)
        if classes < 3:
            continue
        each(op, weighted, {"weight": T(2)}, "weight", some)
        each(op, weighted, {"weight": T(2), "ignoreIndex": classes - 1}, "weight, ignoreIndex", some)
        if op == "crossEntropy":
            each(op, both, {"labelSmoothing": 0.1}, "labelSmoothing", some)
            each(op, weighted, {"weight": T(2), "labelSmoothing": 0.3, "ignoreIndex": 0}, "all options", some)
    far = [spread([3, 4]), values([1, -100, 3], dtype="index")]
    each(op, far, None, "−100 is ignored")
    each(op, far, {"ignoreIndex": -100}, "−100 is ignored")
    each(op, [spread([3, 4]), values([-1, 2, 3], dtype="index")], {"ignoreIndex": -1}, "negative ignoreIndex")
    each(op, [spread([2, 3]), values([1, 1], dtype="index")], {"ignoreIndex": 1}, "all ignored")
    each(op, [values([[0, -INF, 1], [-INF, 2, 3]]), values([0, 2], dtype="index")], None, "−Infinity beside the target")
    each(op, [values([[0, -INF, 1], [-INF, 2, 3]]), values([1, 2], dtype="index")], None, "−Infinity at the target")
    each(op, [values([[0, NAN, 1], [1, 2, 3]]), values([0, 2], dtype="index")], None, "NaN")
    case(op, [spread([0, 3]), values([], shape=[0], dtype="index")], label="no row")
    case(op, [spread([4, 5], view=[["transpose", 0, 1]]), ints([10], 0, 4, view=[["slice", 0, 0, None, 2]], **labels)], label="views", sums=True)
    refusal(op, [spread([3, 4]), ints([4], 0, 3, **labels)], label="rows")
    refusal(op, [spread([3, 4]), ints([3], 0, 3, **labels), spread([3])], [T(0), T(1), {"weight": T(2)}], "weight")
    refusal(op, [spread([3, 4]), ints([3], 0, 3, **labels)], [{"reduction": "median"}], "reduction")
each("crossEntropy", [spread([3, 4], 100, 200), ints([3], 0, 4, **labels)], None, "large logits")
each("crossEntropy", [values([[1e30, -1e30, 0]]), values([0], dtype="index")], None, "huge logits")
for x in [[5, 3], [2, 3, 2], [4], [1, 3, 2, 2]]:
    classes = x[0] if len(x) == 1 else x[1]
    both = [spread(x), spread(x, 0, 1)]
    each("crossEntropy", both, None, "probabilities")
    each("crossEntropy", [*both, spread([classes], 0.1, 2, grad=False)], {"weight": T(2), "labelSmoothing": 0.2}, "probabilities, weight, labelSmoothing")
each("crossEntropy", [values([[0, -INF, 1]]), values([[0.5, 0, 0.5]])], None, "probabilities, 0 · −Infinity")
refusal("crossEntropy", [spread([3, 4]), spread([4, 3])], label="probabilities, shape")

for name, function, options in [
    ("mseLoss", F.mse_loss, [None]),
    ("l1Loss", F.l1_loss, [None]),
    ("huberLoss", F.huber_loss, [None, {"delta": 0.5}, {"delta": 2}]),
    ("smoothL1Loss", F.smooth_l1_loss, [None, {"beta": 0.5}, {"beta": 0}]),
]:
    CALLS[name] = function
    for shape in [[7], [3, 5], []]:
        for how in options:
            each(name, [spread(shape), spread(shape)], how, "", REDUCTIONS if shape == [7] else ["mean"])
    for how in options:
        # Distances of 0 and of exactly delta or beta: the kinks.
        each(name, [values([0, 1, 2, 3, 4, 5, 6, 7]), values([0, 0, 4, 3.5, 3.5, 4.5, 6, 9])], how, "kinks", ["sum", "none"])
        # With beta 0 PyTorch's gradient at NaN is NaN, where that of l1Loss is 0.
        if how != {"beta": 0}:
            each(name, [values([NAN, INF, INF, -INF, 3e38, 0]), values([0, 0, INF, INF, -3e38, NAN])], how, "edges", ["mean", "none"])
    case(name, [spread([0]), spread([0])], label="empty")
    case(name, [spread([0]), spread([0])], [{"reduction": "sum"}], "empty")
    case(name, [spread([4, 3], view=[["transpose", 0, 1]]), spread([3, 4])], label="view", sums=True)
    refusal(name, [spread([3]), spread([4])], label="shapes")
refusal("huberLoss", [spread([3]), spread([3])], [{"delta": 0}], "delta 0")
refusal("smoothL1Loss", [spread([3]), spread([3])], [{"beta": -1}], "negative beta")

CALLS["bce"], CALLS["bceWithLogits"] = F.binary_cross_entropy, F.binary_cross_entropy_with_logits
for shape, w in [([7], [7]), ([3, 4], [4]), ([], [])]:
    some = REDUCTIONS if len(shape) == 2 else ["mean"]
    both = [spread(shape, 0.01, 0.99), spread(shape, 0, 1)]
    each("bce", both, None, "", some)
    each("bce", [*both, spread(w, 0, 2, grad=False)], {"weight": T(2)}, "weight", some)
    both = [spread(shape, -5, 5), spread(shape, 0, 1)]
    each("bceWithLogits", both, None, "", some)
    each("bceWithLogits", [*both, spread(w, 0, 2, grad=False), spread(w, 0, 3, grad=False)], {"weight": T(2), "posWeight": T(3)}, "weight, posWeight", some)
    each("bceWithLogits", [*both, spread(w, 0, 3, grad=False)], {"posWeight": T(2)}, "posWeight", some)
hard = values([0, 1, 0, 1, 0.5, 1, 0], grad=False)
each("bce", [values([0, 1, 1, 0, 0.5, 0.99999994, 1e-30]), hard], None, "ends")
each("bce", [values([0, 1, 1, 0, 0.5]), values([0, 1, 0, 1, 0.5])], None, "gradient of the target at the ends")
each("bceWithLogits", [values([0, -0.0, 100, -100, 100, -100, 1e30]), hard], None, "kink and far")
each("bceWithLogits", [values([NAN, INF, -INF, INF, -INF]), values([0, 1, 0, 0, 1], grad=False)], None, "edges")
for name in ["bce", "bceWithLogits"]:
    refusal(name, [spread([3], 0, 1), spread([4], 0, 1)], label="shapes")
    case(name, [spread([0], 0, 1), spread([0], 0, 1)], label="empty")

CALLS["klDiv"] = F.kl_div
for reduction in [*REDUCTIONS, "batchmean"]:
    for log in [False, True]:
        target = spread([3, 5], -3, 0) if log else spread([3, 5], 0.01, 1)
        case("klDiv", [spread([3, 5], -3, 0), target], [{"reduction": reduction, "logTarget": log}], sums=True)
    case("klDiv", [values([[-1, -2, -INF, -3]]), values([[0.5, 0, 0, -0.0]], grad=False)], [{"reduction": reduction}], "target 0")
    case("klDiv", [values([[-1, -2, -3]]), values([[0.5, 0, 0]])], [{"reduction": reduction}], "gradient at target 0")
    case("klDiv", [values([[-1, -2, -3]]), values([[0.5, -1, NAN]])], [{"reduction": reduction}], "negative target")
case("klDiv", [spread([], -3, 0), spread([], 0, 1)], sums=True)
case("klDiv", [values([-1, -INF]), values([-INF, -2])], [{"logTarget": True}], "edges")

# ── similarities and margins ──

CALLS["cosineSimilarity"], CALLS["pairwiseDistance"] = F.cosine_similarity, F.pairwise_distance
for a, b, args in [([3, 5], [3, 5], []), ([3, 5], [3, 5], [0]), ([4], [4], [0]), ([2, 3, 4], [2, 3, 4], []), ([2, 3, 4], [3, 1], []), ([3, 5], [3, 5], [{"dim": 0, "eps": 2}])]:
    case("cosineSimilarity", [spread(a), spread(b)], args, sums=True)
case("cosineSimilarity", [values([[0, 0, 0], [1, 2, 2], [1e-9, 0, 0], [3, 0, 4]]), values([[1, 2, 3], [0, 0, 0], [1, 1, 1], [-3, 0, -4]])], label="zero and opposite", ulps=64)
case("cosineSimilarity", [spread([4, 3], view=[["transpose", 0, 1]]), spread([3, 4])], label="view", sums=True)
refusal("cosineSimilarity", [spread([3, 4]), spread([3, 5])], label="shapes")
for a, b, how in [([3, 5], [3, 5], {}), ([4], [4], {}), ([2, 3, 4], [4], {}), ([3, 5], [3, 5], {"keepdim": True}), ([3, 5], [3, 5], {"p": 1}), ([3, 5], [3, 5], {"p": 3, "eps": 0.1}), ([3, 5], [3, 5], {"p": INF}), ([3, 5], [3, 5], {"p": 1.5})]:
    case("pairwiseDistance", [spread(a), spread(b)], [T(0), T(1), how], sums=True)
for p in [1, 2, 3]:
    case("pairwiseDistance", [values([[0, 1, 2], [1, 2, 3]]), values([[0, 1, 2], [1, 0, 3]])], [{"p": p, "eps": 0}], "distance 0", sums=True)
refusal("pairwiseDistance", [spread([3, 4]), spread([3, 5])], label="shapes")


def three(op, inputs, options=None, label="", reductions=REDUCTIONS):
    for reduction in reductions:
        extra = {} if reduction == "mean" else {"reduction": reduction}
        case(op, inputs, [T(0), T(1), T(2), {**(options or {}), **extra}], label, sums=True)


def signs(shape):
    """Some of each sign, the same every time."""
    n = 1
    for size in shape:
        n *= size
    return values([1 if (i * 7 + 3) % 5 < 2 else -1 for i in range(n)], shape=shape, grad=False)


CALLS["marginRankingLoss"], CALLS["hingeEmbeddingLoss"] = F.margin_ranking_loss, F.hinge_embedding_loss
for shape in [[7], [3, 5], []]:
    for how in [None, {"margin": 0.5}]:
        three("marginRankingLoss", [spread(shape), spread(shape), signs(shape)], how)
        each("hingeEmbeddingLoss", [spread(shape), signs(shape)], how)
three("marginRankingLoss", [values([1, 2, 3, 1]), values([1, 1, 4, 2]), values([1, -1, 1, 1], grad=False)], {"margin": 1}, "kinks")
three("marginRankingLoss", [values([1, 2, NAN, INF]), values([1, 2, 4, 2]), values([1, -1, 1, 1], grad=False)], None, "edges")
case("marginRankingLoss", [spread([3, 4]), spread([3, 4]), spread([3, 1])], [T(0), T(1), T(2)], "target broadcasts", sums=True)
refusal("marginRankingLoss", [spread([3, 4]), spread([3, 4]), spread([4])], [T(0), T(1), T(2)], "dimensions")
each("hingeEmbeddingLoss", [values([0, 1, -1, 2, 0.5, 1]), values([1, -1, -1, -1, -1, 1], grad=False)], None, "kinks")
each("hingeEmbeddingLoss", [values([0.5, 1.5, NAN, INF]), values([0, 2, -1, 1], grad=False)], None, "other targets and edges")
case("hingeEmbeddingLoss", [spread([4, 3], view=[["transpose", 0, 1]]), signs([3, 4])], label="view", sums=True)

CALLS["cosineEmbeddingLoss"] = F.cosine_embedding_loss
for how in [None, {"margin": 0.3}, {"margin": -0.5}]:
    three("cosineEmbeddingLoss", [spread([6, 4]), spread([6, 4]), signs([6])], how)
    three("cosineEmbeddingLoss", [spread([4]), spread([4]), signs([])], how, "one pair")
three("cosineEmbeddingLoss", [values([[0, 0], [1, 2], [1, 0], [1, 1]]), values([[1, 2], [1, 2], [0, 1], [-1, -1]]), values([1, 1, -1, -1], grad=False)], None, "zero, equal, right angle, opposite", ["sum", "none"])
refusal("cosineEmbeddingLoss", [spread([6, 4]), spread([6, 4]), signs([4])], [T(0), T(1), T(2)], "target")
refusal("cosineEmbeddingLoss", [spread([2, 6, 4]), spread([2, 6, 4]), signs([2, 6])], [T(0), T(1), T(2)], "dimensions")

CALLS["tripletMarginLoss"] = F.triplet_margin_loss
for how in [None, {"margin": 0.5}, {"p": 1}, {"p": 3}, {"swap": True}, {"margin": 2, "p": 1, "swap": True, "eps": 0.01}]:
    three("tripletMarginLoss", [spread([5, 4]), spread([5, 4]), spread([5, 4])], how)
three("tripletMarginLoss", [spread([4]), spread([4]), spread([4])], None, "one triple")
three("tripletMarginLoss", [spread([2, 3, 4]), spread([2, 3, 4]), spread([2, 3, 4])], None, "", ["none"])
refusal("tripletMarginLoss", [spread([5, 4]), spread([4]), spread([5, 4])], [T(0), T(1), T(2)], "dimensions")

CALLS["softMarginLoss"] = F.soft_margin_loss
for shape in [[7], [3, 5], []]:
    each("softMarginLoss", [spread(shape, -5, 5), signs(shape)])
each("softMarginLoss", [values([0, -0.0, 30, -30, NAN, INF]), values([1, -1, 1, 1, 1, 1], grad=False)], None, "edges", ["none"])
refusal("softMarginLoss", [spread([3]), signs([4])], label="shapes")

# ── likelihoods ──

CALLS["poissonNllLoss"] = F.poisson_nll_loss
for shape in [[7], [3, 5], []]:
    for how in [None, {"full": True}]:
        each("poissonNllLoss", [spread(shape), spread(shape, 0, 5, grad=False)], how)
        each("poissonNllLoss", [spread(shape, 0.1, 3), spread(shape, 0, 5, grad=False)], {"logInput": False, **(how or {})})
each("poissonNllLoss", [values([0, 0, 1e-3, 2]), values([0, 1, 2, 3], grad=False)], {"logInput": False, "eps": 1e-4, "full": True}, "rates of 0")
each("poissonNllLoss", [values([-1, 0, 1, 2, NAN]), values([0, 1, 1.5, 3, 2], grad=False)], {"full": True}, "targets up to 1")
case("poissonNllLoss", [spread([4]), spread([4], 1, 3)], label="gradient of the target", sums=True)

CALLS["gaussianNllLoss"] = F.gaussian_nll_loss
for how in [None, {"full": True}, {"eps": 0.5}]:
    for v in [[3, 5], [3, 1], [3]]:
        three("gaussianNllLoss", [spread([3, 5]), spread([3, 5]), spread(v, 0.1, 2)], how, "", REDUCTIONS if v == [3, 5] else ["mean"])
three("gaussianNllLoss", [values([1, 2, 3, 4]), values([1, 2.5, 3, 5]), values([0, 1e-9, 1e-6, 2])], None, "no variance", ["none"])
refusal("gaussianNllLoss", [spread([3, 5]), spread([3, 5]), spread([5])], [T(0), T(1), T(2)], "variance, shape")
refusal("gaussianNllLoss", [spread([3]), spread([3]), spread([3], -2, -1)], [T(0), T(1), T(2)], "negative variance")
