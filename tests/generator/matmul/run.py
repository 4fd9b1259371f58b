"""Runs the cases of products.py as pointwise/harness.py runs its own, with the recipe *matmul*."""

import json
import sys
import traceback
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "pointwise"))

import harness as shared

from pytest_kernelfalcon.generator.cookbook.matmul.recipe import Matmul

shared.RECIPE = Matmul()
shared.TOLERANCE[torch.float32] = 2e-5


def main():
    import products

    shared.prepare()
    results = {}
    for name, case in vars(products).items():
        if name.startswith("case_"):
            torch.manual_seed(0)
            try:
                results[name] = case()
            except Exception:
                results[name] = traceback.format_exc()
    print(json.dumps(results))


if __name__ == "__main__":
    main()
