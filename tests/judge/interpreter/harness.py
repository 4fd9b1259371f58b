"""Runs the `case_*` functions of a script in a process of its own, and says of each whether it passed. Not a test."""

import json
import sys
import traceback

import torch

from pytest_kernelfalcon.judge import interpreter


def regions_of(*args, watch=False):
    """One region for each storage among the arguments, named by its place: `arg0`, `arg1`, …"""
    import numpy as np

    found = {}
    for place, value in enumerate(args):
        tensor = getattr(value, "base", value)
        if isinstance(tensor, torch.Tensor) and tensor.untyped_storage().nbytes():
            storage = tensor.untyped_storage()
            written = np.zeros(storage.nbytes(), bool) if watch else None
            region = interpreter.Region(f"arg{place}", storage.data_ptr(), storage.nbytes(), written)
            found.setdefault(storage.data_ptr(), region)
    return list(found.values())


def launch(kernel, grid, *args, budget=None, extra=(), **checks):
    regions = regions_of(*args, *extra)
    interpreter.launch(kernel, grid, args, regions, interpreter.Checks(**checks), budget)


def fault_of(kernel, grid, *args, **options):
    """The fault that a launch must end in."""
    try:
        launch(kernel, grid, *args, **options)
    except interpreter.KernelFault as fault:
        return fault
    raise AssertionError("no fault")


def line_of(kernel, text):
    """The line of a kernel's source that holds this text."""
    import inspect

    lines, start = inspect.getsourcelines(kernel.fn)
    return next(start + i for i, line in enumerate(lines) if text in line)


def main(cases):
    interpreter.install()
    interpreter.prewarm()
    outcomes = {}
    for name, case in list(cases.items()):
        if name.startswith("case_"):
            try:
                case()
                outcomes[name] = ""
            except Exception:
                outcomes[name] = traceback.format_exc()
    sys.stdout.write("\n" + json.dumps(outcomes))
