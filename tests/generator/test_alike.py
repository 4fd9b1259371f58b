"""Candidates that are the same but for what does nothing, and those that only look so."""

import pytest

from pytest_kernelfalcon.generator.alike import fingerprint

TEXT = '''import triton
import triton.language as tl

SIZE = tl.constexpr(4)


@triton.jit
def add(x_ptr, n, BLOCK: tl.constexpr):
    """Adds."""
    offsets = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offsets, mask=offsets < n)
    tl.store(x_ptr + offsets, x + 1)


def kernel_function(x):
    n = x.numel()
    for part in range(2):
        add[(1,)](x, n, BLOCK=64)
    return x
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    n = x.numel()\n", "    # how many\n\n    n = x.numel()  # elements\n"),
        ('    """Adds."""\n', ""),
        ("x + 1)", "(x + 1))"),
        ("offsets", "at"),
        ("part", "_"),
        ("import triton\n", "import triton\n\n\n"),
        ("n = x.numel()", "n = (x.numel())"),
    ],
)
def test_what_does_nothing_makes_no_other_candidate(old, new):
    assert old in TEXT
    assert fingerprint(TEXT.replace(old, new)) == fingerprint(TEXT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x + 1)", "x + 2)"),
        ("offsets < n", "offsets <= n"),
        ("BLOCK=64", "BLOCK=128"),
        ("SIZE = tl.constexpr(4)", "SIZE = tl.constexpr(8)"),
        ("x_ptr", "y_ptr"),  # a parameter: by its name it is called
        ("tl.load(x_ptr + offsets, mask=offsets < n)", "tl.load(x_ptr + n, mask=offsets < n)"),
        ("range(2)", "range(3)"),
        ("return x", "return n"),
    ],
)
def test_what_does_something_does(old, new):
    assert old in TEXT
    assert fingerprint(TEXT.replace(old, new)) != fingerprint(TEXT)


@pytest.mark.parametrize("text", ["def f(:\n", "x = '\ud800'", "\0", "(" * 5000])
def test_what_is_no_python_is_itself(text):
    assert fingerprint(text) == fingerprint(text)
    assert fingerprint(text) != fingerprint(text + " ")


def test_two_names_are_not_one():
    """Swapped, so that the order of binding is the same and the use is not."""
    one = "def f():\n    a = 1\n    b = 2\n    return a\n"
    assert fingerprint(one) == fingerprint(one.replace("a", "c").replace("b", "d"))
    assert fingerprint(one) != fingerprint(one.replace("return a", "return b"))
