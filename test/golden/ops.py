"""Writes ops.json: what PyTorch makes of every op. Run with a Python that has PyTorch 1.13 or later: python3 ops.py"""
import importlib
import os
import sys
import warnings

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "cases")]
sys.dont_write_bytecode = True
warnings.filterwarnings("ignore")

import golden  # noqa: E402

for family in ["elementwise", "reduce", "movement", "create", "matmul", "spatial", "norm", "loss", "scan", "rearrange", "masked", "scatter", "einsum", "sort"]:
    importlib.import_module(family)

golden.write(os.path.join(here, "ops.json"), {})
