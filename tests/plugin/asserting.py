"""A user's files for the tests of `assert_kernel`, and pytest run on them without `--kernelfalcon`."""

from __future__ import annotations

import torch  # noqa: F401  (before pytester's runs, which forget their modules: torch cannot be loaded twice)
import triton  # noqa: F401

import pytest_kernelfalcon.asserting.api  # noqa: F401
from tests.conftest import Example, Loader, Run, Words

HEAD = '''"""A user's test."""

import functools
import sys
from pathlib import Path

import pytest
import torch, triton
import triton.language as tl

from pytest_kernelfalcon import assert_kernel

sys.path.insert(0, "somewhere")


@pytest.fixture
def unrelated(tmp_path):
    return Path("never").read_text()


@triton.jit
def _scale(x_ptr, out_ptr, n, factor, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x * factor, mask=mask)


BLOCK = 64


def scale(x, factor=2.0):
    x = x.contiguous()
    out = torch.empty_like(x)
    _scale[(triton.cdiv(x.numel(), BLOCK),)](x, out, x.numel(), factor, BLOCK=BLOCK)
    return out


def double(x):
    return x + x


def inputs(rows=5, columns=40, dtype=None):
    return [torch.randn(rows, columns, dtype=dtype)]


'''
"""A test's file with a kernel `scale`, a right reference `double`, and inputs."""


def run(example: Example, *arguments: str) -> Run:
    """`pytest ARGUMENTS`, as anybody would start it."""
    words = Words()
    result = example.pytester.runpytest_inprocess(
        "-p", "no:hypothesispytest", "--strict-markers", *arguments, plugins=[Loader(), words]
    )
    return Run(int(result.ret), words.ended, words.texts, result.stdout.str() + result.stderr.str(), {})
