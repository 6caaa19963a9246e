"""Losses as modules."""
from golden import ints, spread, values

# The class indices and class weights stand behind the input among the losses' inputs.
SIGNS = values([1, -1, -1, 1], grad=False)
LABELS, CLASS_WEIGHT = ints([4], 0, 3, "index"), spread([3], 0.5, 2, grad=False)
LOSSES = [
    ("CrossEntropyLoss", {}, [spread([4, 3]), LABELS]),
    ("CrossEntropyLoss", {"labelSmoothing": 0.1, "reduction": "sum"}, [spread([4, 3]), LABELS]),
    ("CrossEntropyLoss", {"weight": 2, "ignoreIndex": 1}, [spread([4, 3]), LABELS, CLASS_WEIGHT]),
    ("MSELoss", {}, [spread([3, 2]), spread([3, 2])]),
    ("MSELoss", {"reduction": "none"}, [spread([3, 2]), spread([3, 2])]),
    ("L1Loss", {}, [spread([3, 2]), spread([3, 2])]),
    ("KLDivLoss", {"reduction": "batchmean"}, [spread([3, 2], -3, 0), spread([3, 2], 0, 1)]),
    ("KLDivLoss", {"logTarget": True}, [spread([3, 2], -3, 0), spread([3, 2], -3, 0)]),
    ("BCEWithLogitsLoss", {}, [spread([3, 2]), spread([3, 2], 0, 1)]),
    ("BCEWithLogitsLoss", {"posWeight": 2, "reduction": "sum"}, [spread([3, 2]), spread([3, 2], 0, 1), spread([2], 0.5, 3, grad=False)]),
    ("NLLLoss", {}, [spread([4, 3], -4, 0), LABELS]),
    ("NLLLoss", {"weight": 2, "reduction": "sum"}, [spread([4, 3], -4, 0), LABELS, CLASS_WEIGHT]),
    ("BCELoss", {}, [spread([3, 2], 0.1, 0.9), spread([3, 2], 0, 1)]),
    ("SmoothL1Loss", {"beta": 0.5}, [spread([3, 2]), spread([3, 2])]),
    ("HuberLoss", {"delta": 0.5}, [spread([3, 2]), spread([3, 2])]),
    ("CosineEmbeddingLoss", {"margin": 0.2}, [spread([4, 3]), spread([4, 3]), SIGNS], 3),
    ("MarginRankingLoss", {"margin": 0.5, "reduction": "sum"}, [spread([4]), spread([4]), SIGNS], 3),
    ("TripletMarginLoss", {}, [spread([4, 3]), spread([4, 3]), spread([4, 3])], 3),
    ("TripletMarginLoss", {"margin": 2, "p": 1, "swap": True}, [spread([4, 3]), spread([4, 3]), spread([4, 3])], 3),
    ("HingeEmbeddingLoss", {"margin": 2}, [spread([4]), SIGNS]),
    ("SoftMarginLoss", {"reduction": "none"}, [spread([4]), SIGNS]),
    ("PoissonNLLLoss", {"logInput": False, "full": True}, [spread([4], 0.1, 3), spread([4], 0, 5, grad=False)]),
    ("GaussianNLLLoss", {"full": True}, [spread([4, 3]), spread([4, 3]), spread([4, 3], 0.1, 2)], 3),
    ("CrossEntropyLoss", {"reduction": "none"}, [spread([4, 3]), spread([4, 3], 0, 1)]),
    ("BCELoss", {"weight": 2}, [spread([3, 2], 0.1, 0.9), spread([3, 2], 0, 1), spread([2], 0.5, 3, grad=False)]),
    ("MultiMarginLoss", {"p": 2, "weight": 2}, [spread([4, 3]), LABELS, CLASS_WEIGHT]),
    ("MultiLabelMarginLoss", {"reduction": "sum"}, [spread([2, 4]), values([[0, 2, -1, 1], [3, -1, 0, 0]], dtype="index")]),
    ("MultiLabelSoftMarginLoss", {"weight": 2}, [spread([4, 3]), spread([4, 3], 0, 1), CLASS_WEIGHT]),
    ("CTCLoss", {}, [spread([6, 2, 4], -3, -0.1), ints([2, 2], 1, 4, "index")], 2, ([6, 5], [2, 1])),
    ("CTCLoss", {"blank": 3, "reduction": "sum", "zeroInfinity": True}, [spread([6, 2, 4], -3, -0.1), ints([2, 2], 0, 3, "index")], 2, ([6, 1], [2, 2])),
    ("TripletMarginWithDistanceLoss", {"margin": 0.5, "swap": True}, [spread([4, 3]), spread([4, 3]), spread([4, 3])], 3),
    ("CosineSimilarity", {"dim": 0}, [spread([4, 3]), spread([4, 3])]),
    ("PairwiseDistance", {"p": 1, "keepdim": True}, [spread([4, 3]), spread([4, 3])]),
]
