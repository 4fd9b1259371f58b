"""Whether a launched kernel is the function that the candidate's text shows. PYTEST_DONT_REWRITE

The judge ran the text. A module can make its kernels do something else later on: another function under the same name,
another source in the kernel object, another value of a global constant.
"""

from __future__ import annotations

import ast
from typing import Any

import triton.language as tl
from triton.runtime.jit import JITFunction

from pytest_kernelfalcon.judge.extractor import Kernels


class Shown:
    """kernels: taken from the text. loaded: these as functions."""

    def __init__(self, kernels: Kernels, loaded: dict[str, Any]) -> None:
        self._texts = {name: _plain(JITFunction(kernel.fn).src) for name, kernel in loaded.items()}
        self._seen: dict[tuple[str, str], bool] = {}
        scope = next(iter(loaded.values())).fn.__globals__ if loaded else {}
        known = kernels.environment.items()
        self._constants = {name: scope[name].value for name, of in known if of.kind == "constexpr"}

    def differs(self, kernel: Any) -> str:
        """In words what is not as the text shows it; empty if nothing is."""
        name, scope = kernel.__name__, kernel.fn.__globals__
        if not self._same(name, kernel):
            return f"the kernel `{name}` that is launched is not the one of the text"
        for other in self._texts:
            found = _function(scope.get(other))
            if found is not None and not self._same(other, found):
                return f"the kernel `{other}` is no longer the one of the text"
        for constant, value in self._constants.items():
            now = scope.get(constant)
            if not isinstance(now, tl.constexpr) or (type(now.value), now.value) != (type(value), value):
                return f"the constant `{constant}` is no longer {value!r}"
        return ""

    def _same(self, name: str, kernel: Any) -> bool:
        key = name, kernel.src
        if key not in self._seen:
            self._seen[key] = name in self._texts and _plain(kernel.src) == self._texts[name]
        return self._seen[key]


def _function(value: Any) -> Any:
    """The kernel below `autotune` and `heuristics`."""
    while value is not None and not isinstance(value, JITFunction):
        value = getattr(value, "fn", None)
    return value


def _plain(source: str) -> str:
    """A function's tree without its annotations, of which the extractor blanks foreign ones, but for `constexpr`."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None and "constexpr" not in ast.dump(node.annotation):
            node.annotation = None
    return ast.dump(tree)
