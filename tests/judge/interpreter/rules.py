"""Operators decide on types, shapes and values as Triton's own semantic does. Run by test_interpreter.py."""

import contextlib
import itertools

import numpy as np
import triton.language as tl
import triton.runtime.interpreter as stock
from harness import main
from triton.language.semantic import TritonSemantic

OWN = dict(vars(TritonSemantic))
"""Before `install` puts anything in front."""
TYPES = ["int1", "int8", "uint8", "int16", "int32", "uint32", "int64", "uint64", "fp16", "bf16", "fp32", "fp64"]
SHAPES = [((4,), ()), ((4,), (4,)), ((4, 1), (1, 2)), ((4, 2), (2,)), ((), (4,)), ((), ()), ((4,), (2,))]
PAIRS = [
    (a, b, shapes) for a in TYPES for b in TYPES for shapes in (SHAPES if {a, b} <= {"int32", "fp32"} else SHAPES[:1])
]
NUMBERS = [0, 3, -1, 200, 2**31, 2**33, -(2**40), 2**63, 1.5, -0.0, 1e-42, 1e300, float("inf"), float("nan"), True]
OPERATORS = {
    **{f"__{name}__": name for name in ("add", "sub", "mul", "truediv", "floordiv", "mod")},
    "__and__": "and_",
    "__or__": "or_",
    "__xor__": "xor_",
    "__lt__": "less_than",
    "__le__": "less_equal",
    "__gt__": "greater_than",
    "__ge__": "greater_equal",
    "__eq__": "equal",
    "__ne__": "not_equal",
}
SANITIZED = ("add", "sub", "mul")


@contextlib.contextmanager
def own_semantic():
    ours = {name: value for name, value in vars(TritonSemantic).items() if OWN.get(name) is not value}
    for name in ours:
        setattr(TritonSemantic, name, OWN[name])
    try:
        yield stock.interpreter_semantic
    finally:
        for name, value in ours.items():
            setattr(TritonSemantic, name, value)


def operand(name, shape, start):
    kind = getattr(tl, {"fp16": "float16", "bf16": "bfloat16", "fp32": "float32", "fp64": "float64"}.get(name, name))
    count = int(np.prod(shape))
    data = (np.arange(start, start + count) % 5 + 1).astype(stock._get_np_dtype(kind)).reshape(shape or (1,))
    return tl.tensor(stock.TensorHandle(data, kind), tl.block_type(kind, list(shape)) if shape else kind)


def outcome(compute, *operands):
    """Type, shape and bits of a result, or that there is none."""
    try:
        result = compute(*operands)
    except Exception:  # some of Triton's have no common base
        return "refused"
    data = result.handle.data
    return str(result.type), str(result.dtype), [int(n.value) for n in result.shape], data.dtype, data.tolist()


def own(name, left, right):
    with own_semantic() as semantic:
        return outcome(getattr(semantic, name), left, right, *([False] if name in SANITIZED else []))


def same(got, want):
    return repr(got) == repr(want)


def case_two_tensors():
    for (special, name), (a, b, shapes) in itertools.product(OPERATORS.items(), PAIRS):
        left, right = operand(a, shapes[0], 0), operand(b, shapes[1], 2)
        got, want = outcome(getattr(tl.tensor, special), left, right), own(name, left, right)
        assert same(got, want), (special, a, b, shapes, got, want)


def case_a_tensor_and_a_number():
    for name, kind, shape, number in itertools.product(SANITIZED, TYPES, [(4,), ()], NUMBERS):
        tensor = operand(kind, shape, 0)
        with np.errstate(all="ignore"):
            got, want = outcome(getattr(tl.tensor, f"__{name}__"), tensor, number), own(name, tensor, number)
            assert same(got, want), (name, kind, shape, number, got, want)
            got, want = outcome(getattr(tl.tensor, f"__r{name}__"), tensor, number), own(name, number, tensor)
            assert same(got, want), (f"r{name}", kind, shape, number, got, want)


def case_where():
    for (a, b, shapes), scalar in itertools.product(PAIRS, (False, True)):
        condition = operand("int1", () if scalar else (4, 2), 0)
        left, right = operand(a, shapes[0], 0), operand(b, shapes[1], 2)
        for x, y in ((left, right), (left, 1), (2.5, right)):
            got = outcome(tl.where, condition, x, y)
            with own_semantic() as semantic:
                want = outcome(semantic.where, condition, x, y)
            assert same(got, want), (a, b, shapes, scalar, got, want)


def case_casts():
    for a, b, shape in itertools.product(TYPES, TYPES, [(4,), ()]):
        tensor, kind = operand(a, shape, 0), operand(b, (), 0).dtype
        got = outcome(stock.interpreter_semantic.cast, tensor, kind)
        with own_semantic() as semantic:
            want = outcome(semantic.cast, tensor, kind)
        assert same(got, want), (a, b, shape, got, want)


if __name__ == "__main__":
    main(globals())
