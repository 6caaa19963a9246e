"""
Writes ops/NAME.json for each cases/NAME.py: what PyTorch makes of a family of ops. Run with a Python that has PyTorch 1.13 or
later: python3 ops.py [NAME …]
"""
import importlib
import os
import sys
import warnings

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "cases")]
sys.dont_write_bytecode = True
warnings.filterwarnings("ignore")

import golden  # noqa: E402

names = sys.argv[1:] or sorted(file[:-3] for file in os.listdir(os.path.join(here, "cases")) if file.endswith(".py"))
for name in names:
    golden.CASES.clear()
    importlib.import_module(name)
    golden.write(os.path.join(here, "ops", f"{name}.json"))
