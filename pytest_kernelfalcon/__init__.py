"""Triton kernels for PyTorch problems, synthesised, judged and kept by pytest.

Importing this package costs nothing: what is heavy is behind `--kernelfalcon` or the first use of one of these names,
and in other processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_kernelfalcon.asserting import CannotJudge, KernelRefused, assert_kernel
    from pytest_kernelfalcon.generating import CannotGenerate, Generated, RunFailed, generate_kernel

__all__ = [
    "CannotGenerate",
    "CannotJudge",
    "Generated",
    "KernelRefused",
    "RunFailed",
    "assert_kernel",
    "generate_kernel",
]
ASSERTING = ("CannotJudge", "KernelRefused", "assert_kernel")


def __getattr__(name: str) -> Any:
    """https://peps.python.org/pep-0562/"""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ASSERTING:
        from pytest_kernelfalcon import asserting

        return getattr(asserting, name)
    from pytest_kernelfalcon import generating

    return getattr(generating, name)
