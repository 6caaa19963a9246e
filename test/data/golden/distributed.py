"""Asks torch.utils.data.DistributedSampler who gets which samples, in order: /usr/bin/python3 test/data/golden/distributed.py"""

import json
from pathlib import Path

from torch.utils.data import DistributedSampler

cases = []
for samples in (1, 2, 3, 5, 8, 10, 13):
    for ranks in (1, 2, 3, 4, 6):
        for drop_last in (False, True):
            # With fewer samples than ranks, none of which may be given twice, torch's shares have a negative length.
            if drop_last and samples < ranks:
                continue
            samplers = [
                DistributedSampler(range(samples), ranks, rank, shuffle=False, drop_last=drop_last) for rank in range(ranks)
            ]
            cases.append(
                {
                    "samples": samples,
                    "numReplicas": ranks,
                    "dropLast": drop_last,
                    "orders": [list(sampler) for sampler in samplers],
                }
            )
Path(__file__).with_suffix(".json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
