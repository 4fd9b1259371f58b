"""Kernels compiled for a target that is not here. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pytest_kernelfalcon.judge.roles.standalone.asked import Asked
from pytest_kernelfalcon.judge.roles.standalone.calling import call
from pytest_kernelfalcon.judge.roles.standalone.drawing import draw
from pytest_kernelfalcon.judge.roles.targets import shared_bytes


def compiled(asked: Asked, problem: ModuleType, kernel: ModuleType) -> None:
    """Compiles what the wrapper launches, for the target, without a GPU; raises what the compiler does."""
    from triton.backends.compiler import GPUTarget
    from triton.runtime.driver import driver
    from triton.runtime.jit import JITFunction

    target = asked.target
    assert target is not None
    limit = shared_bytes(target)

    class Driver:
        class utils:  # noqa: N801 (Triton's name)
            @staticmethod
            def get_device_properties(_device: int = 0) -> dict[str, int]:
                return {"max_shared_mem": 1 << 30, "multiprocessor_count": 132, "max_num_regs": 65536, "warpSize": 32}

        get_current_device = staticmethod(lambda: 0)
        get_current_stream = staticmethod(lambda device=0: 0)
        get_current_target = staticmethod(lambda: GPUTarget("cuda", target, 32))

    run = JITFunction.run

    def compile_only(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> Any:
        made = run(self, *args, grid=grid, warmup=True, **kwargs)
        made = made.result() if hasattr(made, "result") else made
        shared = made.metadata.shared
        print(f"`{self.__name__}` compiles for sm_{target}: {shared} bytes of shared memory of {limit}")
        if shared > limit:
            raise RuntimeError(f"`{self.__name__}` takes {shared} bytes of shared memory; sm_{target} has {limit}")
        return made

    driver.set_active(Driver())
    JITFunction.run = compile_only
    call(kernel, draw(problem, asked, asked.seed, "cpu"), 0, on_cpu=True)
