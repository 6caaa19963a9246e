"""Writes npz.json: archives of numpy.savez and numpy.savez_compressed. python3 npz.py"""
import base64
import io
import json
import os
import zipfile

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.RandomState(1)
arrays = {
    "weight": rng.randn(3, 4).astype("f4"),
    "double": rng.randn(2, 2),
    "half": np.array([1.5, -2], "f2"),
    "labels": np.array([3, -1, 2**31 - 1], "i8"),
    "bytes": np.arange(5, dtype="u1"),
    "mask": np.array([[True], [False]]),
    "scalar": np.array(7, "i4"),
    "empty": np.zeros((0, 3), "f4"),
    "fortran": np.asfortranarray(np.arange(6, dtype="i4").reshape(2, 3)),
    "größe": np.ones(2, "f4"),
}


def packed(save, *a, **k):
    out = io.BytesIO()
    save(out, *a, **k)
    return base64.b64encode(out.getvalue()).decode()


def archive(method):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        z.writestr("a.npy", b"anything, long enough to be packed " * 9)
    return base64.b64encode(out.getvalue()).decode()


values = {k: {"shape": list(a.shape), "values": [float(np.float32(v)) if a.dtype.kind == 'f' else int(v) for v in a.ravel()]} for k, a in arrays.items()}
with open(os.path.join(here, "npz.json"), "w") as file:
    json.dump(
        {
            "stored": packed(np.savez, **arrays),
            "compressed": packed(np.savez_compressed, **arrays),
            "listed": packed(np.savez, arrays["weight"], arrays["bytes"]),
            "bzip2": archive(zipfile.ZIP_BZIP2),
            "arrays": values,
        },
        file,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    file.write("\n")
