"""What one module-level name of a candidate is, as its kernels may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pytest_kernelfalcon.judge.extractor import allowlist
from pytest_kernelfalcon.judge.extractor.folding import Value

Kind: TypeAlias = Literal["module", "object", "constexpr", "constant", "kernel", "jit", "import", "python"]


@dataclass(frozen=True)
class Global:
    """What one module-level name is.

    kind: "module" (one that kernels may name), "object" (a function, class or dtype of Triton's), "constexpr"
    (`tl.constexpr(<literal>)`), "constant" (a plain literal, for parameter defaults only), "kernel", "jit" (the
    decorator), "import" (anything else that is imported), "python" (anything else).
    path: of the first two kinds and of "import". value: of the two kinds of constant.
    """

    kind: Kind
    line: int
    path: str = ""
    value: Value = None

    @classmethod
    def imported(cls, path: str, line: int) -> Global:
        """What `from … import …` makes of a dotted path; a member of `math` is a plain value, to Triton too."""
        if path in allowlist.JIT_PATHS:
            return cls("jit", line, "triton.jit")
        module, _, name = path.rpartition(".")
        kind = allowlist.member(module, name) if module.startswith("triton") else None
        return cls(kind or "import", line, path)

    @property
    def meaning(self) -> tuple[str, str, str]:
        """Equal for two bindings that are the same to a kernel."""
        return self.kind, self.path, repr(self.value)

    def same_elsewhere(self, other: Global) -> bool:
        """Whether another version of Triton has it there: `triton.language.math.rsqrt` and `….libdevice.rsqrt`."""
        return self.path.startswith("triton.") and self.path.rpartition(".")[2] == other.path.rpartition(".")[2]
