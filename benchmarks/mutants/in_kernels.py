"""Faults in the body of a kernel. Each operator looks at one node and yields what it may become."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from benchmarks.mutants.text import Change, Text, called, name_of

Operator = Callable[[ast.AST, Text], Iterator[tuple[ast.expr | ast.stmt, str]]]

COMPARED = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="}
SYMBOLS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.BitAnd: "&",
    ast.BitOr: "|",
}  # fmt: skip
OTHER_SYMBOL = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "%", ast.Mod: "//"}
OTHER_FUNCTION = {
    "exp": ["exp2"], "exp2": ["exp"], "log": ["log2"], "log2": ["log"], "rsqrt": ["sqrt"], "sqrt": ["rsqrt"],
    "maximum": ["minimum"], "minimum": ["maximum"], "max": ["min", "sum"], "min": ["max"], "sum": ["max"],
    "sin": ["cos"], "cos": ["sin"], "floor": ["ceil"], "ceil": ["floor"], "argmax": ["argmin"], "argmin": ["argmax"],
    "cumsum": ["cumprod"], "erf": ["tanh"], "tanh": ["erf"], "atomic_add": ["atomic_max"], "rint": ["floor", "ceil"],
    "log1p": ["log"], "expm1": ["exp"],
}  # fmt: skip
EPS = 1e-3
"""What is no larger than this keeps a divisor from zero."""


def off_by_one(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """A bound one too small or one too large."""
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt | ast.LtE) and len(node.ops) == 1:
        (right,) = node.comparators
        yield right, f"{text.atom(right)} - 1"
        yield right, f"{text.atom(right)} + 1"


def comparison(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """< for <=, and the like."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARED:
        yield node, f"{text.atom(node.left)} {COMPARED[type(node.ops[0])]} {text.atom(node.comparators[0])}"


def mask_dropped(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """A load or a store of all lanes, where one of them may lie outside."""
    if called(node, "load", "store", "atomic_add") and not _stays_inside(node, text):
        yield from _without(node, text, "mask", "other")


def _stays_inside(node: ast.Call, text: Text) -> bool:
    """Whether it loads by remainders alone, and nothing is promised of lanes that are masked off."""
    names = [item.id for item in ast.walk(node.args[0]) if isinstance(item, ast.Name)]
    indices = [name for name in names if "stride" not in name and not name.endswith("_ptr")]
    filled = any(item.arg == "other" for item in node.keywords)
    return called(node, "load") and not filled and bool(indices) and text.remainders.issuperset(indices)


def other_dropped(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Lanes that are masked off hold anything. In a product they meet the other operand's zeros, and do no harm."""
    if called(node, "load") and not text.multiplies:
        yield from _without(node, text, "other")


def _without(node: ast.Call, text: Text, *names: str) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    kept = [item for item in node.keywords if item.arg not in names]
    if len(kept) < len(node.keywords) and any(item.arg == names[0] for item in node.keywords):
        words = [*map(text.of, node.args), *(f"{item.arg}={text.of(item.value)}" for item in kept)]
        yield node, f"{text.of(node.func)}({', '.join(words)})"


def term_dropped(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """One operand of a sum, product, quotient or conjunction alone."""
    if isinstance(node, ast.BinOp) and type(node.op) in SYMBOLS:
        neutral = 0 if isinstance(node.op, ast.Add | ast.Sub) else 1
        if not _is_number(node.right, neutral):
            yield node, text.atom(node.left)
        if not _is_number(node.left, neutral):
            yield node, text.atom(node.right)


def operation(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """- for +, / for *, and the like."""
    if isinstance(node, ast.BinOp) and type(node.op) in OTHER_SYMBOL and not _is_address(node):
        yield node, f"{text.atom(node.left)} {OTHER_SYMBOL[type(node.op)]} {text.atom(node.right)}"


def operands_swapped(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """b - a for a - b."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv | ast.Mod):
        yield node, f"{text.atom(node.right)} {SYMBOLS[type(node.op)]} {text.atom(node.left)}"
    if called(node, "div_rn", "fdiv") and len(node.args) == 2:
        yield node, f"{text.of(node.func)}({text.of(node.args[1])}, {text.of(node.args[0])})"


def order_of_operations(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """(a + b) * c without its parentheses, and a * b + c with others."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.left, ast.BinOp):
        return
    outer, inner = node.op, node.left.op
    first, second, third = text.atom(node.left.left), text.atom(node.left.right), text.atom(node.right)
    mixed = isinstance(outer, ast.Mult | ast.Div) and isinstance(inner, ast.Add | ast.Sub)
    if mixed or (isinstance(outer, ast.Add | ast.Sub) and isinstance(inner, ast.Mult | ast.Div)):
        yield node, f"{first} {SYMBOLS[type(inner)]} ({second} {SYMBOLS[type(outer)]} {third})"


def strides_swapped(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Two strides of one tensor, each in the place of the other."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.BinOp):
        return
    names = [item for item in ast.walk(node.value) if isinstance(item, ast.Name) and "stride" in item.id]
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            if one.id[:-1] == other.id[:-1] and one.id != other.id:
                yield node.value, _swapped(node.value, one.id, other.id)


def _swapped(node: ast.expr, one: str, other: str) -> str:
    class Swap(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.Name:
            return ast.Name({one: other, other: one}.get(name.id, name.id), name.ctx)

    return ast.unparse(Swap().visit(ast.parse(ast.unparse(node), mode="eval")))


def eps(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """What keeps a divisor from zero is ten times as large, or not there."""
    match node:
        case ast.Constant(value=float() as value) if 0 < value <= EPS:
            yield node, repr(value * 10)
            yield node, "0.0"


def constant(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Another number."""
    match node:
        case ast.Constant(value=float() as value) if abs(value) > EPS:
            yield node, repr(round(value * 1.01, 12))
            yield node, repr(value * 2)
    if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant) and type(node.right.value) is int:
        yield node.right, str(node.right.value + 1)


def initial_value(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """What a reduction starts from, or takes for lanes that are masked off: 0 for -inf, 1 for 0."""
    if called(node, "zeros", "zeros_like"):
        yield node, f"({text.of(node)} + 1)"
    if called(node, "full", "where") and len(node.args) > 1:
        yield from _neutral(node.args[2 if name_of(node.func) == "where" else 1], text)
    if called(node, "load") and not text.multiplies:
        for item in node.keywords:
            if item.arg == "other":
                yield from _neutral(item.value, text)


def _neutral(node: ast.expr, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    shown = text.of(node)
    if "inf" in shown:
        yield node, "0.0"
    elif shown in ("0", "0.0"):
        yield node, shown.replace("0", "1", 1)


def function(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """min for max, sum for max, another root, power or logarithm."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        for name in OTHER_FUNCTION.get(node.func.attr, ()):
            yield node.func, f"{text.of(node.func.value)}.{name}"


def call_dropped(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """The argument in place of a function of it."""
    if called(node, "exp", "exp2", "log", "sqrt", "rsqrt", "abs", "sigmoid", "tanh", "erf", "rint", "floor", "log1p"):
        yield node, text.atom(node.args[0])


def negation_dropped(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Invert):
        yield node, text.atom(node.operand)


def choice_swapped(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """tl.where with its branches the other way round, or one of them alone."""
    if called(node, "where") and len(node.args) == 3:
        condition, yes, no = map(text.of, node.args)
        yield node, f"{text.of(node.func)}({condition}, {no}, {yes})"


def axis(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Another axis, of a reduction or of the grid."""
    if not isinstance(node, ast.Call):
        return
    named = [item.value for item in node.keywords if item.arg == "axis"]
    second = node.args[1:2] if called(node, "sum", "max", "min", "argmax", "argmin", "cumsum") else []
    grid = node.args[:1] if called(node, "program_id", "num_programs") else []
    for item in (*named, *second, *grid):
        if isinstance(item, ast.Constant) and type(item.value) is int:
            yield item, str(1 - item.value)


def precision(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """A value or a sum rounded to a coarser type, TF32 for a product."""
    made = called(node, "sum", "exp", "rsqrt") or (called(node, "to", "cast") and "float32" in ast.unparse(node))
    if made and isinstance(node, ast.Call):
        yield node, f"{text.of(node)}.to(tl.float16).to(tl.float32)"
        yield node, f"{text.of(node)}.to(tl.bfloat16).to(tl.float32)"
    if isinstance(node, ast.Constant) and node.value in ("tf32x3", "ieee"):
        yield node, '"tf32"'


def block(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Blocks that overlap, or have gaps between them; a loop with another step."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and _is_block(node.right):
        yield node.right, f"({text.of(node.right)} // 2)"
        yield node.right, f"({text.of(node.right)} + 1)"
    if called(node, "range") and len(node.args) == 3:
        step = node.args[2]
        yield step, f"{text.atom(step)} * 2"


def lane(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Each lane takes its neighbour's element."""
    if called(node, "arange"):
        yield node, f"(1 + {text.of(node)})"


def loop(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """One round too few, at the beginning or at the end."""
    if not called(node, "range"):
        return
    words = [text.atom(item) for item in node.args]
    first, end, step = (["0", *words, "1"] if len(words) == 1 else [*words, "1"])[:3]
    yield node, f"range({first}, {end} - {step}, {step})"
    yield node, f"range({first} + {step}, {end}, {step})"


def accumulation(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """The last of several parts in place of their sum."""
    if isinstance(node, ast.AugAssign):
        yield node, f"{text.of(node.target)} = {text.of(node.value)}"


def statement_dropped(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """A store, or what changes a value that there was before."""
    if isinstance(node, ast.AugAssign) or (isinstance(node, ast.Expr) and called(node.value, "store", "atomic_add")):
        yield node, "pass"
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
        if any(isinstance(item, ast.Name) and item.id == name for item in ast.walk(node.value)):
            yield node, "pass"


def _is_address(node: ast.expr) -> bool:
    """Whether it has strides or programs in it: what counts whole elements has no quotient that compiles."""
    return any(word in ast.unparse(node) for word in ("stride", "program", "_ptr", "offsets"))


def _is_number(node: ast.expr, value: int) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def _is_block(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id.isupper() and "BLOCK" in node.id


OPERATORS: tuple[Operator, ...] = (
    off_by_one, comparison, mask_dropped, other_dropped, term_dropped, operation, operands_swapped,
    order_of_operations, strides_swapped, eps, constant, initial_value, function, call_dropped, negation_dropped,
    choice_swapped, axis, precision, block, lane, loop, accumulation, statement_dropped,
)  # fmt: skip


def changes(text: Text) -> Iterator[Change]:
    """Every one, in the order of the text."""
    for kernel in text.kernels:
        for statement in kernel.body:
            for node in ast.walk(statement):
                for operator in OPERATORS:
                    for place, new in operator(node, text):
                        yield Change(operator.__name__, kernel.name, place, new)
