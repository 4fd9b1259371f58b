"""Where a call asks for more than there is, or for what torch refuses: told apart from errors of ours.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.launch_plan import shown
from pytest_kernelfalcon.judge.roles.tracer_line import Failure


class NoRoom(Exception):
    """A call takes more memory, or a larger file, than this process may have."""


@contextmanager
def room() -> Iterator[None]:
    """Raises NoRoom for what torch, numpy and the system say then."""
    try:
        yield
    except MemoryError as error:
        raise NoRoom(shown(error)) from None
    except OSError as error:
        if error.errno not in (errno.EFBIG, errno.ENOMEM, errno.ENOSPC):
            raise
        raise NoRoom(os.strerror(error.errno)) from None
    except RuntimeError as error:
        if not _is_memory(error):
            raise
        raise NoRoom("torch cannot allocate it") from None


def _is_memory(error: RuntimeError) -> bool:
    """What torch's allocator of host memory says (c10/core/impl/alloc_cpu.cpp) has no type of its own."""
    return "can't allocate memory" in str(error)


@contextmanager
def torch_takes(what: str) -> Iterator[None]:
    """A value that a dtype cannot hold, or tensors that overlap: the wrapper would not have got past that either."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (OverflowError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and _is_memory(error):
            raise
        raise Failure(Cause.PLAN_INVALID, detail=f"torch refuses {what}: {shown(error, 200)}") from None
