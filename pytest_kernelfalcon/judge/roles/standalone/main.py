"""What a repro.py does, what it says, and how it exits. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import faulthandler
import os
import sys
import traceback

import torch

from pytest_kernelfalcon.judge.roles.standalone.asked import Asked, Raised, Shown, candidates
from pytest_kernelfalcon.judge.roles.standalone.compiling import compiled
from pytest_kernelfalcon.judge.roles.standalone.drawing import module_of
from pytest_kernelfalcon.judge.roles.standalone.examining import examine
from pytest_kernelfalcon.judge.roles.standalone.watching import with_libdevice, with_tf32

PATIENCE_S = 300


def main(asked: Asked, interpreted: bool) -> int:
    """1 where the refusal shows, 0 where it does not."""
    on_cpu = interpreted or not torch.cuda.is_available()
    place = "Triton's own interpreter, on the CPU" if on_cpu else torch.cuda.get_device_name()
    if asked.target is not None and on_cpu:
        place = f"no device: compiling for sm_{asked.target} only"
    print(f"case: {asked.sizes or 'the problem as it is'}; dtypes {asked.dtype}; strides {asked.strides}; values "
          f"{asked.values}; seed {asked.seed}; on {place}")  # fmt: skip
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
    try:
        shown = attempt(asked, on_cpu)
    except Raised as raised:
        return told(raised, asked, on_cpu)
    except Exception:
        traceback.print_exc(file=sys.stdout)
        print("the problem, or this script, fails here: that says nothing about the candidate")
        return 2
    finally:
        faulthandler.cancel_dump_traceback_later()
    if shown.lines:
        print(f"the refusal shows: {len(shown.lines)} lines above say WRONG")
        return 1
    print("nothing wrong shows here")
    if on_cpu and asked.cause in ("race", "address_overflow", "kernel_crashed", "kernel_timeout"):
        print("the interpreter runs programs one after the other and checks little: run this on a GPU as well")
    return 0


def attempt(asked: Asked, on_cpu: bool) -> Shown:
    """Compiles, or calls."""
    problem = module_of(asked.problem, "problem")
    if on_cpu and asked.target is None:
        with_libdevice()
        with_tf32()
    with candidates():
        kernel = module_of(asked.candidate, "kernel")
    if asked.target is None or not on_cpu:
        return examine(asked, problem, kernel, on_cpu)
    compiled(asked, problem, kernel)
    return Shown()


def told(raised: Raised, asked: Asked, on_cpu: bool) -> int:
    """What the candidate raised; whether that is the refusal, or the interpreter's own limit."""
    error = raised.__cause__
    traceback.print_exception(error, file=sys.stdout)
    if on_cpu and not asked.raises and type(error).__name__ == "InterpreterError" and "out of bounds" not in str(error):
        print("Triton's own interpreter cannot run this kernel: run this on a GPU")
        return 2
    print("the refusal shows: the candidate raises; its last line is the one in kernel.py above")
    return 1


def interpreted_here() -> bool:
    """Whether kernels are interpreted: where it is asked for, or there is no GPU."""
    return os.environ.get("TRITON_INTERPRET") == "1"
