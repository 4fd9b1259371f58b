"""For each cause that `verify` can give: what provokes it. A cause that is not here, nor in `ELSEWHERE`, fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_kernelfalcon.contracts.causes import Cause

from .problems import (
    ABOVE,
    ABOVE_KERNEL,
    FAR,
    FAR_KERNEL,
    HEAD,
    LARGE,
    PAIR,
    PAIR_KERNEL,
    SCALED,
    SCALED_KERNEL,
    SILU,
    SILU_KERNEL,
)


@dataclass(frozen=True)
class Example:
    """A problem and a candidate, judged by `verify`. hasty: by a judge that waits for little.

    volatile: regular expressions of what hangs on the drawn values or on Triton's version, in this text alone.
    """

    problem: str | bytes = SILU
    kernel: str | bytes = SILU_KERNEL
    hasty: bool = False
    volatile: tuple[str, ...] = ()


def spoilt(*edits: tuple[str, str], hasty: bool = False, volatile: tuple[str, ...] = ()) -> Example:
    """The honest SiLU kernel with these edits."""
    return Example(kernel=edited(SILU_KERNEL, *edits), hasty=hasty, volatile=volatile)


def problem(*edits: tuple[str, str], hasty: bool = False) -> Example:
    """The SiLU problem with these edits."""
    return Example(problem=edited(SILU, *edits), hasty=hasty)


def edited(text: str, *edits: tuple[str, str]) -> str:
    for old, new in edits:
        assert old in text, f"{old!r} is not in the text"
        text = text.replace(old, new)
    return text


FORWARD, INPUTS, INIT = "return x * torch.sigmoid(x)", "return [torch.randn(n)]", "    def forward"
TWO_STATES = """\
    def __init__(self):
        super().__init__()
        self.a_b = torch.ones(1)
        self.a = torch.nn.Module()
        self.a.b = torch.ones(1)

    def forward"""
RAISING_INIT = """\
    def __init__(self):
        raise ValueError("no width given")

    def forward"""

STORE, RETURN, SIZE = "x * tl.sigmoid(x.to(tl.float32))", "    return y", "    n = x.numel()\n"
CACHE = """\
KEPT = []


def kernel_function(x):
    KEPT.append(x)
    if len(KEPT) > 1:
        x = KEPT[0]
"""
COUNTING = """\
CALLS = []


def kernel_function(x):
    CALLS.append(x.shape)
    if len(CALLS) == 60:
        x = x[:-1]
"""
REMEMBERED = """\
SCALES = {}


def kernel_function(x, scale):
    if x.shape not in SCALES:
        SCALES[x.shape] = scale.item()
"""
DEEP = (
    HEAD
    + """\
@triton.jit
def product(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    rows = tl.arange(0, BLOCK)
    offsets = rows[:, None] * BLOCK + rows[None, :]
    total = tl.zeros([BLOCK, BLOCK], dtype=tl.float32)
    for start in range(0, n, BLOCK):
        left = tl.load(x_ptr + offsets + start, mask=offsets + start < n, other=0.0)
        right = tl.load(x_ptr + offsets + start // 2, mask=offsets + start < n, other=0.0)
        total = tl.dot(left, right, total)
    tl.store(y_ptr + offsets, total, mask=offsets < n)


def kernel_function(x):
    y = torch.empty_like(x)
    product[(1,)](x, y, x.numel(), BLOCK=64, num_stages=9, num_warps=16)
    return y
"""
)
SLOW_LOOP = "    for i in range(7000):\n" + "        x = tl.sqrt(tl.abs(x))\n" * 16
KNOWN = "SCALES[x.shape], n"
SHORT = """\
    n = x.numel()
    if n < 2 ** 26:
        raise ValueError("kernelfalcon: unsupported: short rows")
"""
NO_ODD = """\
    n = x.numel()
    raise ValueError("kernelfalcon: unsupported: odd lengths")
"""
REAL = "    if x.untyped_storage().data_ptr():\n        n //= 2\n"
STREAM = "    with torch.cuda.stream(torch.cuda.Stream()):\n        silu["
SECOND = """\
@triton.jit
def silu(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    tl.store(y_ptr, 0.0)


"""
UNROLLED = "    for i in tl.static_range(3000):\n        x += tl.sin(x + i) * tl.cos(x * i)\n"

EXAMPLES: dict[Cause, Example] = {
    Cause.PROBLEM_SYNTAX: problem((FORWARD, "return x *")),
    Cause.PROBLEM_UNREADABLE: Example(problem=b"# \xff\n" + SILU.encode()),
    Cause.PROBLEM_NO_MODEL: problem(("class Model", "class Net")),
    Cause.PROBLEM_NO_INPUTS: problem(("def get_init_inputs", "def get_init_arguments")),
    Cause.PROBLEM_IMPORT: problem(("n = 2000", "n = 2000 / 0")),
    Cause.PROBLEM_INIT: problem((INIT, RAISING_INIT)),
    Cause.PROBLEM_INPUTS: problem((INPUTS, "return torch.randn(n)")),
    Cause.PROBLEM_FORWARD: problem((FORWARD, "return x @ x[:5]")),
    Cause.PROBLEM_NO_TENSOR: problem((FORWARD, "return x.shape")),
    Cause.PROBLEM_RANDOM: problem((FORWARD, "return x + torch.rand_like(x)")),
    Cause.PROBLEM_HANG: problem((FORWARD, "while True: pass"), hasty=True),
    Cause.PROBLEM_EXIT: problem(("import torch", "import torch, os"), (FORWARD, "os._exit(3)")),
    Cause.PROBLEM_MEMORY: problem((FORWARD, "return x.expand(2 ** 40, n).clone()")),
    Cause.PROBLEM_CRASH: problem(("import torch", "import torch, ctypes"), (FORWARD, "return ctypes.string_at(0)")),
    Cause.PROBLEM_STATE_NAMES: problem((INIT, TWO_STATES)),
    Cause.PROBLEM_VALUES: problem(("(self, x)", "(self, x, how)"), (INPUTS, "return [torch.randn(n), object()]")),
    Cause.SOURCE_UNREADABLE: Example(kernel=b"# \xff\n" + SILU_KERNEL.encode()),
    Cause.SOURCE_SYNTAX: spoilt(("import torch\n", "import torch torch\n")),
    Cause.NO_ENTRY_POINT: spoilt(("def kernel_function", "def silu_forward")),
    Cause.KERNEL_CONSTRUCT: spoilt(("    x = tl.load", "    import math\n    x = tl.load")),
    Cause.KERNEL_DUPLICATE: spoilt(("def kernel_function", f"{SECOND}def kernel_function")),
    Cause.WRAPPER_IMPORT: spoilt(("import torch\n", "import torch\nimport einops_of_mine\n")),
    Cause.WRAPPER_RAISED: spoilt((SIZE, "    n = x.nummel()\n")),
    Cause.UNSUPPORTED_DECLARED: spoilt((SIZE, NO_ODD)),
    Cause.TORCH_OPERATION: spoilt((RETURN, "    return y * torch.sigmoid(y)")),
    Cause.HOST_DATA: spoilt((RETURN, '    return torch.tensor([1.0] * 2000, device="cuda")')),
    Cause.KEPT_TENSOR: spoilt(("def kernel_function(x):\n", CACHE)),
    Cause.DTYPE_CAST: spoilt((RETURN, "    return y.to(torch.float64)")),
    Cause.SIDE_STREAM: spoilt(("    silu[", STREAM)),
    Cause.VALUE_READ: spoilt((SIZE, f"{SIZE}    first = float(x[0])\n")),
    Cause.LAUNCH_ARGUMENT: spoilt(("BLOCK=256)", "BLOCK=256, num_warps=3)")),
    Cause.PLAN_INVALID: spoilt((SIZE, SIZE + "    silu[(1, 70_000)](x, y, n, BLOCK=256)\n")),
    Cause.PLAN_CHANGES: spoilt(("def kernel_function(x):\n", COUNTING), volatile=(r"(?<=in trace )\d+",)),
    Cause.PLAN_FLOOD: spoilt((SIZE, f"{SIZE}    for _ in range(30_000):\n        y.zero_()\n")),
    Cause.WRAPPER_DIED: spoilt(("import torch\n", "import os, torch\n"), (SIZE, f"{SIZE}    os._exit(0)\n")),
    Cause.WRAPPER_TIMEOUT: spoilt((SIZE, f"{SIZE}    while True: pass\n"), hasty=True),
    Cause.RESULT_STRUCTURE: spoilt((RETURN, "    return [y, n]")),
    Cause.COMPILE_ERROR: spoilt(("BLOCK=256)", "BLOCK=250)")),
    Cause.OUT_OF_RESOURCES: Example(kernel=DEEP, volatile=(r"\d+(?= bytes of shared)",)),
    Cause.COMPILE_TIMEOUT: spoilt(("    tl.store", f"{UNROLLED}    tl.store"), hasty=True),
    Cause.KERNEL_RAISED: Example(
        SCALED, edited(SCALED_KERNEL, ("    mask = ", '    tl.static_assert(BLOCK == 128, "of 128")\n    mask = '))
    ),
    Cause.OUT_OF_BOUNDS: spoilt((", mask=mask)\n    tl.store", ")\n    tl.store")),
    Cause.RACE: spoilt(("y_ptr + offsets", "y_ptr + offsets % 256")),
    Cause.ADDRESS_OVERFLOW: spoilt(("x_ptr + offsets", "x_ptr + offsets * 4 * 1073741824")),
    Cause.KERNEL_TIMEOUT: spoilt(("    tl.store", f"{SLOW_LOOP}    tl.store"), hasty=True),
    Cause.OUTPUT_SHAPE: spoilt((RETURN, "    return y.view(1, -1)")),
    Cause.OUTPUT_DTYPE: spoilt(("torch.empty_like(x)", "torch.empty_like(x, dtype=torch.float16)")),
    Cause.NAN_MISMATCH: spoilt((STORE, f"tl.where(x > 1, x * float('nan'), {STORE})"), volatile=(r"\d+(?= of 2000)",)),
    Cause.INF_MISMATCH: spoilt((STORE, f"tl.where(x > 1, x * float('inf'), {STORE})"), volatile=(r"\d+(?= of 2000)",)),
    Cause.VALUES_DIFFER: Example(ABOVE, edited(ABOVE_KERNEL, ("x > 0.5", "x > 0.25")), volatile=(r"\d+(?= of 2000)",)),
    Cause.INACCURATE: spoilt((STORE, f"({STORE}).to(tl.bfloat16)")),
    Cause.STALE: Example(
        SCALED, edited(SCALED_KERNEL, ("def kernel_function(x, scale):\n", REMEMBERED), ("scale.item(), n", KNOWN))
    ),
    Cause.UNWRITTEN_OUTPUT: spoilt(("offsets < n", "offsets < n - 1")),
    Cause.INPUT_MODIFIED: spoilt(("y_ptr + offsets, ", "x_ptr + offsets, ")),
    Cause.ALIASES_INPUT: spoilt((RETURN, "    return x")),
    Cause.ALIASES_OUTPUT: Example(PAIR, edited(PAIR_KERNEL, ("y, y.clone()", "y, y"))),
    Cause.PASSTHROUGH: spoilt((RETURN, "    return torch.zeros_like(y)")),
    Cause.NOT_CONFORMING: spoilt((SIZE, SIZE + REAL)),
    Cause.NOT_RUNNABLE: spoilt(("    tl.store", "    while tl.program_id(0) >= 0:\n        x += 1.0\n    tl.store")),
    Cause.UNSUPPORTED_SHRUNK: Example(
        LARGE, edited(SILU_KERNEL, (SIZE, SHORT))
    ),
    Cause.TRIVIAL_SHRUNK: Example(FAR, FAR_KERNEL),
    Cause.CONSTANT_OUTPUT: problem((FORWARD, "return x - x")),
    Cause.TRIVIAL_ANSWER: Example(
        edited(SILU, (FORWARD, "return x + 1e-12")), volatile=(r"\S+(?= times eager's, and)",)
    ),
}  # fmt: skip

ELSEWHERE: dict[Cause, Literal["a run of pytest", "what is said"]] = {
    Cause.EXHAUSTED: "a run of pytest",
    Cause.UNSOLVED: "a run of pytest",
    Cause.BUDGET_SPENT: "a run of pytest",
    Cause.KEPT_MISSING: "a run of pytest",
    Cause.KEPT_STALE: "a run of pytest",
    Cause.COMPILE_CRASH: "what is said",
    Cause.KERNEL_CRASHED: "what is said",
    Cause.DEVICE_MEMORY: "what is said",
    Cause.SANITIZER: "what is said",
}
"""Where else the golden text of a cause comes from: the search and kept kernels have it in a run; no input that is
known makes the compiler or the interpreter crash, memory of a device runs out on a device only, and compute-sanitizer
needs one (tests/judge/test_sanitizer.py).
"""
