"""Races between lanes and between programs, what orders programs, and the order in which they run."""

import torch
import triton
import triton.language as tl
from harness import fault_of, launch, line_of, main


@triton.jit
def lanes(x, value, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(x + i // 2, value + i * 0 + 1.0)
    tl.store(x + i // 2, value + i)


def case_two_lanes_with_different_values():
    fault = fault_of(lanes, (1,), torch.zeros(8), 0.5, 16)
    assert fault.cause == "race" and fault.line == line_of(lanes, "value + i)"), fault.detail
    assert "two lanes write different values to element 0 of `arg0`" in fault.detail


@triton.jit
def overlapping(x, y, STEP: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * STEP + tl.arange(0, BLOCK)
    tl.store(y + i, tl.load(x + i) + tl.program_id(0) * 0.0)


@triton.jit
def conflicting(x, y, STEP: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * STEP + tl.arange(0, BLOCK)
    tl.store(y + i, tl.load(x + i) + tl.program_id(0))


def case_programs_that_store_to_the_same_place():
    x, y = torch.randn(64), torch.zeros(64)
    launch(overlapping, (4,), x, y, 8, 16, races=True)  # the same values: no race
    launch(conflicting, (4,), x, y, 16, 16, races=True)  # apart
    launch(conflicting, (4,), x, y, 8, 16)  # not asked for
    fault = fault_of(conflicting, (4,), x, y, 8, 16, races=True)
    assert fault.cause == "race" and fault.program == (1, 0, 0), fault.detail
    assert "overwrites element 8 of `arg1`, which program (0, 0, 0) of the same launch stores" in fault.detail


@triton.jit
def shift(x, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(x + i + 1, tl.load(x + i) + 1)


def case_reading_what_another_program_stores():
    fault = fault_of(shift, (2,), torch.zeros(17), 8, races=True)
    assert fault.cause == "race" and "touches element 8 of `arg0`" in fault.detail and fault.program == (1, 0, 0)


@triton.jit
def started_by_the_first(x):
    if tl.program_id(0) == 0:
        tl.store(x, 1.0)
    tl.atomic_add(x, 1.0, sem="relaxed")


def case_atomics_on_what_another_program_stores():
    fault = fault_of(started_by_the_first, (2,), torch.zeros(1), races=True)
    assert fault.cause == "race" and fault.detail.startswith("atomic at line"), fault.detail


@triton.jit
def locked_sum(x, total, lock, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    value = tl.load(x + tl.program_id(0) * BLOCK + i)
    while tl.atomic_cas(lock, 0, 1) == 1:
        pass
    tl.store(total + i, tl.load(total + i) + value)
    tl.atomic_xchg(lock, 0)


@triton.jit
def last_one_sums(x, partial, count, total, PROGRAMS: tl.constexpr, BLOCK: tl.constexpr):
    p = tl.program_id(0)
    tl.store(partial + p, tl.sum(tl.load(x + p * BLOCK + tl.arange(0, BLOCK))))
    if tl.atomic_add(count, 1) == PROGRAMS - 1:
        tl.store(total, tl.sum(tl.load(partial + tl.arange(0, PROGRAMS))))


@triton.jit
def last_one_sums_unordered(x, partial, count, total, PROGRAMS: tl.constexpr, BLOCK: tl.constexpr):
    p = tl.program_id(0)
    tl.store(partial + p, tl.sum(tl.load(x + p * BLOCK + tl.arange(0, BLOCK))))
    if tl.atomic_add(count, 1, sem="relaxed") == PROGRAMS - 1:
        tl.store(total, tl.sum(tl.load(partial + tl.arange(0, PROGRAMS))))


@triton.jit
def releases(data, flag, after: tl.constexpr, sem: tl.constexpr):
    if tl.program_id(0) == 0:
        if not after:
            tl.store(data, 1.0)
        tl.atomic_xchg(flag, 1, sem=sem)
        if after:
            tl.store(data, 1.0)
    elif tl.atomic_add(flag, 0, sem="acquire") == 1:
        tl.store(data + 1, tl.load(data))


def case_only_what_comes_before_a_release_is_ordered():
    data, flag = torch.zeros(2), torch.zeros(1, dtype=torch.int32)
    launch(releases, (2,), data, flag, False, "release", races=True)
    assert data[1] == 1
    assert fault_of(releases, (2,), data, flag, True, "release", races=True).cause == "race"
    assert fault_of(releases, (2,), data, flag, False, "acquire", races=True).cause == "race"


def case_programs_ordered_by_atomics():
    x, total, lock = torch.randn(4, 16), torch.zeros(16), torch.zeros(1, dtype=torch.int32)
    launch(locked_sum, (4,), x, total, lock, 16, races=True)
    assert torch.allclose(total, x.sum(0), atol=1e-6)
    for order in ("forward", "reverse", "shuffled"):
        lock.zero_()
        launch(last_one_sums, (4,), x, torch.zeros(4), lock, total, 4, 16, races=True, order=order)
        assert torch.allclose(total[0], x.sum(), atol=1e-5)
    lock.zero_()
    fault = fault_of(last_one_sums_unordered, (4,), x, torch.zeros(4), lock, total, 4, 16, races=True)
    assert fault.cause == "race" and fault.program == (3, 0, 0)


@triton.jit
def duplicates(x, seen, y, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(seen + i, tl.atomic_add(x + i // 4, 1))
    tl.atomic_max(y + i % 2, i.to(tl.float32) - 3.0)


def case_atomics_take_lane_after_lane():
    x, seen, y = torch.zeros(4, dtype=torch.int32), torch.zeros(16, dtype=torch.int32), torch.full((2,), -9.0)
    launch(duplicates, (1,), x, seen, y, 16)
    assert x.tolist() == [4] * 4 and seen.tolist() == [0, 1, 2, 3] * 4 and y.tolist() == [11.0, 12.0]


@triton.jit
def turns(x, count):
    place = (tl.program_id(2) * tl.num_programs(1) + tl.program_id(1)) * tl.num_programs(0) + tl.program_id(0)
    tl.store(x + place, tl.atomic_add(count, 1))


def order_of(grid, order, seed=0):
    x, count = torch.full(grid[::-1], -1, dtype=torch.int32), torch.zeros(1, dtype=torch.int32)
    launch(turns, grid, x, count, order=order, order_seed=seed)
    return x.flatten().tolist()


def case_orders():
    assert order_of((3, 2, 2), "forward") == list(range(12))
    assert order_of((3, 2, 2), "reverse") == list(range(12))[::-1]
    assert order_of((2, 1, 1), "shuffled") == [1, 0]
    for grid in ((5, 3, 1), (16, 1, 1), (3, 1, 1), (1, 1, 1)):
        places = order_of(grid, "shuffled", 7)
        assert sorted(places) == list(range(len(places)))
        assert places == order_of(grid, "shuffled", 7)
        assert len(places) < 3 or places != sorted(places)
    assert order_of((16, 1, 1), "shuffled", 1) != order_of((16, 1, 1), "shuffled", 2)


@triton.jit
def wrapping(x, y, row, stride, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    rows = row + i
    offsets = rows * stride
    offsets = offsets + 1 - 1
    tl.store(y + i, tl.load(x + offsets[:, None]).reshape((BLOCK,)))


@triton.jit
def wide(x, y, row, stride, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y + i, tl.load(x + (row + i).to(tl.int64) * stride, mask=i < 1))


def case_addresses_from_wrapped_arithmetic():
    x, y = torch.randn(64), torch.zeros(4)
    launch(wrapping, (1,), x, y, 2, 8, 4)
    assert torch.equal(y, x[16:48:8])
    fault = fault_of(wrapping, (1,), x, y, 4, 2**30, 4)  # 4 * 2**30 is 0 in int32: inside, and wrong
    assert fault.cause == "address_overflow" and fault.line == line_of(wrapping, "rows * stride"), fault.detail
    assert "int32 arithmetic overflows, and 4 of 4 addresses of a load come" in fault.detail
    assert fault_of(wide, (1,), x, y, 4, 2**30, 4).cause == "out_of_bounds"
    assert fault_of(wrapping, (1,), x, y, 4, 2**30, 4, overflow=False).cause == "out_of_bounds"
    launch(wrapping, (1,), x, y, 4, 2**30, 1, overflow=False)


@triton.jit
def masked_wrap(x, y, stride, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y + i, tl.load(x + i * stride, mask=i < 1, other=0.0))


@triton.jit
def hashed(x, y, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    h = (i + 77) * 1640531527
    h = (h ^ (h >> 13)) * 1274126177
    tl.store(y + i, tl.load(x + (h & 63)))
    there_and_back = i + 2147483647 - 2147483647
    tl.store(y + there_and_back, tl.load(y + there_and_back) * 2)


@triton.jit
def truncated(x, y, offset):
    tl.store(y, tl.load(x + offset.to(tl.int32)))


def case_wrapping_that_is_legal():
    x, y = torch.randn(64), torch.zeros(16)
    launch(masked_wrap, (1,), x, y, 2**30, 16)
    launch(hashed, (1,), x, y, 16)
    assert (y != 0).all()
    launch(truncated, (1,), x, y, 5)
    assert fault_of(truncated, (1,), x, y, 2**32 + 5).cause == "address_overflow"


if __name__ == "__main__":
    main(globals())
