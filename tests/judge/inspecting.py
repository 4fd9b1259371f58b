"""Problems inspected in this process."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import torch

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.judge.roles import inspect as role

torch.set_num_threads(1)

INIT = "def get_init_inputs(): return []\n"


def answer(text: str) -> dict[str, Any]:
    source = "import torch\nfrom torch import nn\n" + dedent(text)
    if "def get_init_inputs" not in source:
        source += INIT
    return role.answer({"source": source, "path": "problem.py", "id": "model"}, lambda phase: None)


def contract(text: str) -> Contract:
    said = answer(text)
    assert "contract" in said, said
    return Contract.from_json(said["contract"])


def model(body: str, inputs: str, constants: str = "", init: str = "pass") -> str:
    """A problem whose forward is `body` and whose `get_inputs` returns `inputs`."""
    name, _, rest = body.partition(":")
    lines = "\n        ".join(rest.strip().splitlines())
    return (
        f"{dedent(constants)}\n"
        f"class Model(nn.Module):\n"
        f"    def __init__(self):\n        super().__init__()\n        {init}\n"
        f"    def forward(self, {name}):\n        {lines}\n"
        f"def get_inputs(): return {inputs}\n"
    )


def broken(text: str) -> tuple[str, str, int | None]:
    said = answer(text)
    assert "broken" in said, said
    return said["broken"], str(said["facts"].get("detail")), said["line"]
