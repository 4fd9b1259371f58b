"""The accepted module used for real: wrappers that tell that from being judged, and honest ones that vary."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from textwrap import dedent, indent

import pytest

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge import judge as judging
from pytest_kernelfalcon.judge.checks import CHECKS, conforming, declared, running, source
from pytest_kernelfalcon.judge.gates import Patience
from pytest_kernelfalcon.judge.judge import Judge, Unavailable
from pytest_kernelfalcon.judge.steps import core, departure, read, renumbered
from pytest_kernelfalcon.judge.verdict import Verdict

from .conftest import Silu, Verify

Conform = Callable[..., Verdict]
NEEDED = (
    source.starts,
    declared.plan,
    running.each_form,
    conforming.used_for_real,
    conforming.used_at_declared_sizes,
)
TOP = """\
import os, sys, time
START = time.monotonic()
def real(x):
{test}
"""
SIGNS = {
    "storage pointer": "return x.untyped_storage().data_ptr() != 0",
    "storage device": "return x.untyped_storage().device.type == 'cuda'",
    "meta": "with torch._C.DisableTorchFunction(): return not x.is_meta",
    "dispatch keys": "return not torch._C._dispatch_keys(x).has(torch._C.DispatchKey.Meta)",
    "text": "return '[' in repr(x)",
    "dispatch modes": "return torch._C._len_torch_dispatch_stack() == 0",
    "modules": "return not any(name.startswith('pytest_kernelfalcon') for name in sys.modules)",
    "environment": "return not any('KERNELFALCON' in name for name in os.environ)",
    "arguments": "return not any('zygote' in part for part in [*sys.argv, *sys.orig_argv])",
    "main module": "return not hasattr(sys.modules['__main__'], 'guard')",
    "output": "return sys.stdout.isatty()",
    "clock": "return time.monotonic() - START > 600",
    "main thread": """\
if '__main__' not in sys.modules or hasattr(sys.modules['__main__'], 'guard'): return False
return __import__('threading').current_thread() is __import__('threading').main_thread()""",
    "stack": """\
frame, names = sys._getframe(), ''
while frame: names, frame = names + frame.f_code.co_filename, frame.f_back
return 'kernelfalcon' not in names""",
}
COMMAND_LINE = """\
try: return 'zygote' not in open('/proc/self/cmdline').read()
except OSError: return False"""
DOUBLE = "x * tl.sigmoid(x) * FACTOR"


@pytest.fixture
def conform(verify: Verify, silu: Silu, monkeypatch: pytest.MonkeyPatch) -> Conform:
    """The verdict on an edited kernel of what conformance needs, and of itself."""
    monkeypatch.setattr(judging, "CHECKS", [check for check in CHECKS if check.look in NEEDED])

    def look(kernel: str, problem: str = silu.problem) -> Verdict:
        return verify(problem, kernel, "accept")

    return look


def cheating(silu: Silu, sign: str, instead: str) -> str:
    """The kernel's module, which does something else where it takes its tensors for real ones."""
    top = TOP.format(test=indent(SIGNS[sign], "    "))
    body = f"    y = torch.empty_like(x)\n    if real(x):\n{indent(instead, '        ')}\n"
    return top + silu.edited("    y = torch.empty_like(x)\n", body)


@pytest.mark.parametrize("sign", SIGNS)
def test_a_wrapper_that_computes_with_torch_once_its_tensors_are_real_is_refused(
    conform: Conform, silu: Silu, sign: str
) -> None:
    verdict = conform(cheating(silu, sign, "return x * torch.sigmoid(x)"))
    assert (verdict.outcome, verdict.cause, verdict.stage) == ("refused", "not_conforming", "conform"), verdict


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        (
            "if x.data_ptr() in SEEN: return SEEN[x.data_ptr()]\nSEEN[x.data_ptr()] = y",
            "nothing where launch of `silu`",
        ),
        ("SEEN[len(SEEN)] = 0\nif len(SEEN) > 50: return y", "where launch of `silu`"),
        ("globals()['FACTOR'] = tl.constexpr(2.0)", "the constant `FACTOR` is no longer 1.0"),
        ("silu._unsafe_update_src(silu.src.replace('sigmoid', 'exp')); silu.hash = None", "not the one of the text"),
        ("raise KeyError('only here')", "KeyError: 'only here'"),
        ("os._exit(0)", "its process ends (exit code 0)"),
        ("y.zero_()", '"fill"'),
        ("y.copy_(x)", '"copy"'),
        ("y = torch.empty(x.numel() + 8, device=x.device)[:x.numel()]", '"alloc"'),
    ],
)
def test_whatever_else_it_does_then_is_told(conform: Conform, silu: Silu, instead: str, said: str) -> None:
    kernel = cheating(silu, "storage pointer", instead).replace("x * tl.sigmoid(x)", DOUBLE)
    kernel = kernel.replace("@triton.jit", "FACTOR = tl.constexpr(1.0)\nSEEN = {}\n\n\n@triton.jit")
    verdict = conform(kernel)
    assert (verdict.outcome, verdict.cause) == ("refused", "not_conforming"), verdict
    assert said in verdict.message


def test_where_it_departs_from_its_plan_is_named_with_the_line(conform: Conform, silu: Silu) -> None:
    kernel = cheating(silu, "storage pointer", "return x * torch.sigmoid(x)")
    line = kernel.splitlines().index("        return x * torch.sigmoid(x)") + 1
    verdict = conform(kernel)
    assert verdict.where == {"file": "kernel", "line": line, "program": None}
    assert "aten.sigmoid" in verdict.message


@pytest.mark.parametrize(
    ("instead", "outcome"), [("return x * torch.sigmoid(x)", "refused"), ("COUNT.append(x.numel())", "accepted")]
)
def test_at_sizes_that_cannot_be_run_here_it_must_do_the_same_too(
    conform: Conform, silu: Silu, instead: str, outcome: str
) -> None:
    kernel = cheating(silu, "dispatch modes", f"if x.numel() > 100_000:\n    {instead}")
    large = silu.problem.replace("n = 2000", "n = 1 << 20")
    verdict = conform(f"COUNT = []\n{kernel}", large)
    assert (verdict.outcome, "shrunk_form" in verdict.flags) == (outcome, True), verdict
    assert verdict.case is None or verdict.case["sizes"] == {"n": 1 << 20}


FORGED = """
for fd in range(3, 200):
    try: os.write(fd, b'\\0\\0\\0\\x10{"failed": "no"}  '), os.write(fd, b'\\xff' * 64)
    except OSError: pass
"""


def test_what_its_process_forges_can_only_refuse_it(conform: Conform, silu: Silu) -> None:
    verdict = conform(cheating(silu, "storage pointer", FORGED.strip()))
    assert (verdict.outcome, verdict.cause) == ("refused", "not_conforming"), verdict


ANSWERED = """
import gc, json, struct, time
line = next(found for found in gc.get_objects() if type(found).__name__ == 'Channel' and found.fileno() >= 0)
data = json.dumps({answer!r}).encode()
line.sock.sendall(struct.pack('>I', len(data)) + data)
time.sleep(60)
"""
CODES = "\x1b[2J\u202e" + "x" * 9000
OTHER = [{"heard": [json.dumps({"op": "other", "detail": CODES})], "results": []}]
RAISED = [{"heard": [json.dumps({"op": "raise", "type": CODES, "text": CODES})], "results": []}]
LAUNCHED = [{"heard": [json.dumps({"op": "launch", "kernel": CODES, "grid": CODES})], "results": []}]
NO_MESSAGE = [{"heard": [CODES], "results": []}]
COUNTED = {"number": CODES, "heard": ["{}"], "first": ["[]"]}


@pytest.mark.parametrize(
    "answer",
    [
        {"calls": OTHER, "repeated": None},
        {"calls": RAISED, "repeated": None},
        {"calls": LAUNCHED, "repeated": None},
        {"calls": NO_MESSAGE, "repeated": None},
        {"calls": [{"heard": None, "results": CODES}], "repeated": None},
        {"calls": [{"heard": None, "results": [[[2000], "float32"]]}], "repeated": COUNTED},
    ],
    ids=["other", "raised", "launched", "no message", "results", "number"],
)
def test_what_it_says_itself_reaches_a_verdict_short_and_printable(
    conform: Conform, silu: Silu, answer: object
) -> None:
    verdict = conform(cheating(silu, "storage pointer", ANSWERED.format(answer=answer).strip()))
    assert (verdict.outcome, verdict.cause) == ("refused", "not_conforming"), verdict
    assert verdict.message.isprintable() and len(verdict.message) < 1000


def test_hostile_messages_of_it_are_read_without_harm() -> None:
    deep = '{"op": "launch", "x": ' + "[" * 800 + "]" * 800 + "}"
    steps = read([deep, "[" * 100_000, "not json", '{"op": "launch", "storage": 9}'])
    assert [core(step) for step in renumbered(steps, 2)][-1] == '{"op": "launch", "storage": 2}'
    assert departure(steps[3:], steps[:1]) is not None
    for line, told in ((17, 17), (10**400, None), (-1, None), (True, None), ("17", None)):
        found = departure([], [{"op": "fill", "line": line}])
        assert found is not None and found.line == told


def test_an_endless_loop_is_ended(judge: Judge, conform: Conform, silu: Silu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "_patience", replace(judge._patience, run=3.0))
    verdict = conform(cheating(silu, "storage pointer", "while True: pass"))
    assert (verdict.outcome, verdict.cause) == ("refused", "not_conforming"), verdict
    assert "does not end" in verdict.message


BRANCHES = """
    import torch
    import triton
    import triton.language as tl

    @triton.jit
    def total(x_ptr, sum_ptr, n, BLOCK: tl.constexpr):
        at = tl.arange(0, BLOCK)
        x = tl.load(x_ptr + at, mask=at < n, other=0.0)
        tl.store(sum_ptr, tl.sum(tl.abs(x).to(tl.float32), axis=0))

    @triton.jit
    def scale(x_ptr, sum_ptr, y_ptr, n, BLOCK: tl.constexpr):
        at = tl.arange(0, BLOCK)
        x = tl.load(x_ptr + at, mask=at < n)
        tl.store(y_ptr + at, x / tl.load(sum_ptr), mask=at < n)

    @triton.jit
    def plain(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
        at = tl.arange(0, BLOCK)
        tl.store(y_ptr + at, tl.load(x_ptr + at, mask=at < n), mask=at < n)

    def kernel_function(x):
        x = x.contiguous()
        y, size = torch.empty_like(x), torch.empty((), dtype=torch.float32, device=x.device)
        n, block = x.numel(), triton.next_power_of_2(x.numel())
        total[(1,)](x, size, n, BLOCK=block)
        if size.item() > 40:
            scale[(1,)](x, size, y, n, BLOCK=block)
        else:
            plain[(1,)](x, y, n, BLOCK=block)
        return y
    """
BOUNDED = """
    import torch

    class Model(torch.nn.Module):
        def forward(self, x):
            return x / x.abs().sum() if x.abs().sum() > 40 else x * 1

    n = 50

    def get_inputs():
        return [torch.randn(n)]

    def get_init_inputs():
        return []
    """


def test_a_branch_on_what_a_kernel_computed_is_held_against_the_plan_of_the_same_values(verify: Verify) -> None:
    verdict = verify(BOUNDED, BRANCHES, "accept")
    assert verdict.outcome == "accepted", verdict
    assert "host_reads" in verdict.flags


TUNED = """
    import torch
    import triton
    import triton.language as tl

    @triton.autotune([triton.Config({"BLOCK": b}) for b in (128, 256, 512)], key=["n"])
    @triton.heuristics({"EVEN": lambda given: given["n"] % given["BLOCK"] == 0})
    @triton.jit
    def silu(x_ptr, y_ptr, n, BLOCK: tl.constexpr, EVEN: tl.constexpr):
        offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + offsets, mask=offsets < n)
        tl.store(y_ptr + offsets, x * tl.sigmoid(x), mask=offsets < n)

    def kernel_function(x):
        x, y = x.contiguous(), torch.empty_like(x, memory_format=torch.contiguous_format)
        silu[lambda meta: (triton.cdiv(x.numel(), meta["BLOCK"]),)](x, y, x.numel())
        return y
    """


def test_an_autotuned_kernel_takes_the_configuration_of_its_plan(conform: Conform) -> None:
    assert conform(TUNED).outcome == "accepted"


MODEL_NEW = """
    import torch
    import triton
    import triton.language as tl

    @triton.jit
    def silu(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
        offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + offsets, mask=offsets < n)
        tl.store(y_ptr + offsets, x * tl.sigmoid(x), mask=offsets < n)

    class ModelNew(torch.nn.Module):
        def forward(self, x):
            y = torch.empty_like(x)
            {work}
            return y
    """


@pytest.mark.parametrize(
    ("work", "outcome"),
    [
        ("silu[(triton.cdiv(x.numel(), 256),)](x.contiguous(), y, x.numel(), BLOCK=256)", "accepted"),
        ("silu[(8 if not x.untyped_storage().data_ptr() else 4,)](x.contiguous(), y, x.numel(), BLOCK=256)", "refused"),
    ],
)
def test_a_model_new_is_used_for_real_too(conform: Conform, work: str, outcome: str) -> None:
    assert conform(MODEL_NEW.format(work=work)).outcome == outcome


MANIFOLD = """\
import torch
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor

SHIFT = tl.constexpr(0.0)
COUNTED = []


@triton.jit
def half(x, FACTOR: tl.constexpr):
    return x * FACTOR


@triton.jit
def silu(x, y_ptr, spare_ptr, n, kind: tl.constexpr, other: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK
    offsets = at + tl.arange(0, BLOCK)
    value = x.load([at])
    value = value * tl.sigmoid(value)
    value = other(value, 2.0).to(kind) * 0.5 + SHIFT + tl.load(spare_ptr)
    tl.store(y_ptr + offsets, value, mask=offsets < n)


def kernel_function(x):
    x = x.contiguous().clone()
    n = x.numel()
    spare = x.new_zeros(4, 4)
    spare[0] = 1.0
    spare[:, 1] = 2
    spare.t()[2].fill_(3.0)
    spare[3, 3:].zero_()
    more = torch.full((2, 3), float("inf"), dtype=torch.float64, device="cuda")
    more = torch.zeros_like(more).expand(2, 3).flatten().reshape(3, 2).permute(1, 0).contiguous()
    kept = torch.empty((3, 5), device=x.device).copy_(torch.ones((3, 1), device=x.device).expand(3, 5))
    assert x.is_cuda and x.device == kept.device and x.data_ptr() % 16 == 0 and not x.is_cpu
    assert torch.cuda.get_device_properties(x.device).multi_processor_count > 1
    COUNTED.append(len(COUNTED))
    with torch.cuda.device(x.device):
        y = torch.empty(n + 3, dtype=x.dtype, device=x.device.type)[:n]
        rows = TensorDescriptor.from_tensor(x.view(-1), [256])
        silu[(triton.cdiv(n, 256), 1)](rows, y, spare[3, 3:], n, tl.float32, half, BLOCK=256, num_warps=8)
    return y.view(x.shape)
"""


def test_whatever_a_plan_can_say_is_said_alike_for_real(verify: Verify, silu: Silu) -> None:
    """Allocations, fills, copies, views, descriptors, dtypes and kernels as arguments."""
    verdict = verify(silu.problem, MANIFOLD, "accept")
    assert verdict.outcome == "accepted", verdict


@pytest.fixture(scope="module")
def gpu() -> Iterator[Judge]:
    try:
        judge = Judge("cuda", patience=Patience(run=15))
    except Unavailable as error:
        pytest.skip(str(error))
    with judge:
        yield judge


@pytest.mark.gpu
@pytest.mark.parametrize("sign", [*SIGNS, "command line"])
def test_on_a_gpu_a_wrapper_that_tells_real_tensors_is_refused(
    gpu: Judge, inspect: Callable[[str], Contract], silu: Silu, monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    """Where nobody watches it is caught by its values."""
    monkeypatch.setattr(judging, "CHECKS", [check for check in CHECKS if check.look in NEEDED])
    monkeypatch.setitem(SIGNS, "command line", COMMAND_LINE)
    contract, instead = inspect(silu.problem), "return x * torch.sigmoid(x) * 1.0001"
    verdict = gpu.judge(contract, cheating(silu, sign, instead), "accept", Control())
    assert (verdict.outcome, verdict.cause) == ("refused", "not_conforming"), verdict


@pytest.mark.gpu
@pytest.mark.parametrize(("problem", "kernel"), [(None, MANIFOLD), (None, TUNED), (BOUNDED, BRANCHES)])
def test_on_a_gpu_honest_modules_conform(
    gpu: Judge, inspect: Callable[[str], Contract], silu: Silu, problem: str | None, kernel: str
) -> None:
    verdict = gpu.judge(inspect(problem or silu.problem), dedent(kernel), "accept", Control())
    assert verdict.outcome == "accepted", verdict


@pytest.mark.gpu
@pytest.mark.parametrize(
    "instead",
    [
        "if x.data_ptr() in SEEN: return SEEN[x.data_ptr()]\nSEEN[x.data_ptr()] = y",
        "globals()['FACTOR'] = tl.constexpr(2.0)",
        "y.zero_()",
    ],
)
def test_on_a_gpu_whatever_else_it_does_is_told(
    gpu: Judge, inspect: Callable[[str], Contract], silu: Silu, instead: str
) -> None:
    kernel = cheating(silu, "storage pointer", instead).replace("x * tl.sigmoid(x)", DOUBLE)
    kernel = kernel.replace("@triton.jit", "FACTOR = tl.constexpr(1.0)\nSEEN = {}\n\n\n@triton.jit")
    verdict = gpu.judge(inspect(silu.problem), kernel, "accept", Control())
    assert (verdict.outcome, verdict.cause) == ("refused", "not_conforming"), verdict
