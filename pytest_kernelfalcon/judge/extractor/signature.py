"""A kernel's head: decorator, parameters, defaults and annotations, all of which Python evaluates when it is loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_kernelfalcon.judge.extractor import allowlist
from pytest_kernelfalcon.judge.extractor.folding import NotFoldable, fold
from pytest_kernelfalcon.judge.extractor.globals import ModuleNames, chain
from pytest_kernelfalcon.judge.extractor.refusal import construct, quoted

_KEPT: dict[str, type[ast.expr] | tuple[type[ast.expr], ...]] = {
    "do_not_specialize": (ast.List, ast.Tuple),
    "do_not_specialize_on_alignment": (ast.List, ast.Tuple),
    "debug": ast.Constant,
    "noinline": ast.Constant,
    "version": ast.Constant,
}
_DROPPED = frozenset(("launch_metadata", "repr"))
"""Host functions, for profilers only."""


def decorator(kernel: ast.FunctionDef, names: ModuleNames) -> str:
    """`@triton.jit`, with its literal arguments; the decorators above it (autotune, …) belong to the wrapper.

    Raises Refused.
    """
    innermost = kernel.decorator_list[-1]
    if not names.is_jit(innermost):
        raise construct(innermost, "`@triton.jit` is not its innermost decorator")
    if not isinstance(innermost, ast.Call):
        return "@triton.jit"
    if innermost.args:
        raise construct(innermost, "`triton.jit` takes keyword arguments only")
    kept = [_argument(keyword) for keyword in innermost.keywords if keyword.arg not in _DROPPED]
    return f"@triton.jit({', '.join(kept)})" if kept else "@triton.jit"


def _argument(keyword: ast.keyword) -> str:
    name, value = keyword.arg, keyword.value
    if name not in _KEPT:
        raise construct(value, f"`triton.jit` has no argument {quoted(name or '**')}")
    elements = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    if not isinstance(value, _KEPT[name]) or not all(isinstance(element, ast.Constant) for element in elements):
        raise construct(value, f"the argument `{name}` of `triton.jit` is not a literal")
    return f"{name}={ast.literal_eval(value)!r}"


def parameters(kernel: ast.FunctionDef) -> list[ast.arg]:
    """Every parameter in its order, `*args` included."""
    arguments = kernel.args
    rest = [arguments.vararg] if arguments.vararg else []
    return [*arguments.posonlyargs, *arguments.args, *rest, *arguments.kwonlyargs]


def foreign_annotations(kernel: ast.FunctionDef, names: ModuleNames) -> Iterator[ast.arg]:
    """Parameters annotated with another library's type (`x: torch.Tensor`): Triton gives these no meaning."""
    for parameter in parameters(kernel):
        annotation = parameter.annotation
        path = names.path(annotation) if isinstance(annotation, ast.Attribute) else None
        if path is not None and "const" not in path and not path.startswith("triton."):
            yield parameter


def check_head(kernel: ast.FunctionDef, names: ModuleNames) -> dict[str, int]:
    """The module-level names that it uses, each with the line. Raises Refused."""
    if kernel.args.kwarg:
        raise construct(kernel.args.kwarg, f"`**{kernel.args.kwarg.arg}` is not allowed in a kernel")
    if getattr(kernel, "type_params", None):
        raise construct(kernel, "type parameters are not allowed in a kernel")
    used: dict[str, int] = {}
    for annotation in [parameter.annotation for parameter in parameters(kernel)] + [kernel.returns]:
        if annotation is not None:
            check_annotation(annotation, names, used)
    for default in [*kernel.args.defaults, *kernel.args.kw_defaults]:
        if default is not None:
            _check_default(default, kernel, names, used)
    return used


def check_annotation(annotation: ast.expr, names: ModuleNames, used: dict[str, int]) -> None:
    """A string, None, one of Python's types, a name of tl or a tuple of these; adds what it names to `used`.

    Raises Refused.
    """
    match annotation:
        case ast.Constant(value=str() | None):
            return
        case ast.Name(id=name) if name in allowlist.ANNOTATIONS and names.is_builtin(name):
            return
        case ast.Subscript(value=ast.Name(id="tuple"), slice=parts) if names.is_builtin("tuple"):
            for part in parts.elts if isinstance(parts, ast.Tuple) else [parts]:
                check_annotation(part, names, used)
            return
        case ast.Name() | ast.Attribute():
            module, _, name = (names.path(annotation) or "").rpartition(".")
            base, _ = chain(annotation)
            if base is not None and allowlist.member(module, name) == "object":
                used.setdefault(base.id, annotation.lineno)
                return
    raise construct(
        annotation, "an annotation is a string, a type of tl, or `int`, `float`, `bool`; leave this one out"
    )


def _check_default(default: ast.expr, kernel: ast.FunctionDef, names: ModuleNames, used: dict[str, int]) -> None:
    """A literal, arithmetic on module-level literals, a name of tl, or a kernel defined above."""
    if isinstance(default, ast.Name) and (other := names.kernels.get(default.id)):
        if other.lineno >= names.kernels[kernel.name].lineno:
            raise construct(default, f"a default uses {quoted(default.id)} before it is defined")
        used.setdefault(default.id, default.lineno)
        return
    if not _is_tl(default, names):
        try:
            fold(default, names)
        except NotFoldable:
            raise construct(default, "a default is a literal, arithmetic on literals, or a name of tl") from None
    for node in ast.walk(default):
        if isinstance(node, ast.Name) and not (node.id == "float" and names.is_builtin("float")):
            if names.globals[node.id].kind not in ("module", "object", "constexpr", "constant"):
                raise construct(node, f"a default cannot use {quoted(node.id)}")
            used.setdefault(node.id, node.lineno)


def _is_tl(node: ast.expr, names: ModuleNames) -> bool:
    module, _, name = (names.path(node) or "").rpartition(".")
    return allowlist.member(module, name) == "object" and name not in allowlist.TYPES
