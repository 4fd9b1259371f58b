"""Bounds: every access lies inside a region, and nothing else is reachable."""

import numpy as np
import torch
import triton
import triton.language as tl
from harness import fault_of, launch, line_of, main, regions_of
from triton.tools.tensor_descriptor import TensorDescriptor

from pytest_kernelfalcon.judge import interpreter


@triton.jit
def copy(x, y, n, limit, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + i, mask=i < limit)
    tl.store(y + i, value, mask=i < n)


def case_masked_lanes_may_point_anywhere():
    x, y = torch.randn(100), torch.zeros(100)
    launch(copy, (4,), x, y, 100, 100, 32)
    assert torch.equal(x, y)


def case_load_out_of_bounds():
    x, y = torch.randn(100), torch.zeros(128)
    fault = fault_of(copy, (4,), x, y, 100, 128, 32)
    assert fault.cause == "out_of_bounds" and fault.kernel == "copy"
    assert fault.program == (3, 0, 0) and fault.line == line_of(copy, "tl.load")
    assert fault.detail == (
        f"load at line {fault.line}, program (3, 0, 0): 28 of 32 active lanes are out of bounds: the first is "
        "element 100 (byte 400) of `arg0`, which has 100 elements of 4 bytes (400 bytes)"
    ), fault.detail


def case_store_out_of_bounds():
    x, y = torch.randn(128), torch.zeros(100)
    fault = fault_of(copy, (4,), x, y, 101, 128, 32)
    assert fault.detail.startswith(
        f"store at line {line_of(copy, 'tl.store')}, program (3, 0, 0): 1 of 5 active lanes is out"
    )
    assert fault.cause == "out_of_bounds" and "element 100 (byte 400) of `arg1`" in fault.detail
    assert torch.equal(y[:96], x[:96]) and (y[96:] == 0).all()


@triton.jit
def scalar_load(x, y, at):
    tl.store(y, tl.load(x + at))


def case_out_of_bounds_by_one_and_before_the_start():
    x, y = torch.randn(8, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    launch(scalar_load, (1,), x, y, 7)
    assert y[0] == x[7]
    assert "element 8 (byte 64) of `arg0`" in fault_of(scalar_load, (1,), x, y, 8).detail
    assert "element -1 (byte -8) of `arg0`" in fault_of(scalar_load, (1,), x, y, -1).detail
    assert "element 5000000000" in fault_of(scalar_load, (1,), x, y, 5_000_000_000).detail


def case_a_view_is_bounded_by_its_storage():
    x, y = torch.arange(8.0), torch.zeros(1)
    launch(scalar_load, (1,), x[4:6], y, 3)
    assert y[0] == 7
    assert "element 8" in fault_of(scalar_load, (1,), x[4:6], y, 4).detail


def case_another_tensor_is_out_of_bounds_too():
    whole = torch.arange(64.0)
    start, y = whole.data_ptr(), torch.zeros(1)
    regions = [interpreter.Region("low", start, 128), interpreter.Region("high", start + 128, 128), *regions_of(y)]
    interpreter.launch(scalar_load, (1,), (whole, y, 31), regions)
    assert y[0] == 31
    try:
        interpreter.launch(scalar_load, (1,), (whole, y, 32), regions)
    except interpreter.KernelFault as fault:
        assert "element 32 (byte 128) of `low`" in fault.detail
    else:
        raise AssertionError("the kernel read its neighbour")
    interpreter.launch(scalar_load, (1,), (whole[32:], y, 0), regions)
    assert y[0] == 32


@triton.jit
def forge_load(address: tl.int64, y):
    tl.store(y, tl.load(address.to(tl.pointer_type(tl.float32))))


@triton.jit
def forge_store(address: tl.int64, y):
    tl.store(address.to(tl.pointer_type(tl.float32)), 13.0)


@triton.jit
def forge_atomic(address: tl.int64, y):
    tl.atomic_add(address.to(tl.pointer_type(tl.float32)), 13.0)


@triton.jit
def forge_exchange(address: tl.int64, y):
    tl.atomic_cas(address.to(tl.pointer_type(tl.int32)), 0, 13)


@triton.jit
def forge_from_memory(x, y):
    tl.store(tl.load(x).to(tl.pointer_type(tl.float32)), 13.0)


@triton.jit
def forge_by_distance(x, y, distance):
    tl.store((y.to(tl.int64) + distance).to(tl.pointer_type(tl.float32)), 13.0)


@triton.jit
def forge_descriptor(address: tl.int64, y):
    made = tl.make_tensor_descriptor(address.to(tl.pointer_type(tl.float32)), [16], [1], [16])
    made.store([0], tl.full((16,), 13.0, tl.float32))


def case_a_real_address_is_no_pointer():
    victim, y = torch.zeros(16), torch.zeros(16)
    for kernel in (forge_load, forge_store, forge_atomic, forge_exchange, forge_descriptor):
        fault = fault_of(kernel, (1,), victim.data_ptr(), y)
        assert fault.cause == "out_of_bounds" and "points to no tensor" in fault.detail, (kernel, fault.detail)
    fault = fault_of(forge_from_memory, (1,), torch.tensor([victim.data_ptr()]), y)
    assert "points to no tensor" in fault.detail
    fault = fault_of(forge_by_distance, (1,), y, y, victim.data_ptr() - y.data_ptr())
    assert fault.cause == "not_runnable" and "makes no number of a pointer" in fault.detail
    assert (victim == 0).all() and (y == 0).all()


def case_no_pointer_at_all():
    y = torch.zeros(1)
    for address in (0, 1, -1, 2**44, 2**63 - 1):
        assert fault_of(forge_load, (1,), address, y).cause == "out_of_bounds", address


@triton.jit
def empty(x, y):
    tl.store(y, tl.load(x))


def case_an_empty_tensor_has_no_elements():
    assert fault_of(empty, (1,), torch.empty(0), torch.zeros(1)).cause == "out_of_bounds"


@triton.jit
def misaligned(x, y):
    half = x.to(tl.pointer_type(tl.int8)) + 2
    tl.store(y, tl.load(half.to(tl.pointer_type(tl.float32))))


def case_misaligned_access():
    assert "no multiple of the element's 4 bytes" in fault_of(misaligned, (1,), torch.zeros(4), torch.zeros(1)).detail


@triton.jit
def chosen(x, y, z, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    source = tl.where(i % 3 == 0, x + i, y + i)
    tl.store(z + i, tl.load(source))


def case_one_access_may_touch_several_tensors():
    x, y, z = torch.randn(16), torch.randn(16), torch.zeros(16)
    launch(chosen, (1,), x, y, z, 16)
    assert torch.equal(z, torch.where(torch.arange(16) % 3 == 0, x, y))
    fault = fault_of(chosen, (1,), x, torch.randn(8), z, 16)
    assert "5 of 16 active lanes are out of bounds: the first is element 8 (byte 32) of `arg1`" in fault.detail, (
        fault.detail
    )


@triton.jit
def add_one(x, i, limit):
    tl.atomic_add(x + i, 1.0, mask=i < limit)


@triton.jit
def nested(x, limit, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    add_one(x, i, limit)


def case_atomics_are_bounded_and_nested_lines_are_right():
    x = torch.zeros(12)
    launch(nested, (3,), x, 12, 16)
    assert (x == 3).all()
    fault = fault_of(nested, (3,), x, 13, 16)
    assert fault.line == line_of(add_one, "atomic_add") and fault.kernel == "nested", fault.detail
    assert fault.detail.startswith("atomic at line ") and "1 of 13 active lanes is out of bounds" in fault.detail


@triton.jit
def descriptors(source, y, rows, columns, R: tl.constexpr, C: tl.constexpr):
    target = tl.make_tensor_descriptor(y, [rows, columns], [columns, 1], [R, C])
    row = tl.program_id(0) * R
    for column in range(0, columns, C):
        target.store([row, column], source.load([row, column]) * 2)


def case_tensor_descriptors():
    x, y = torch.randn(10, 12), torch.zeros(10, 12)
    made = TensorDescriptor(x, [10, 12], [12, 1], [4, 8])
    launch(descriptors, (3,), made, y, 10, 12, 4, 8)
    assert torch.equal(y, x * 2)
    liar = TensorDescriptor(x, [11, 12], [12, 1], [4, 8])
    fault = fault_of(descriptors, (3,), liar, y, 10, 12, 4, 8)
    assert fault.program == (2, 0, 0) and "element 120 (byte 480) of `arg0`" in fault.detail, fault.detail
    fault = fault_of(descriptors, (3,), made, torch.zeros(9, 12), 10, 12, 4, 8)
    assert fault.detail.startswith("store") and "element 108 (byte 432) of `arg1`" in fault.detail, fault.detail


@triton.jit
def block_pointers(x, y, rows, R: tl.constexpr, C: tl.constexpr):
    source = tl.make_block_ptr(x, (rows, C), (C, 1), (0, 0), (R, C), (1, 0))
    target = tl.make_block_ptr(y, (rows, C), (C, 1), (0, 0), (R, C), (1, 0))
    for _ in range(2):
        tl.store(target, tl.load(source, boundary_check=(0,)), boundary_check=(0,))
        source = tl.advance(source, (R, 0))
        target = tl.advance(target, (R, 0))


def case_block_pointers():
    if triton.__version__ >= "3.9":  # there are none
        return
    x, y = torch.randn(6, 8), torch.zeros(6, 8)
    launch(block_pointers, (1,), x, y, 6, 4, 8)
    assert torch.equal(x, y)
    assert "element 48" in fault_of(block_pointers, (1,), x, torch.zeros(8, 8), 7, 4, 8).detail


@triton.jit
def partial(x, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(x + 2 * i, 1.0, mask=i < n)
    tl.atomic_xchg(x + 2 * i + 1, 2.0, mask=i < 1)


def case_written_bytes_are_marked():
    x = torch.zeros(16)
    (region,) = regions_of(x, watch=True)
    interpreter.launch(partial, (1,), (x, 3, 8), [region])
    elements = region.written.reshape(-1, 4)
    assert (elements == elements[:, :1]).all()
    assert np.flatnonzero(elements[:, 0]).tolist() == [0, 1, 2, 4]


@triton.jit
def booleans(x, y, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y + i, tl.load(x + i) > 0.0)
    tl.store(y + BLOCK + i, tl.where(tl.load(y + i), False, True))


def case_booleans():
    x, y = torch.randn(8), torch.zeros(16, dtype=torch.bool)
    launch(booleans, (1,), x, y, 8)
    assert torch.equal(y[:8], x > 0) and torch.equal(y[8:], x <= 0)


@triton.jit
def bits(x, y, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y + i, tl.load(x + i).to(tl.float32))


def case_reinterpreted_tensors():
    x, y = torch.randn(8).to(torch.float8_e5m2), torch.zeros(8)
    launch(bits, (1,), triton.reinterpret(x.view(torch.int8), tl.float8e5), y, 8)
    assert torch.equal(y, x.float())


def case_wrong_regions_are_the_callers_error():
    x, y = torch.zeros(8), torch.zeros(8)
    for regions, expected in (
        (regions_of(x), "'y' lies in none of the regions"),
        ([interpreter.Region("a", x.data_ptr(), 32), interpreter.Region("b", x.data_ptr() + 16, 32)], "overlap"),
        ([interpreter.Region("a", x.data_ptr() + 4, 16)], "a multiple of 16"),
        ([interpreter.Region("a", x.data_ptr(), 32, np.zeros(3, bool))], "one bool a byte"),
    ):
        try:
            interpreter.launch(empty, (1,), (x, y), regions)
        except ValueError as error:
            assert expected in str(error), error
        else:
            raise AssertionError(expected)


def case_launches_go_through_launch_only():
    x, y = torch.zeros(8), torch.ones(8)
    try:
        empty[(1,)](y, x)
    except RuntimeError as error:
        assert "interpreter.launch" in str(error)
    assert (x == 0).all()


if __name__ == "__main__":
    main(globals())
