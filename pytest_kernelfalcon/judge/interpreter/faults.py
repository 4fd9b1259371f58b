"""What ends a launch before its grid is done: a fault of the kernel, or a spent budget."""

from __future__ import annotations

from pytest_kernelfalcon.contracts.causes import Cause, explain

Program = tuple[int, int, int]


class KernelFault(Exception):
    """A kernel did what it must not.

    cause: OUT_OF_BOUNDS, RACE, ADDRESS_OVERFLOW, KERNEL_RAISED, or NOT_RUNNABLE where the interpreter lacks what the
    kernel uses. detail: one sentence for its author. line: in the kernel's file, None where no line of it was running.
    program: the program id, None before the first. kernel: the name of the function that was launched.
    """

    def __init__(self, cause: Cause, detail: str, *, line: int | None, program: Program | None, kernel: str) -> None:
        self.cause, self.detail, self.line, self.program, self.kernel = cause, detail, line, program, kernel
        super().__init__(explain(cause, kernel=kernel, detail=detail))


class Fault(Exception):
    """A KernelFault on its way up: raised where the line and the program are not known yet.

    action: "load", "store", …: what the line does; empty where the text says it. line: where it is not the line that
    was running.
    """

    def __init__(self, cause: Cause, text: str, *, action: str = "", line: int | None = None) -> None:
        self.cause, self.text, self.action, self.line = cause, text, action, line
        super().__init__(text)


class NotRunnable(Fault, AttributeError):
    """The kernel uses something that the interpreter does not have. An AttributeError, so that hasattr() works."""

    def __init__(self, text: str) -> None:
        super().__init__(Cause.NOT_RUNNABLE, text)


class WrongCall(ValueError):
    """The caller's error, not the kernel's: arguments that are too many or too few, or that lie in no region."""


class BudgetExceeded(Exception):
    """The launch took more operations than its budget allows."""


class Budget:
    """A counter that bounds a launch, or several, by work and not by time, so that a verdict does not depend on speed.

    operations: how many may be spent. One is spent by each program, each loop iteration, each call of a jit function,
    and each load, store and atomic, whatever its size. left: how many remain.
    """

    def __init__(self, operations: int) -> None:
        if operations < 0:
            raise ValueError(f"a budget of {operations} operations: pass 0 or more")
        self.operations = self.left = operations

    def spend(self) -> None:
        """Count one operation. Raises BudgetExceeded when none is left."""
        if self.left <= 0:
            raise BudgetExceeded(f"more than {self.operations} operations")
        self.left -= 1


class Unlimited(Budget):
    """A budget that is never spent."""

    def __init__(self) -> None:
        super().__init__(0)

    def spend(self) -> None:
        return
