"""Real tensors without a GPU: memory of the CPU that answers `cuda:0`, kernels interpreted. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from triton.runtime.jit import JITFunction

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge import interpreter
from pytest_kernelfalcon.judge.roles import blobs
from pytest_kernelfalcon.judge.roles.conforming.acting import Acting, unwatched
from pytest_kernelfalcon.judge.roles.conforming.plainly import Plainly
from pytest_kernelfalcon.judge.roles.conforming.shown import Shown
from pytest_kernelfalcon.judge.roles.dtypes import TL_DTYPES
from pytest_kernelfalcon.judge.roles.storages import Storages
from pytest_kernelfalcon.judge.roles.tracing import cuda_shims, torch_side, triton_side
from pytest_kernelfalcon.judge.roles.tracing.torch_side import CUDA, Device, Dispatch, on_device

REAL = torch.device("cpu", 0)
"""Where `cuda` is mapped to. It is `cpu` to torch, but not equal to the `cpu` that a wrapper may name itself."""
INTERPRETS = "TRITON_INTERPRET"
TO_HOST = ("cpu", torch.device("cpu"))


class Host:
    """The interpreter."""

    place = blobs.Host()
    records = True

    def begin(self, job: dict[str, Any], loaded: dict[str, Any], shown: Shown, plainly: Plainly | None) -> Acting:
        os.environ.pop(INTERPRETS)  # the candidate's kernels are what they would be on a GPU
        runner = Runner(loaded, job["operations"], plainly)
        recorder = Acting(runner.run)
        torch_side.HOME.device, torch_side.HOME.holds = REAL, recorder.holds
        cuda_shims.install(recorder)
        triton_side.install(recorder)
        _look_at_kernels(recorder, shown)
        storage: Any = torch.UntypedStorage
        storage.device, storage.is_cuda = property(lambda _: CUDA), property(lambda _: True)
        return recorder

    @contextmanager
    def _in(self, recorder: Acting, watched: bool) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(Resident(recorder))
            if watched:
                stack.enter_context(Dispatch(recorder))
            stack.enter_context(torch.no_grad())
            yield

    def around(self, recorder: Acting, watched: bool) -> AbstractContextManager[object]:
        return self._in(recorder, watched)

    def settle(self) -> None:
        """They have."""


def _look_at_kernels(recorder: Acting, shown: Shown) -> None:
    """A launch of what the text does not show is told of, beside itself."""
    launch = JITFunction.run

    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        if detail := shown.differs(self):
            recorder.emit("other", detail=detail, line=recorder.line())
        return launch(self, *args, **kwargs)

    JITFunction.run = run


class Runner:
    """Makes launches, of the kernels as the checked text has them."""

    def __init__(self, loaded: dict[str, Any], operations: int, plainly: Plainly | None) -> None:
        self._loaded, self._operations, self._plainly = loaded, operations, plainly

    def run(self, recorder: Acting, launch: dict[str, Any]) -> None:
        """Raises what the interpreter raises, and KeyError for a kernel that the text has not."""
        hidden = self._plainly.behind_the_scenes() if self._plainly is not None else nullcontext()
        with hidden, _interpreting():
            kernel = self._loaded[launch["kernel"]]
            views = Views(recorder)
            arguments = [
                views.argument(launch["arguments"][name], self._loaded, TL_DTYPES) for name in kernel.arg_names
            ]
            if all(launch["grid"]):
                budget = interpreter.Budget(self._operations)
                interpreter.launch(kernel, tuple(launch["grid"]), arguments, views.regions, budget=budget)


@contextmanager
def _interpreting() -> Iterator[None]:
    os.environ[INTERPRETS] = "1"
    try:
        yield
    finally:
        os.environ.pop(INTERPRETS)


class Views(Storages):
    """The storages of a call under way, as launches see them."""

    def __init__(self, recorder: Acting) -> None:
        super().__init__(watch=False)
        self._recorder = recorder
        for number, tensor in enumerate(recorder.storages()):
            storage = tensor.untyped_storage()
            self.regions.append(interpreter.Region(f"storage {number}", storage.data_ptr(), storage.nbytes()))

    def view(self, spec: Any) -> torch.Tensor:
        return self._recorder.view(spec)


class Resident(Device):
    """Tensors with memory here say that they are on cuda:0, and what is made there is the call's own."""

    recorder: Acting

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        given = [value for value in (*args, *kwargs.values()) if on_device(value)]
        if given and func in (torch.Tensor.to, torch.Tensor.cpu) and _leaves(func, args, kwargs):
            self.recorder.refuse(Cause.HOST_DATA, detail="a device tensor is copied to cpu")
        asked = torch_side.mapped(kwargs.get("device")) == REAL
        moved = func in (torch.Tensor.to, torch.Tensor.cuda)
        result = super().__torch_function__(func, types, args, kwargs)
        if given or asked or moved:
            self._adopt(result)
        return result

    def _adopt(self, result: Any) -> None:
        for value in result if isinstance(result, tuple | list) else (result,):
            if isinstance(value, torch.Tensor) and not on_device(value):
                with unwatched():
                    self.recorder.own(value)

    def _answer(self, name: str, args: Any) -> Any:
        tensor = args[0]
        if name == "data_ptr":
            with torch._C.DisableTorchFunction():
                return tensor.data_ptr()
        if name == "__repr__":
            with unwatched():
                return f"{repr(tensor)[:-1]}, device='cuda:0')"
        return super()._answer(name, args)


def _leaves(func: Any, args: Any, kwargs: dict[str, Any]) -> bool:
    if func is torch.Tensor.cpu:
        return True
    return any(isinstance(value, str | torch.device) and value in TO_HOST for value in (*args, *kwargs.values()))
