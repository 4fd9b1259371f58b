"""torch, as a wrapper under trace sees it: tensors say `cuda:0` and have no memory. PYTEST_DONT_REWRITE

Device tensors are plain meta tensors (in the conformance check real ones: see `HOME`), so `type(x) is torch.Tensor`
holds and a torch without CUDA does not mind. `Dispatch` sees every operation below the Python API and lets allocations,
fills, views and copies through; `Device` answers questions about the device above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.roles.tracing.recorder import Recorder

EMPTY = {"empty", "empty_strided", "empty_like", "new_empty", "new_empty_strided", "empty_permuted"}
FILLED: dict[str, int] = {"zeros": 0, "zeros_like": 0, "new_zeros": 0, "ones": 1, "ones_like": 1, "new_ones": 1}
FULL: dict[str, int] = {"full": 1, "full_like": 1, "new_full": 2, "scalar_tensor": 0}
"""Where the fill value stands among the positional arguments."""
VIEWS = {
    *("_unsafe_view", "_reshape_alias", "detach", "alias", "lift_fresh"),
    *("unsqueeze_", "squeeze_", "transpose_", "t_", "detach_"),
}
ESCAPES = {"numpy", "__array__", "__dlpack__", "to_dlpack", "share_memory_", "__cuda_array_interface__"}
CUDA = torch.device("cuda", 0)
META = torch.device("meta")


@dataclass
class Home:
    """Where the tensors that a wrapper takes for device tensors lie, and which ones they are. One in a process."""

    device: torch.device
    holds: Callable[[torch.Tensor], bool]


HOME = Home(META, lambda tensor: tensor.is_meta)
_T = torch.Tensor
ANSWERS: dict[Any, Any] = {
    _T.device.__get__: CUDA,
    _T.is_cuda.__get__: True,  # type: ignore[attr-defined]
    _T.is_meta.__get__: False,  # type: ignore[attr-defined]
    _T.is_cpu.__get__: False,  # type: ignore[attr-defined]
    _T.get_device: 0,
    _T.is_pinned: False,
}


def on_device(value: object) -> bool:
    """Whether `value` is one of the tensors under trace."""
    with torch._C.DisableTorchFunction():
        return isinstance(value, torch.Tensor) and HOME.holds(value)


def _device_tensors(args: Any, kwargs: dict[str, Any]) -> Iterator[torch.Tensor]:
    for value in (*args, *kwargs.values()):
        if on_device(value):
            yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if on_device(item))


class Dispatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Every ATen operation of the wrapper: one of a few, or refused by name."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.recorder = recorder

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        device = kwargs.get("device")
        here = any(True for _ in _device_tensors(args, kwargs))
        if not here and (device is None or torch.device(device) != HOME.device):
            return func(*args, **kwargs)  # host tensors hold no data of the problem's
        name = func._schema.name.split("::")[-1]
        if name in EMPTY or name in FILLED or name in FULL:
            return self._allocate(func, name, args, kwargs)
        if name in VIEWS or _is_view(func._schema):
            return func(*args, **kwargs)
        if device is not None and torch.device(device) != HOME.device:
            self.recorder.refuse(Cause.HOST_DATA, detail=f"a device tensor is copied to {device}")
        return self._special(func, name, args, kwargs)

    def _allocate(self, func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> torch.Tensor:
        new = self.recorder.allocate(func(*args, **kwargs))
        if name in FILLED:
            self._fill(new, FILLED[name])
        elif name in FULL:
            place = FULL[name]
            self._fill(new, args[place] if len(args) > place else kwargs["fill_value"])
        return new

    def _fill(self, tensor: torch.Tensor, value: Any) -> None:
        if on_device(value):
            self.recorder.refuse(Cause.TORCH_OPERATION, detail="a fill with a device tensor")
        scalar = value.item() if isinstance(value, torch.Tensor) else value
        scalar = float(scalar) if tensor.dtype.is_floating_point else scalar  # 1 and 1.0 are one fill
        self.recorder.emit("fill", tensor=self.recorder.spec(tensor), value=scalar)

    def _copy(self, target: torch.Tensor, source: torch.Tensor) -> None:
        spec = self.recorder.spec
        self.recorder.emit("copy", target=spec(target), source=spec(source.expand(target.shape)))

    def _special(self, func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        match name:
            case "clone" | "_to_copy":
                return self._clone(args[0], kwargs)
            case "copy_":
                return self._copy_into(args[0], args[1])
            case "zero_" | "fill_":
                self._fill(args[0], 0 if name == "zero_" else args[1])
                return args[0]
            case "_local_scalar_dense":
                return self.recorder.read(args[0].reshape(()))
        return self.recorder.refuse(Cause.TORCH_OPERATION, detail=str(func).removesuffix(".default"))

    def _clone(self, source: Any, kwargs: dict[str, Any]) -> torch.Tensor:
        if not on_device(source):
            self.recorder.refuse(Cause.HOST_DATA, detail="data made in Python is copied to the device")
        dtype = kwargs.get("dtype")
        if dtype not in (None, source.dtype):
            self.recorder.refuse(Cause.DTYPE_CAST, detail=f"{source.dtype} → {dtype}")
        new: torch.Tensor = torch.ops.aten.clone.default(source, memory_format=kwargs.get("memory_format"))
        self._copy(self.recorder.allocate(new), source)
        return new

    def _copy_into(self, target: Any, source: Any) -> torch.Tensor:
        if not on_device(source):
            if source.numel() != 1:
                self.recorder.refuse(Cause.HOST_DATA, detail="data made in Python is copied to the device")
            self._fill(target, source)
        elif not on_device(target):
            self.recorder.refuse(Cause.HOST_DATA, detail="a device tensor is copied to the host")
        elif target.dtype != source.dtype:
            self.recorder.refuse(Cause.DTYPE_CAST, detail=f"{source.dtype} → {target.dtype}")
        else:
            self._copy(target, source)
        return target  # type: ignore[no-any-return]


def _is_view(schema: Any) -> bool:
    """Whether every result shares memory with an argument and nothing is written."""
    return bool(schema.returns) and all(
        result.alias_info is not None and not result.alias_info.is_write for result in schema.returns
    )


def mapped(device: Any) -> Any:
    """`cuda`, in any of its forms, is where the tensors are."""
    named = isinstance(device, str | torch.device) and str(device).startswith("cuda")
    return HOME.device if named or type(device) is int else device


class Device(TorchFunctionMode):
    """The Python API: meta tensors say that they are on cuda:0."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if args and on_device(args[0]):
            if func in ANSWERS:
                return ANSWERS[func]
            answer = self._answer(getattr(func, "__name__", ""), args)
            if answer is not NotImplemented:
                return answer
            if func is _T.__setitem__ and isinstance(args[2], int | float):
                args[0][args[1]].fill_(args[2])  # as on a GPU, whichever way this torch goes for tensors without memory
                return None
        if "device" in kwargs:
            kwargs["device"] = mapped(kwargs["device"])
        if func in (torch.tensor, torch.as_tensor) and kwargs.get("device") == HOME.device and not on_device(args[0]):
            self.recorder.refuse(Cause.HOST_DATA, detail="data made in Python is copied to the device")
        if func in (_T.to, _T.type):
            args = tuple(mapped(arg) for arg in args)
        return func(*args, **kwargs)

    def _answer(self, name: str, args: Any) -> Any:
        tensor = args[0]
        match name:
            case "data_ptr":
                with torch._C.DisableTorchFunction():
                    spec = self.recorder.spec(tensor)
                return ((spec["storage"] + 1) << 36) + spec["offset"] * tensor.element_size()
            case "cuda":
                return tensor
            case "tolist":
                return self.recorder.read(tensor)
            case "record_stream":
                return None
            case "__repr__":
                return f"tensor(..., device='cuda:0', size={tuple(tensor.shape)}, dtype={tensor.dtype})"
            case "type" if len(args) == 1:
                return "torch.cuda.FloatTensor"
        if name in ESCAPES:
            self.recorder.refuse(Cause.HOST_DATA, detail=f"a device tensor leaves torch through {name}()")
        return NotImplemented
