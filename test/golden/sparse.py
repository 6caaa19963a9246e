"""
Golden values of sparse products from real PyTorch: values and the gradients of both sides, of CSR and COO matrices. Run as

    python3 sparse.py

which writes sparse.json beside it. All numbers are multiples of 1/8, so that sums are exact in any order.
"""
import json

import numpy as np
import torch

torch.set_num_threads(1)


def eighths(generator, shape):
    return torch.tensor(generator.integers(-16, 17, shape) / 8, dtype=torch.float32)


def coordinates(generator, rows, columns, count):
    """Random places, some of which come twice, in no order."""
    return torch.tensor(np.stack([generator.integers(0, rows, count), generator.integers(0, columns, count)]))


def flat(t):
    return t.detach().reshape(-1).tolist()


cases = []
for seed, (rows, columns, n, count) in enumerate([(3, 4, 2, 5), (7, 5, 33, 12), (9, 12, 40, 40), (1, 9, 3, 4), (6, 6, 1, 0)]):
    generator = np.random.default_rng(seed)
    indices = coordinates(generator, rows, columns, count)
    values = eighths(generator, count).requires_grad_()
    x = eighths(generator, (columns, n)).requires_grad_()
    g = eighths(generator, (rows, n))
    coo = torch.sparse_coo_tensor(indices, values, (rows, columns))
    y = torch.sparse.mm(coo, x)
    (y * g).sum().backward()
    csr = coo.detach().coalesce().to_sparse_csr()
    cases.append({
        "shape": [rows, columns], "n": n,
        "indices": indices.tolist(), "values": flat(values), "x": flat(x), "g": flat(g),
        "y": flat(y), "dense": flat(coo.to_dense()), "gradValues": flat(values.grad), "gradX": flat(x.grad),
        "crow": csr.crow_indices().tolist(), "col": csr.col_indices().tolist(), "csrValues": flat(csr.values()),
        "csrProduct": flat(csr.matmul(x.detach())),
    })

with open("sparse.json", "w") as file:
    json.dump({"torch": torch.__version__, "cases": cases}, file)
    file.write("\n")
