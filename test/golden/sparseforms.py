"""
Golden values of sparse matrices from SciPy (forms, slices) and PyTorch (optimizers on gradients by rows). Run as

    python3 sparseforms.py

which writes sparseforms.json beside it. Values are multiples of 1/8, so that sums are exact in any order.
"""
import json

import numpy as np
import scipy
import scipy.sparse as sp
import torch

torch.set_num_threads(1)


def form(rows, columns, count, block, seed):
    generator = np.random.default_rng(seed)
    r, c = generator.integers(0, rows, count), generator.integers(0, columns, count)
    # No zeros and no sums that are zero: SciPy keeps some and drops others.
    v = generator.integers(1, 17, count) / 8
    coo = sp.coo_matrix((v, (r, c)), (rows, columns))
    csr, csc, bsr = coo.tocsr(), coo.tocsc(), coo.tocsr().tobsr(block)
    for m in (csr, csc, bsr):
        m.sort_indices()
    picked, columns_picked = generator.integers(0, rows, 5), generator.integers(0, columns, 4)
    rows_of, columns_of = csr[picked], csc[:, columns_picked]
    rows_of.sort_indices()
    columns_of.sort_indices()
    both = lambda m: {"heads": m.indptr.tolist(), "places": m.indices.tolist(), "values": m.data.reshape(-1).tolist()}
    left = generator.integers(-16, 17, (3, rows)) / 8
    return {
        "shape": [rows, columns], "block": block, "indices": [r.tolist(), c.tolist()], "values": v.tolist(),
        "csr": both(csr), "csc": both(csc), "bsr": both(bsr),
        "rows": picked.tolist(), "rowsOf": both(rows_of), "columns": columns_picked.tolist(), "columnsOf": both(columns_of),
        "left": left.reshape(-1).tolist(), "product": (left @ coo).reshape(-1).tolist(),
    }


def train(kind, options, steps=4):
    """A bag of embeddings with sparse gradients under an optimizer: the table after each step."""
    torch.manual_seed(3)
    generator = np.random.default_rng(3)
    bag = torch.nn.EmbeddingBag(12, 3, mode="sum", sparse=True)
    begin = torch.tensor(generator.integers(-8, 9, (12, 3)) / 8, dtype=torch.float32)
    bag.load_state_dict({"weight": begin})
    optimizer = getattr(torch.optim, kind)(bag.parameters(), **options)
    batches, tables = [], []
    for _ in range(steps):
        index = torch.tensor(generator.integers(0, 12, (2, 3)))
        weights = torch.tensor(generator.integers(1, 9, (2, 3)) / 8, dtype=torch.float32)
        optimizer.zero_grad()
        (bag(index, per_sample_weights=weights) ** 2).sum().backward()
        optimizer.step()
        batches.append({"index": index.tolist(), "weights": weights.tolist()})
        tables.append(bag.weight.detach().reshape(-1).tolist())
    return {"kind": kind, "options": options, "begin": begin.reshape(-1).tolist(), "batches": batches, "tables": tables}


golden = {
    "scipy": scipy.__version__,
    "torch": torch.__version__,
    "forms": [form(4, 6, 9, [2, 3], 0), form(12, 8, 40, [4, 4], 1), form(8, 20, 0, [4, 1], 2), form(1, 30, 12, [1, 5], 3)],
    "training": [
        train("SGD", {"lr": 0.1}),
        train("Adagrad", {"lr": 0.1, "lr_decay": 0.01, "initial_accumulator_value": 0.1}),
        train("SparseAdam", {"lr": 0.1}),
        train("SparseAdam", {"lr": 0.05, "betas": [0.8, 0.99], "eps": 0.01}),
    ],
}
with open("sparseforms.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
