"""The launch plan's vocabulary: every message is checked before anything acts on it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.launch_plan import Alloc, Bounds, Call, Invalid, Launch, Read, Result


def call(**bounds: int) -> Call:
    """Two inputs of 64 and 4096 bytes, and a kernel `add(x_ptr, n)`."""
    made = Call({"add": ["x_ptr", "n"]}, {}, {"fp32", "bf16"}, Bounds(**bounds))
    made.give([64, 4096])
    return made


def tensor(**changes: Any) -> dict[str, Any]:
    return {"shape": [16], "stride": [1], "offset": 0, "dtype": "float32", "storage": 0} | changes


def launch(**changes: Any) -> dict[str, Any]:
    message = {"op": "launch", "kernel": "add", "grid": [1], "options": {}, "line": 3}
    return message | {"arguments": {"x_ptr": {"tensor": tensor()}, "n": 16}} | changes


def argument(value: Any) -> dict[str, Any]:
    return launch(arguments={"x_ptr": {"tensor": tensor()}, "n": value})


def descriptor(**changes: Any) -> dict[str, Any]:
    plain = {"descriptor": tensor(), "shape": [4, 4], "strides": [4, 1], "block": [2, 2], "padding": "zero"}
    return argument(plain | changes)


def test_an_honest_call_is_understood():
    one = call()
    assert one.step({"op": "alloc", "storage": 2, "bytes": 64}) == Alloc(2, 64)
    step = one.step(launch(arguments={"x_ptr": {"tensor": tensor(storage=2)}, "n": 16}, options={"num_warps": 4}))
    assert isinstance(step, Launch) and step.programs == 1
    assert isinstance(one.step({"op": "read", "tensor": tensor(shape=[1], storage=2), "line": 9}), Read)
    result = one.step({"op": "result", "tree": {"tuple": [{"t": tensor(storage=2)}, {"v": None}]}})
    assert isinstance(result, Result) and [spec.storage for spec in result.tensors] == [2]


@pytest.mark.parametrize("value", [True, 2.5, None, "relu", {"dtype": "bf16"}, {"kernel": "add"}, {"tuple": [1, 2]}])
def test_honest_arguments_are_taken(value: Any):
    assert isinstance(call().step(argument(value)), Launch)


def test_a_descriptor_inside_its_storage_is_taken():
    assert isinstance(call().step(descriptor()), Launch)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"op": "exec", "code": "1"},
        {"op": "alloc", "storage": 7, "bytes": 64},
        {"op": "alloc", "storage": 2, "bytes": -1},
        {"op": "alloc", "storage": 2, "bytes": 2.0},
        {"op": "alloc", "storage": 2, "bytes": 64, "path": "/etc/passwd"},
        {"op": "fill", "tensor": tensor(), "value": "0"},
        {"op": "fill", "tensor": tensor(), "value": 2**70},
        {"op": "fill", "tensor": tensor(shape=[17]), "value": 0},
        {"op": "fill", "tensor": tensor(offset=1), "value": 0},
        {"op": "fill", "tensor": tensor(offset=-1), "value": 0},
        {"op": "fill", "tensor": tensor(stride=[-1]), "value": 0},
        {"op": "fill", "tensor": tensor(stride=[2**61]), "value": 0},
        {"op": "fill", "tensor": tensor(shape=[16, 1]), "value": 0},
        {"op": "fill", "tensor": tensor(dtype="object"), "value": 0},
        {"op": "fill", "tensor": tensor(storage=9), "value": 0},
        {"op": "fill", "tensor": tensor(storage=True), "value": 0},
        {"op": "fill", "tensor": tensor() | {"data": 1}, "value": 0},
        {"op": "copy", "target": tensor(), "source": tensor(dtype="int32")},
        {"op": "copy", "target": tensor(), "source": tensor(shape=[8])},
        launch(kernel="other"),
        launch(kernel=["add"]),
        launch(grid=[]),
        launch(grid=[1, 1, 1, 1]),
        launch(grid=[1, 70_000]),
        launch(grid=[-1]),
        launch(grid=["1"]),
        launch(arguments={"x_ptr": {"tensor": tensor()}}),
        launch(options={"ir_override": "/tmp/x"}),
        launch(options={"num_warps": 3}),
        launch(options=[]),
        launch(options={"num_warps": 4.0}),
        launch(options={"num_warps": True}),
        launch(options={"enable_fp_fusion": 1}),
        launch(options={"num_warps": [4]}),
        argument({"dtype": []}),
        argument({"kernel": {}}),
        argument({"tensor": tensor(), "as": []}),
        argument("\x1b[2J"),
        descriptor(strides=[4, 2], shape=[2, 2]),
        descriptor(strides=[3, 1], shape=[2, 2]),
        descriptor(descriptor=tensor(offset=1), shape=[2, 2]),
        descriptor(block=[3, 2]),
        descriptor(block=[2**19, 4]),
        descriptor(padding="nan", descriptor=tensor(dtype="int32")),
        {"op": "alloc", "storage": 2, "bytes": 10**4000},
        {"op": "fill", "tensor": tensor(), "value": -(2**63) - 1},
        {"op": "result", "tree": {"f": 10**400}},
        {"op": "result", "tree": {"dict": {"a": {"list": [{"t": 5}]}}}},
        {"op": "read", "tensor": tensor(), "line": 10**30},
        {"op": "read", "tensor": tensor(), "line": 0},
        argument(2**65),
        argument("x" * 300),
        argument([1]),
        argument({"dtype": "os"}),
        argument({"kernel": "other"}),
        argument({"tensor": tensor(), "as": "os"}),
        argument({"tuple": [{"tuple": [{"tuple": [{"tuple": [{"tuple": [1]}]}]}]}]}),
        descriptor(shape=[5, 4]),
        descriptor(block=[2]),
        descriptor(padding="x"),
        {"op": "tune", "kernel": "add", "count": 2, "pick": 2},
        {"op": "result", "tree": {"t": tensor(), "v": 1}},
        {"op": "result", "tree": {"list": 5}},
        {"op": "result", "tree": "t"},
        {"op": "read", "tensor": tensor(), "line": "9"},
    ],
)
def test_anything_else_is_refused(message: dict[str, Any]):
    with pytest.raises(Invalid):
        call().step(message)


def test_memory_is_bounded():
    with pytest.raises(Invalid) as raised:
        call(call_bytes=1000).step({"op": "alloc", "storage": 2, "bytes": 1001})
    assert raised.value.cause == Cause.PLAN_FLOOD


def test_values_of_inputs_cannot_be_read_but_scalars_of_kernels_can():
    read = {"op": "read", "tensor": tensor(shape=[1], storage=1), "line": 4}
    with pytest.raises(Invalid) as raised:
        call().step(read)
    assert raised.value.cause == Cause.VALUE_READ and raised.value.line == 4
    one = call()
    one.step(launch(arguments={"x_ptr": {"tensor": tensor(storage=1)}, "n": 16}))
    with pytest.raises(Invalid):
        one.step(read)
    one.step({"op": "alloc", "storage": 2, "bytes": 64})
    with pytest.raises(Invalid, match="nothing has written"):
        one.step(read | {"tensor": tensor(shape=[1], storage=2)})
    one.step(launch(arguments={"x_ptr": {"tensor": tensor(storage=2)}, "n": 16}))
    assert isinstance(one.step(read | {"tensor": tensor(shape=[1], storage=2)}), Read)
    assert isinstance(one.step(read | {"tensor": tensor(shape=[1], storage=0)}), Read)


def test_a_copy_of_an_input_is_an_input_until_a_kernel_had_it():
    one = call()
    one.step({"op": "alloc", "storage": 2, "bytes": 64})
    one.step({"op": "alloc", "storage": 3, "bytes": 64})
    one.step({"op": "copy", "target": tensor(storage=2), "source": tensor(storage=1)})
    one.step({"op": "fill", "tensor": tensor(storage=2, shape=[1]), "value": 0})
    one.step({"op": "copy", "target": tensor(storage=3), "source": tensor(storage=2)})
    read = {"op": "read", "tensor": tensor(shape=[1], storage=3), "line": 4}
    with pytest.raises(Invalid, match="an element of an input"):
        one.step(read)
    one.step({"op": "copy", "target": tensor(storage=3), "source": tensor(storage=0)})
    with pytest.raises(Invalid, match="an element of an input"):
        one.step(read)
    one.step(launch(arguments={"x_ptr": {"tensor": tensor(storage=3)}, "n": 16}))
    assert isinstance(one.step(read), Read)


def test_small_inputs_and_what_was_filled_in_may_be_copied_and_read():
    one = call()
    one.step({"op": "alloc", "storage": 2, "bytes": 64})
    one.step({"op": "copy", "target": tensor(storage=2), "source": tensor(storage=0)})
    assert isinstance(one.step({"op": "read", "tensor": tensor(shape=[1], storage=2), "line": 4}), Read)


def test_reads_are_counted():
    one = call()
    one.step({"op": "alloc", "storage": 2, "bytes": 400})
    one.step({"op": "fill", "tensor": tensor(storage=2, shape=[100]), "value": 0})
    with pytest.raises(Invalid, match="100 elements"):
        one.step({"op": "read", "tensor": tensor(storage=2, shape=[100]), "line": 4})


def test_a_kernel_that_was_refused_says_why():
    class Refusal:
        cause, line, detail = Cause.KERNEL_CONSTRUCT, 12, "no"

    one = Call({}, {"bad": Refusal()}, (), Bounds())
    with pytest.raises(Invalid) as raised:
        one.step(launch(kernel="bad"))
    assert (raised.value.cause, raised.value.line) == (Cause.KERNEL_CONSTRUCT, 12)
