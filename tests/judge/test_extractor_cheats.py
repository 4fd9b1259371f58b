"""Each cheat is refused at its line, marked `#!`, and its honest look-alike is taken and loads."""

# ruff: noqa: E501 — tables, one case a line
from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.extractor import Kernels, Refused, extract

HEAD = "import triton\nimport triton.language as tl\nimport numpy as np\nimport torch\n"
KERNEL = (
    HEAD
    + "@triton.jit\ndef k(x_ptr, n, B: tl.constexpr):\n    x = tl.load(x_ptr)\n{body}\ndef kernel_function(): pass\n"
)


def with_body(*lines: str) -> str:
    return KERNEL.format(body="\n".join(f"    {line}" for line in lines))


def module(text: str) -> str:
    return HEAD + dedent(text) + "\ndef kernel_function(): pass\n"


def assert_refused(source: str, detail: str, cause: Cause = Cause.KERNEL_CONSTRUCT, name: str = "k") -> Kernels:
    kernels = extract(source)
    refusal = kernels.refused[name]
    marked = [number for number, line in enumerate(source.split("\n"), 1) if "#!" in line]
    assert (refusal.cause, refusal.kernel, [refusal.line]) == (cause, name, marked), refusal
    assert detail in refusal.detail, refusal
    assert name not in kernels.names and f"def {name}(" not in kernels.text
    return kernels


def assert_taken(source: str, folder: Path, name: str = "k") -> None:
    kernels = extract(source)
    assert not kernels.refused, kernels.refused
    assert name in kernels.load(folder / "kernels.py")


BODIES = {
    "getattr": ("x = getattr(x, 'handle') #!", "`getattr`", "x = tl.abs(x)"),
    "hasattr": ("y = hasattr(x, 'handle') #!", "`hasattr`", "y = x.dtype.is_floating()"),
    "isinstance": ("y = isinstance(n, int) #!", "`isinstance`", "y = n == 1"),
    "dunder attribute": ("y = x.__class__ #!", "`.__class__`", "y = x.type"),
    "dunder name": ("y = __builtins__ #!", "`__builtins__`", "y = B"),
    "dunder local": ("__builtins__ = 1 #!", "reserved", "_private = 1"),
    "handle": ("y = x.handle #!", "`.handle`", "y = x.dtype"),
    "handle of an expression": ("y = (x + 1).handle.data #!", "`.data`", "y = (x + 1).to(tl.float32)"),
    "semantic": ("y = x._semantic #!", "`._semantic`", "y = x.T"),
    "core": ("y = tl.core.constexpr(1) #!", "`triton.language.core`", "y = tl.constexpr(1)"),
    "semantic module": ("y = tl.semantic #!", "`triton.language.semantic`", "y = tl.float32"),
    "standard": ("y = tl.standard.sum(x) #!", "`triton.language.standard`", "y = tl.sum(x, 0)"),
    "os through tl": ("y = tl.math.core.os.getpid() #!", "`triton.language.math.core`", "y = tl.math.exp(x)"),
    "triton's runtime": ("y = triton.runtime.driver #!", "`triton.runtime`", "y = triton.cdiv(B, 2)"),
    "inline asm": ("y = tl.inline_asm_elementwise('', '', [x], tl.int32, True, 1) #!", "inline_asm", "y = tl.fma(x, x, x)"),
    "globaltimer": ("y = tl.extra.cuda.globaltimer() #!", "globaltimer", "y = tl.extra.libdevice.exp(x)"),
    "smid": ("y = tl.extra.cuda.smid() #!", "smid", "y = tl.extra.cuda.libdevice.tanh(x)"),
    "target": ("y = tl.target_info.is_cuda() #!", "target_info", "y = tl.program_id(0)"),
    "raw tensor": ("y = tl.tensor(x, tl.int32) #!", "`triton.language.tensor`", "y = tl.full((B,), 0, tl.int32)"),
    "tensor class as a value": ("y = tl.tensor #!", "`triton.language.tensor`", "y: tl.tensor = x"),
    "module as a value": ("y = tl.math #!", "no value", "y = tl.math.sqrt(x)"),
    "aliased module": ("y = tl #!", "no value", "y = tl.int8"),
    "numpy": ("y = np.zeros(3) #!", "`numpy`", "y = tl.zeros((B,), tl.float32)"),
    "torch": ("y = torch.zeros(3) #!", "`torch`", "y = tl.zeros_like(x)"),
    "import": ("import os #!", "`import`", "pass"),
    "import from": ("from os import system #!", "`import`", "pass"),
    "nested function": ("def g(a): #!\n        return a", "nested function", "pass"),
    "class": ("class C: #!\n        pass", "class", "pass"),
    "lambda": ("y = tl.reduce(x, 0, lambda a, b: a + b) #!", "`lambda`", "y = tl.sum(x, 0)"),
    "with": ("with x: #!\n        pass", "`with`", "if n > 1:\n        pass"),
    "try": ("try: #!\n        pass\n    except ValueError:\n        pass", "`try`", "if n > 1:\n        pass"),
    "raise": ("raise ValueError #!", "`raise`", "return"),
    "global": ("global B2 #!", "`global`", "B2 = B"),
    "del": ("del x #!", "`del`", "x = x + 1"),
    "yield": ("yield x #!", "`yield`", "return"),
    "break": ("while n > 1:\n        break #!", "`break`", "while n > 1:\n        n = n - 1"),
    "generator": ("y = max(a for a in (1, 2)) #!", "generator", "y = max(1, 2)"),
    "dict": ("y = {1: 2} #!", "a dict", "y = (1, 2)"),
    "set": ("y = {1, 2} #!", "a set", "y = [1, 2]"),
    "in": ("y = n in (1, 2) #!", "`in`", "y = (n == 1) | (n == 2)"),
    "matmul": ("y = x @ x #!", "tl.dot", "y = tl.dot(x, x)"),
    "bytes": ("y = b'x' #!", "b'x'", "y = 'x'"),
    "complex": ("y = 1j #!", "1j", "y = 1.0"),
    "ellipsis": ("y = x[...] #!", "Ellipsis", "y = x[:, None]"),
    "format": ("tl.static_assert(B > 1, '{0.handle}'.format(x)) #!", "`.format`", "tl.static_assert(B > 1, 'B is small')"),
    "attribute of a literal": ("y = 'a b'.split() #!", "literal", "y = x.split()"),
    "attribute in an f-string": ("tl.static_assert(B > 1, f'{x.handle}') #!", "`.handle`", "tl.static_assert(B > 1, f'B is {B}')"),
    "call in an f-string": ("tl.static_print(f'{open(B)}') #!", "`open`", "tl.static_print(f'{B!r}', B)"),
    "format spec": ("tl.static_print(f'{B:>999999999}') #!", "format", "tl.static_print(f'{B + 1}')"),
    "percent": ("tl.static_print('%999999999d' % B) #!", "string", "tl.static_print('%', B)"),
    "repeated string": ("y = 'a' * 10**9 #!", "string", "y = B * 10**2"),
    "double star": ("y = tl.sum(x, **{}) #!", "`**`", "y = tl.sum(x, axis=0)"),
    "star in a display": ("y = (*x, 1) #!", "`*`", "y = tl.join(*(x, x))"),
    "private keyword": ("y = tl.sum(x, 0, _semantic=1) #!", "`_semantic`", "y = tl.sum(x, 0, keep_dims=True)"),
    "print to a file": ("tl.static_print(B, file=x) #!", "`file`", "tl.static_print(B, sep=' ')"),
    "builtin keyword": ("print(B, flush=True) #!", "`print`", "print('B', B)"),
    "builtin as a value": ("y = tl.reduce(x, 0, max) #!", "`max`", "y = tl.max(x, 0)"),
    "exec": ("exec('import os') #!", "`exec`", "tl.device_print('exec', x)"),
    "eval": ("y = eval('1') #!", "`eval`", "y = float('inf')"),
    "open": ("y = open('/etc/passwd') #!", "`open`", "y = len((1, 2))"),
    "compatibility form": ("\uff45xec('import os') #!", "`exec`", "\uff59 = x"),
    "keyword in other letters": ("\uff34rue = 0 #!", "reserved", "\uff34ruth = 0"),
    "call of a local": ("f = tl.abs\n    y = f(x) #!", "local variable `f`", "y = tl.abs(x)"),
    "call of a result": ("y = tl.abs(x)(x) #!", "only a name", "y = tl.abs(tl.abs(x))"),
    "call of an element": ("y = (tl.abs,)[0](x) #!", "only a name", "y = (x,)[0]"),
    "launch in a kernel": ("k[(1,)](x) #!", "only a name", "pass"),
    "attribute of a kernel": ("k.run(x) #!", "no attributes", "pass"),
    "hidden module": ("tl = x #!", "hides the module", "t = x"),
    "hidden module in a loop": ("for tl in range(3): #!\n        pass", "hides the module", "for i in range(3):\n        pass"),
    "hidden kernel": ("k = x #!", "hides the kernel", "kk = x"),
    "walrus hides": ("y = (tl := x) #!", "hides the module", "y = (z := x) + z"),
    "rewriter's name": ("interpreter_semantic = x #!", "reserved", "semantic = x"),
    "decorator's name": ("triton = x #!", "reserved", "tri = x"),
    "comprehension's name": ("y = [0 for np in (1, 2)] #!\n    z = np.load('/x', None, True)", "hides", "y = [i for i in (1, 2)]"),
    "comprehension hides": ("y = [0 for x in (1, 2)] #!", "hides", "y = [0 for i in (1, 2)]"),
    "comprehension hides a builtin": ("y = [0 for max in (1, 2)] #!", "hides", "y = [max(i, 2) for i in (1, 2)]"),
    "after a comprehension": ("y = [os for os in (1, 2)]\n    z = os #!", "`os`", "y = [(a, b) for (a, b) in ((1, 2),)]"),
    "annotation alone": ("np: tl.constexpr\n    y = np.load('/x', None, True) #!", "`numpy`", "y: tl.constexpr\n    y = B"),
    "two fors": ("y = [a for a in (1,) for b in (2,)] #!", "one `for`", "y = [a for a in (1,) if a > 0]"),
    "stored attribute": ("x.type = 1 #!", "only names", "y = x.type"),
    "stored element": ("x[0] = 1 #!", "only names", "y, z = x, x"),
    "stored in a pair": ("y, x.type = x, x #!", "only names", "(y, z), w = (x, x), x"),
    "augmented attribute": ("x.shape += 1 #!", "only names", "x += 1"),
    "loop over a value": ("for i in (1, 2): #!\n        pass", "a loop runs over", "for i in tl.static_range(2):\n        pass"),
    "loop over a local range": ("for i in x.sum(): #!\n        pass", "a loop runs over", "for i in tl.range(0, n, num_stages=2):\n        pass"),
    "loop else": ("while n > 1:\n        n = n - 1\n    else:\n        n = 2 #!", "`else`", "while n > 1:\n        n = n - 1"),
    "several targets": ("y = z = x #!", "`a = b", "y, z = x, x"),
    "pow bomb": ("y = 9 ** 9 ** 9 #!", "exponent", "y = 9 ** 3"),
    "pow bomb in steps": ("y = 2 ** 99999 #!", "exponent", "y = B ** -0.5"),
    "shift bomb": ("y = 1 << 999999999 #!", "exponent", "y = 1 << B"),
    "augmented bomb": ("n **= 99999 #!", "exponent", "n <<= 2"),
    "huge integer": (f"y = {2**64} #!", "64 bits", f"y = {2**64 - 1}"),
    "deep nesting": (f"y = {'-' * 300}x #!", "nested too deeply", f"y = {'-' * 50}x"),
    "long sum": (f"y = {' + '.join(['x'] * 300)} #!", "nested too deeply", f"y = {' + '.join(['x'] * 100)}"),
    "assert's message": ("assert n > 1, open('x') #!", "`open`", "assert n > 1, 'n'"),
    "device_print's argument": ("tl.device_print('x', x.handle) #!", "`.handle`", "tl.device_print('x', x)"),
    "annotation": ("y: open('x') = 1 #!", "annotation", "y: tl.constexpr = B * 2"),
    "docstring becomes code": ('"""\ndef k(x_ptr, n, B): #!\n    """', "docstring", '"""\n    k, def and all.\n    """'),
    "string becomes code": ('y = """\n  \x1cdef k(x_ptr, n, B): #!\n"""', "docstring", 'y = """\ndefine k\n"""'),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_body(name, tmp_path):
    cheat, detail, honest = BODIES[name]
    assert_refused(with_body(cheat), detail)
    assert_taken(with_body(honest), tmp_path)


HEADS = {
    "default runs": ("def k(x, B: tl.constexpr = __import__('os').getpid()): #!", "default", "def k(x, B: tl.constexpr = -(2 ** 4)):"),
    "default bomb": ("def k(x, B: tl.constexpr = 9 ** 9 ** 9): #!", "default", "def k(x, B: tl.constexpr = 9 ** 9):"),
    "default shift bomb": ("def k(x, B: tl.constexpr = 1 << 10 ** 9): #!", "default", "def k(x, B: tl.constexpr = 1 << 10):"),
    "default divides by 0": ("def k(x, B: tl.constexpr = 1 // 0): #!", "default", "def k(x, B: tl.constexpr = 1 // 2):"),
    "default walrus": ("def k(x, B: tl.constexpr = (z := 1)): #!", "default", "def k(x, B: tl.constexpr = (1, 2)):"),
    "default lambda": ("def k(x, B: tl.constexpr = lambda: 1): #!", "default", "def k(x, B: tl.constexpr = None):"),
    "default attribute": ("def k(x, B: tl.constexpr = tl.core): #!", "default", "def k(x, B: tl.constexpr = tl.float16):"),
    "default tensor": ("def k(x, B: tl.constexpr = tl.tensor): #!", "default", "def k(x, B: tl.constexpr = 'tensor'):"),
    "default of a later kernel": ("def k(x, f: tl.constexpr = later): #!", "before it is defined", "def k(x, f: tl.constexpr = earlier):"),
    "default float": ("def k(x, B: tl.constexpr = float(np)): #!", "default", "def k(x, B: tl.constexpr = float('-inf')):"),
    "keyword-only default": ("def k(x, *, B: tl.constexpr = open('x')): #!", "default", "def k(x, *, B: tl.constexpr = 3):"),
    "annotation runs": ("def k(x: print('x'), B: tl.constexpr): #!", "annotation", "def k(x: 'print', B: 'tl.constexpr'):"),
    "annotation element": ("def k(x: np['x'], B): #!", "annotation", "def k(x: tl.float32, B: int):"),
    "annotation attribute": ("def k(x: tl.core.os, B): #!", "annotation", "def k(x: tl.tensor, B: tl.const):"),
    "foreign const": ("def k(x, B: np.constexpr): #!", "annotation", "def k(x: torch.Tensor, B: tl.constexpr):"),
    "foreign split": ("def k(x: np. #!\n  ndarray): ", "line of its parameter", "def k(x: np.ndarray, y: torch.Tensor = 3, *z: np.ndarray):"),
    "return annotation": ("def k(x) -> open('x'): #!", "annotation", "def k(x) -> None:"),
    "return element": ("def k(x) -> tuple[open('x')]: #!", "annotation", "def k(x) -> tuple[tl.tensor, int]:"),
    "keywords": ("def k(x, **kw): #!", "`**kw`", "def k(x, *args):"),
    "hidden module": ("def k(x, tl): #!", "hides the module", "def k(x, t):"),
    "hidden kernel": ("def k(x, earlier): #!", "hides the kernel", "def k(x, before):"),
    "second line": ("def k(\n  x,\n  y: open('x')): #!", "annotation", "def k(\n  x,\n  y):"),
    "parentheses": ("def k(x: (np.ndarray)): #!", "taken by itself", "def k(x: (tl.tensor)):"),
    "tab": ("def\tk(x): #!", "on one line", "def k(\tx\t):"),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS)
def test_head(name, tmp_path):
    cheat, detail, honest = HEADS[name]
    source = (
        HEAD
        + "@triton.jit\ndef earlier(a): return a\n@triton.jit\n{}\n    pass\n@triton.jit\ndef later(a): return a\ndef kernel_function(): pass\n"
    )
    assert_refused(source.format(cheat), detail)
    assert_taken(source.format(honest), tmp_path)


DECORATORS = {
    "repr": ("@triton.jit(repr=open)", None, "@triton.jit"),
    "launch_metadata": ("@triton.jit(launch_metadata=lambda *a: open('x'), debug=True)", None, "@triton.jit(debug=True)"),
    "literals": ("@triton.jit(do_not_specialize=('x', 1), version=2, noinline=True)", None, "@triton.jit(do_not_specialize=('x', 1), version=2, noinline=True)"),
    "several lines": ("@triton.jit(\n  do_not_specialize=[\n  'x']\n)", None, "@triton.jit(do_not_specialize=['x'])"),
    "empty": ("@triton.jit()", None, "@triton.jit"),
    "autotuned": ("@triton.autotune(open('x'), key=[])\n@triton.heuristics({'B': lambda a: 1})\n@triton.jit", None, "@triton.jit"),
    "any decorator above": ("@torch.compile\n@triton.jit", None, "@triton.jit"),
    "decorator below": ("@triton.jit\n@torch.compile #!", "innermost", ""),
    "computed": ("@triton.jit(do_not_specialize=open('x')) #!", "literal", ""),
    "computed element": ("@triton.jit(do_not_specialize=[open('x')]) #!", "literal", ""),
    "computed flag": ("@triton.jit(noinline=open('x')) #!", "literal", ""),
    "unknown": ("@triton.jit(ir_override='x') #!", "`ir_override`", ""),
    "double star": ("@triton.jit(**{}) #!", "`**`", ""),
    "positional": ("@triton.jit(open) #!", "keyword arguments only", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", DECORATORS)
def test_decorator(name, tmp_path):
    written, detail, kept = DECORATORS[name]
    source = f"{HEAD}{written}\ndef k(x):\n    pass\ndef kernel_function(): pass\n"
    if detail:
        assert_refused(source, detail)
    else:
        assert_taken(source, tmp_path)
        assert extract(source).text.splitlines()[4] == kept


def test_foreign_annotations_are_blanked_and_no_column_moves():
    source = module("@triton.jit\ndef k(é_ptr: torch.Tensor, n: int = 3):\n    tl.store(é_ptr, n)")
    assert extract(source).text.splitlines()[5] == "def k(é_ptr              , n: int = 3):"


def test_a_def_that_triton_would_find_elsewhere_is_refused():
    source = module('@triton.jit\ndef k\\\n(x):\n    """\ndef k(x): open(x)\n    """')
    refusal = extract(source).refused["k"]
    assert (refusal.line, refusal.detail) == (6, "write `def name(` on one line")


def test_what_is_not_taken_is_fatal_only_to_its_callers():
    source = module("""
        @triton.jit
        def bad(x):
            return x.handle
        @triton.jit
        def good(x):
            return x
        @triton.jit
        def caller(x):
            return tl.reduce(good(x), 0, bad)
        @triton.jit
        def k(x):
            return caller(x) #!
        """)
    kernels = assert_refused(source, "it uses `caller`, and through it `bad`, which is refused (line 8: ")
    assert kernels.names == ["good"] and set(kernels.refused) == {"bad", "caller", "k"}
    assert kernels.refused["caller"].detail.startswith("it uses `bad`, which is refused (line 8: ")


def test_recursion_and_long_chains_end():
    many = "".join(f"@triton.jit\ndef k{i}(x):\n    return k{i + 1}(x)\n" for i in range(2000))
    kernels = extract(HEAD + many + "@triton.jit\ndef k2000(x):\n    return x.handle\ndef kernel_function(): pass\n")
    assert len(kernels.refused) == 2001
    assert len(kernels.refused["k0"].detail) < 1000
    mutual = extract(module("@triton.jit\ndef a(x): return b(x)\n@triton.jit\ndef b(x): return a(x)\n"))
    assert mutual.names == ["a", "b"]


def test_a_definition_that_triton_refuses_is_refused_at_its_line(tmp_path):
    kernels = extract(module("@triton.jit\ndef fine(x): pass\n@triton.jit\ndef k(x: 'const y'): pass"))
    with pytest.raises(Refused, match="line 7: Triton refuses the definition: `AssertionError") as caught:
        kernels.load(tmp_path / "kernels.py")
    assert caught.value.refusal.kernel == "k"


def test_messages_stay_short():
    name = "a" * 5000
    detail = extract(with_body(f"y = {name}")).refused["k"].detail
    assert len(detail) < 200 and "…" in detail


def test_load_refuses_lines_that_triton_would_read_otherwise(tmp_path):
    kernels = extract(with_body("y = x"))
    lines = kernels._segments["k"].lines
    lines.append("    z = 1")
    with pytest.raises(Refused, match="other lines"):
        kernels.load(tmp_path / "kernels.py")
