"""What a repro.py does with a problem and a candidate. PYTEST_DONT_REWRITE

No role runs this: judge/repro/ puts its text, with that of the functions that it uses of other roles, into a script of
its own. So it imports torch and the standard library alone; Triton only where a kernel is to run, after the script has
decided whether it is interpreted. Unlike the judge it runs the candidate's own Python, on real tensors.
"""

from __future__ import annotations

import contextlib
import copy
import faulthandler
import importlib.util
import math
import os
import random
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from pytest_kernelfalcon.judge.roles.held import held_in, mapped, tensors_in
from pytest_kernelfalcon.judge.roles.modules import _init_arguments, _quiet_dropout
from pytest_kernelfalcon.judge.roles.reference import refresh_held, same_draw
from pytest_kernelfalcon.judge.roles.values import changed
from pytest_kernelfalcon.judge.roles.variants import LAYOUTS, _everywhere, finer, laid_out
from pytest_kernelfalcon.judge.roles.widen import Widen, double_by_default, widened, widened_model, working_bytes

EMPTY = {"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"}
DRAWS = 3
"""Draws over which eager's error is pooled."""
PATIENCE_S = 300


@dataclass(frozen=True)
class Asked:
    """What is to be shown. problem, candidate: their texts, the problem's at the sizes of the case.

    dtype, strides, values: of the case, as the judge names them. rms_bound, worst_bound: the judge's, over eager's
    errors. target: a compute capability to compile for in place of a call, or None. raises: whether the refusal is an
    exception, so that one is no fault of the interpreter.
    """

    problem: str
    candidate: str
    cause: str
    dtype: str = "declared"
    strides: str = "declared"
    values: str = "drawn"
    seed: int = 0
    rms_bound: float = 4.0
    worst_bound: float = 8.0
    target: int | None = None
    sizes: str = ""
    raises: bool = False


@dataclass
class Drawn:
    """A model and its inputs, as one call is given them."""

    model: Any
    init: Any
    inputs: list[Any]


@dataclass
class Shown:
    """What is wrong, one line each."""

    lines: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.lines.append(text)
        print(f"WRONG: {text}")


class Raised(Exception):
    """The candidate, or what it launches, raised: the cause of this."""


@contextlib.contextmanager
def candidates() -> Iterator[None]:
    """Exceptions in here are the candidate's; an exit is one."""
    leave = os._exit
    os._exit = left  # type: ignore[assignment]
    try:
        yield
    except (Exception, SystemExit) as error:
        raise Raised from error
    finally:
        os._exit = leave


def left(code: int = 0) -> None:
    """In place of `os._exit`, after which nobody could say anything."""
    raise SystemExit(f"os._exit({code}) is called")


class Host(TorchFunctionMode):
    """Fresh memory holds poison, and where there is no GPU `cuda` is the CPU. number: of the poison, 0 or 1."""

    def __init__(self, number: int, on_cpu: bool) -> None:
        super().__init__()
        self.number, self.on_cpu = number, on_cpu

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if self.on_cpu:
            if name == "cuda" or func is torch.Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
                return args[0] if name == "cuda" else True
            args = tuple(map(here, args))
            kwargs = {key: here(value) for key, value in kwargs.items()}
        result = func(*args, **kwargs)
        if name in EMPTY and isinstance(result, torch.Tensor):
            result.fill_(poison(result.dtype, self.number))
        return result


def here(value: Any) -> Any:
    """A CUDA device, by name or as an object, as the CPU."""
    if isinstance(value, torch.device) and value.type == "cuda":
        return torch.device("cpu")
    return "cpu" if isinstance(value, str) and value.split(":")[0] == "cuda" else value


def poison(dtype: torch.dtype, number: int) -> float | int | bool:
    """What fresh memory holds: two values that no kernel computes by chance at the same element."""
    if dtype == torch.bool:
        return bool(number)
    if dtype.is_floating_point:
        return -54336.0 if number else 12352.0
    return (torch.iinfo(dtype).max // 3) * (1 if number else 2)


def module_of(text: str, name: str) -> ModuleType:
    """The module that `text` makes, from a file of its own: Triton reads a kernel's text from there."""
    path = Path(tempfile.mkdtemp(prefix="repro-")) / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def seeded(seed: int) -> None:
    """torch, `random`, and numpy where the problem uses it."""
    torch.manual_seed(seed)
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)


def draw(problem: ModuleType, asked: Asked, seed: int, device: str) -> Drawn:
    """Model and inputs as the judge makes them: flat state and inputs that never change are drawn afresh, then values,
    type and layout of the case.
    """
    once = []
    for other in (1, 2):
        seeded(other)
        once.append(list(problem.get_inputs()))
    fixed = {i for i, pair in enumerate(zip(*once, strict=False)) if same_draw(*pair)}
    seeded(seed)
    init = _init_arguments(problem.Model, problem.get_init_inputs())
    drawn = Drawn(problem.Model(*init[0], **init[1]), init, list(problem.get_inputs()))
    _quiet_dropout(drawn.model)
    drawn.model.to(device)
    _everywhere(drawn, lambda x: x.to(device))  # type: ignore[arg-type]
    refresh_held([item for item in held_in(drawn.model) if item.tied_to is None], drawn.inputs, fixed)
    if asked.values != "drawn":
        drawn.inputs = changed(drawn.inputs, asked.values)
    if asked.dtype != "declared":
        dtype = getattr(torch, asked.dtype)
        coarse = {tensor.dtype for tensor in tensors_in(drawn.inputs) if tensor.is_floating_point()}
        drawn.model.to(dtype)
        _everywhere(drawn, lambda x: x.to(dtype) if x.is_floating_point() else x)  # type: ignore[arg-type]
        if asked.values == "drawn":
            eps = max((torch.finfo(one).eps for one in coarse), default=0.0)
            drawn.inputs = mapped(drawn.inputs, lambda x: finer(x, eps))
    if asked.strides != "declared":
        drawn.inputs = [laid_out(value, LAYOUTS[asked.strides]) for value in drawn.inputs]
    return drawn


def eager_and_truth(drawn: Drawn, changes: list[bool]) -> tuple[Any, Any]:
    """What the model gives in its own precision, and in fp64 (or eager again, where it does not run so): each
    [result, the inputs that it changes].
    """
    copies = mapped(drawn.inputs, torch.clone)
    with torch.no_grad():
        eager = [copy.deepcopy(drawn.model)(*copies), chosen(copies, changes)]
    given = [*tensors_in(drawn.inputs), *(item.tensor for item in held_in(drawn.model))]
    model, inputs = widened_model(drawn.model), widened(drawn.inputs)
    try:
        with torch.no_grad(), double_by_default(), Widen(working_bytes(given)):
            return eager, [model(*inputs), chosen(inputs, changes)]
    except Exception as error:
        print(f"the model does not run in fp64 ({type(error).__name__}): eager stands for it")
        return eager, eager


def chosen(inputs: Any, changes: list[bool]) -> list[torch.Tensor]:
    """The tensors of the inputs that `forward` changes, whose content is compared like an output's."""
    return [tensor for tensor, may in zip(tensors_in(inputs), changes, strict=True) if may]


def wrapper(kernel: ModuleType, drawn: Drawn) -> Callable[..., Any]:
    """`kernel_function` with the model's state, or `ModelNew` with it."""
    if hasattr(kernel, "kernel_function"):
        state = {item.arg: item.tensor.detach() for item in held_in(drawn.model) if item.tied_to is None}
        return lambda *inputs: kernel.kernel_function(*inputs, **state)
    args, kwargs = drawn.init
    model = kernel.ModelNew(*args, **kwargs)
    model.load_state_dict(drawn.model.state_dict(), strict=False)
    like = next((tensor for tensor in tensors_in(drawn.inputs) if tensor.is_floating_point()), None)
    return model.to(like.device, like.dtype) if like is not None else model  # type: ignore[no-any-return]


def call(kernel: ModuleType, drawn: Drawn, number: int, on_cpu: bool) -> Any:
    """One call of the candidate, in memory poisoned so."""
    with candidates():
        function = wrapper(kernel, drawn)
        with Host(number, on_cpu), torch.no_grad():
            result = function(*drawn.inputs)
        if not on_cpu:
            torch.cuda.synchronize()
    return result


@contextlib.contextmanager
def watched(on_cpu: bool, reverse: bool = False) -> Iterator[None]:
    """In the interpreter: accesses outside of what a kernel was given raise IndexError; programs in reverse order."""
    if not on_cpu:
        yield
        return
    from triton.runtime import interpreter

    regions: dict[int, int] = {}
    builder, executor = interpreter.InterpreterBuilder, interpreter.GridExecutor
    before = builder.create_masked_load, builder.create_masked_store, builder.set_grid_idx, executor._init_args_hst

    def noted(self: Any, args: Any, kwargs: Any) -> Any:
        with torch._C.DisableTorchFunction():
            given = before[3](self, args, kwargs)
        regions.clear()
        for value in (*given[0], *given[1].values()):
            base = getattr(value, "base", value)
            if isinstance(base, torch.Tensor):
                with torch._C.DisableTorchFunction():
                    regions[base.untyped_storage().data_ptr()] = base.untyped_storage().nbytes()
        return given

    def load(self: Any, pointers: Any, mask: Any, *rest: Any) -> Any:
        inside(pointers, mask, regions, "load")
        return before[0](self, pointers, mask, *rest)

    def store(self: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        inside(pointers, mask, regions, "store")
        return before[1](self, pointers, value, mask, *rest)

    def place(self: Any, *index: int) -> Any:
        turned = [size - 1 - i for size, i in zip(self.grid_dim, index, strict=True)] if reverse else index
        return before[2](self, *turned)

    def put(*functions: Any) -> None:
        builder.create_masked_load, builder.create_masked_store, builder.set_grid_idx = functions[:3]
        executor._init_args_hst = functions[3]

    put(load, store, place, noted)
    try:
        yield
    finally:
        put(*before)


def with_libdevice() -> None:
    """Triton's interpreter has no libdevice: where torch has a function of the name, that is computed, in fp64."""
    import triton.language as tl
    from triton.language.extra import libdevice
    from triton.language.extra.cuda import libdevice as of_cuda
    from triton.runtime.interpreter import TensorHandle

    def computed(function: Any) -> Any:
        def call(*given: Any, **_: Any) -> Any:
            first = next(x for x in given if isinstance(x, tl.tensor))
            values = [torch.from_numpy(x.handle.data.astype("float64")) if isinstance(x, tl.tensor)
                      else torch.tensor(float(x), dtype=torch.float64) for x in given]  # fmt: skip
            result = function(*values).numpy().astype(first.handle.data.dtype)
            return tl.tensor(TensorHandle(result, first.handle.dtype), first.type)

        return call

    for module in (libdevice, of_cuda):
        for name in [name for name, known in vars(module).items() if callable(known) and name != "round"]:
            function = getattr(torch, name, None) or getattr(torch.special, name, None)
            if callable(function):
                setattr(module, name, computed(function))


def with_tf32() -> None:
    """Triton's interpreter multiplies in full precision: here TF32 rounds factors to 10 bits, as tensor cores do."""
    from triton.runtime import interpreter

    exact = interpreter.InterpreterBuilder.create_dot

    def rounded(factor: Any) -> Any:
        bits = factor.data.astype("float32").view("int32")
        return interpreter.TensorHandle(((bits + 0x1000) & ~0x1FFF).view("float32"), factor.dtype)

    def dot(self: Any, left: Any, right: Any, total: Any, precision: Any, *rest: Any) -> Any:
        single = str(left.dtype) == str(right.dtype) == "fp32"
        if single and getattr(precision, "name", "") == "TF32":
            left, right = rounded(left), rounded(right)
        return exact(self, left, right, total, precision, *rest)

    interpreter.InterpreterBuilder.create_dot = dot


def inside(pointers: Any, mask: Any, regions: dict[int, int], action: str) -> None:
    """Every active address lies in a tensor that the kernel was given."""
    size = max(pointers.get_element_ty().primitive_bitwidth // 8, 1)
    addresses = pointers.data.reshape(-1)[mask.data.reshape(-1).astype(bool)].astype("int64")
    right = addresses < 0
    for start, count in regions.items():
        right |= (addresses >= start) & (addresses + size <= start + count)
    wrong = addresses[~right].tolist()
    if wrong:
        near = min(regions, key=lambda start: min(abs(wrong[0] - start), abs(wrong[0] - start - regions[start])))
        place = f"byte {wrong[0] - near} of a tensor of {regions[near]} bytes"
        raise IndexError(f"{action} out of bounds: {len(wrong)} of {len(addresses)} active lanes, the first at {place}")


@dataclass
class Pool:
    """Eager's errors as fractions of the truth's RMS, the largest over the draws, by output."""

    rms: dict[int, float] = field(default_factory=dict)
    top: dict[int, float] = field(default_factory=dict)

    def add(self, index: int, eager: torch.Tensor, truth: torch.Tensor) -> None:
        rms, top, scale = errors(eager, truth)
        eps = torch.finfo(eager.dtype).eps
        self.rms[index] = max(self.rms.get(index, eps / 2), rms / scale)
        self.top[index] = max(self.top.get(index, 2 * eps), top / scale)


def errors(value: torch.Tensor, truth: torch.Tensor) -> tuple[float, float, float]:
    """RMS and largest error over what is finite in both, and the RMS of the truth (1 where that is 0)."""
    mine, exact = value.double(), truth.double()
    plain = mine.isfinite() & exact.isfinite()
    wrong, exact = (mine - exact)[plain], exact[plain]
    if not wrong.numel():
        return 0.0, 0.0, 1.0
    scale = float(exact.square().mean().sqrt())
    return float(wrong.square().mean().sqrt()), float(wrong.abs().max()), scale if scale > 0 else 1.0


def compare(index: int, got: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor, pool: Pool, asked: Asked,
            shown: Shown) -> None:  # fmt: skip
    """One output's figures; what is wrong with them is said."""
    name = f"output {index}"
    if got.shape != eager.shape or got.dtype != eager.dtype:
        shown.say(f"{name} is {got.dtype} {list(got.shape)}, expected {eager.dtype} {list(eager.shape)}")
        return
    if not eager.is_floating_point():
        wrong = (got != eager) & (got != truth.to(got.dtype))
        if bool(wrong.any()):
            shown.say(f"{name} differs at {int(wrong.sum())} of {wrong.numel()} elements, {at(wrong, got, eager)}")
        return
    for word, kind in (("NaN", torch.isnan), ("infinity", torch.isinf)):
        wrong = (kind(got) != kind(eager)) & (kind(got) != kind(truth.to(got.dtype)))
        if bool(wrong.any()):
            count = f"{int(wrong.sum())} of {wrong.numel()} elements"
            shown.say(f"{name} is wrong about {word} at {count}, {at(wrong, got, eager)}")
    rms, top, scale = errors(got, truth)
    rms, top = rms / scale / pool.rms[index], top / scale / pool.top[index]
    print(f"{name}: RMS error {rms:.3g} times eager's (at most {asked.rms_bound:g}), worst {top:.3g} times "
          f"(at most {asked.worst_bound:g})")  # fmt: skip
    if rms > asked.rms_bound or top > asked.worst_bound or not math.isfinite(rms + top):
        shown.say(f"{name} is too far from the fp64 result, {at((got.double() - truth.double()).abs(), got, truth)}")


def at(badness: torch.Tensor, got: torch.Tensor, want: torch.Tensor) -> str:
    """The worst element in words."""
    flat = int(badness.double().nan_to_num(0.0).argmax())
    index = [int(i) for i in torch.unravel_index(torch.tensor(flat), badness.shape)] if badness.dim() else []
    return f"worst at {index}: got {got.reshape(-1)[flat].item():.9g}, want {want.reshape(-1)[flat].item():.9g}"


def structure(value: object) -> object:
    """The nesting alone."""
    if isinstance(value, dict):
        return {key: structure(item) for key, item in value.items()}
    return [structure(item) for item in value] if isinstance(value, list | tuple) else isinstance(value, torch.Tensor)


def outputs(got: Any, eager: Any, truth: Any, pool: Pool, asked: Asked, shown: Shown) -> None:
    """All that one call gives: its result, and the inputs that it changes."""
    if structure(got) != structure(eager):
        shown.say(f"the structure of the result differs: got {nesting(got[0])}, expected {nesting(eager[0])}")
        return
    for index, three in enumerate(zip(tensors_in(got), tensors_in(eager), tensors_in(truth), strict=True)):
        compare(index, *three, pool, asked, shown)


def nesting(value: object) -> str:
    """The structure in words."""
    return str(structure(value)).replace("True", "a tensor").replace("False", "no tensor")


def examine(asked: Asked, problem: ModuleType, kernel: ModuleType, on_cpu: bool) -> Shown:
    """Calls the candidate, and says all that is wrong."""
    device, shown, pool = "cpu" if on_cpu else "cuda", Shown(), Pool()
    draws = [draw(problem, asked, asked.seed + number, device) for number in range(DRAWS)]
    first, kept = draws[0], mapped(draws[0].inputs, torch.clone)
    changes = [not same(x, y) for x, y in zip(after_forward(first), tensors_in(kept), strict=True)]
    expected = [eager_and_truth(drawn, changes) for drawn in draws]
    for eager, truth in expected:
        for index, (mine, exact) in enumerate(zip(tensors_in(eager), tensors_in(truth), strict=True)):
            if mine.is_floating_point():
                pool.add(index, mine, exact)
    with watched(on_cpu):
        got = call(kernel, first, 0, on_cpu)
        outputs([got, chosen(first.inputs, changes)], *expected[0], pool, asked, shown)
        touched(first, kept, changes, got, shown)
        again = renewed(first, kept)
        if not any(changes):
            unwritten(got, call(kernel, again, 1, on_cpu), shown)
            for drawn, (eager, truth) in list(zip(draws, expected, strict=True))[1:2]:
                print("the same tensors, with other values:")
                later = call(kernel, renewed(first, drawn.inputs, drawn), 0, on_cpu)
                outputs([later, []], eager, truth, pool, asked, shown)
    if on_cpu and asked.cause == "race" and not any(changes):
        with watched(on_cpu, reverse=True):
            other = call(kernel, renewed(first, kept, draws[0]), 0, on_cpu)
        same_order = all(same(x, y) for x, y in zip(tensors_in(got), tensors_in(other), strict=True))
        if not same_order:
            shown.say("the result is another one when the programs run in reverse order")
    return shown


def after_forward(drawn: Drawn) -> list[torch.Tensor]:
    """The inputs as `forward` leaves copies of them."""
    inputs = mapped(drawn.inputs, torch.clone)
    with torch.no_grad():
        copy.deepcopy(drawn.model)(*inputs)
    return tensors_in(inputs)


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal, NaN to NaN."""
    return torch.equal(one.nan_to_num(1.25), other.nan_to_num(1.25)) and torch.equal(one.isnan(), other.isnan())


def touched(drawn: Drawn, kept: Any, changes: list[bool], got: Any, shown: Shown) -> None:
    """Inputs that the candidate wrote to, and outputs that are an input's memory."""
    mine = tensors_in(drawn.inputs)
    for index, (now, then, may) in enumerate(zip(mine, tensors_in(kept), changes, strict=True)):
        if not may and not same(now, then):
            shown.say(f"input {index} is modified, which `forward` does not do")
    places = {tensor.untyped_storage().data_ptr() for tensor in mine if tensor.numel()}
    for index, tensor in enumerate(tensors_in(got)):
        if tensor.untyped_storage().data_ptr() in places and not any(changes):
            shown.say(f"output {index} is the memory of an input")


def renewed(drawn: Drawn, values: Any, state: Drawn | None = None) -> Drawn:
    """The very same tensors, holding these values (and that state)."""
    pairs = list(zip(tensors_in(drawn.inputs), tensors_in(values), strict=True))
    if state is not None:
        mine, theirs = held_in(drawn.model), held_in(state.model)
        pairs += [(one.tensor, other.tensor) for one, other in zip(mine, theirs, strict=True)]
    with torch.no_grad():
        for mine_, theirs_ in pairs:
            if mine_.shape == theirs_.shape:
                mine_.copy_(theirs_)
    return drawn


def unwritten(first: Any, second: Any, shown: Shown) -> None:
    """Elements that hold one poison after one call and the other after the other were never written."""
    for index, (one, other) in enumerate(zip(tensors_in(first), tensors_in(second), strict=False)):
        left = (one == poison(one.dtype, 0)) & (other == poison(other.dtype, 1))
        if one.dtype != torch.bool and bool(left.any()):
            shown.say(f"output {index}: {int(left.sum())} of {left.numel()} elements are never written")


def compiled(asked: Asked, problem: ModuleType, kernel: ModuleType) -> None:
    """Compiles what the wrapper launches, for the target, without a GPU; raises what the compiler does."""
    from triton.backends.compiler import GPUTarget
    from triton.runtime.driver import driver
    from triton.runtime.jit import JITFunction

    target = asked.target
    limit = {80: 166912, 86: 101376, 89: 101376, 90: 232448, 100: 232448, 120: 101376}.get(target or 0, 232448)

    class Driver:
        class utils:  # noqa: N801 (Triton's name)
            @staticmethod
            def get_device_properties(_device: int = 0) -> dict[str, int]:
                return {"max_shared_mem": 1 << 30, "multiprocessor_count": 132, "max_num_regs": 65536, "warpSize": 32}

        get_current_device = staticmethod(lambda: 0)
        get_current_stream = staticmethod(lambda device=0: 0)
        get_current_target = staticmethod(lambda: GPUTarget("cuda", target, 32))

    run = JITFunction.run

    def compile_only(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> Any:
        made = run(self, *args, grid=grid, warmup=True, **kwargs)
        made = made.result() if hasattr(made, "result") else made
        shared = made.metadata.shared
        print(f"`{self.__name__}` compiles for sm_{target}: {shared} bytes of shared memory of {limit}")
        if shared > limit:
            raise RuntimeError(f"`{self.__name__}` takes {shared} bytes of shared memory; sm_{target} has {limit}")
        return made

    driver.set_active(Driver())
    JITFunction.run = compile_only
    call(kernel, draw(problem, asked, asked.seed, "cpu"), 0, on_cpu=True)


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
