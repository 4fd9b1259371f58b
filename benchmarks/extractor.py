"""How many @triton.jit functions of a kernel library the extractor takes, and why it does not take the rest.

    python -m benchmarks.extractor site-packages/liger_kernel
    python -m benchmarks.extractor site-packages/fla --without "*ascend*" --without "*npu*"

Nothing of the library is imported. A candidate is one file, and a library is not: a function that uses a helper of
another file cannot be judged by itself. So there are two figures. In the first each file is a candidate as it stands.
In the second the jit functions that a file imports from the library's other files count as written into it, so that
every function is judged by its own text; the helper itself is counted in its own file. What a library calls one of
Triton's modules, where the device decides which, is told by `--alias tl_extra_shim=triton.language.extra.libdevice`.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from pytest_kernelfalcon.judge.extractor import Kernels, Refused, extract
from pytest_kernelfalcon.judge.extractor.nested import FOREIGN

STUB = "\n@_benchmark_triton.jit\ndef {name}(*arguments):\n    return arguments\n"
ENTRY = "\nimport triton as _benchmark_triton\ndef kernel_function(): pass\n"


@dataclass
class Tally:
    """foreign: functions of other compilers (gluon, CuTe, TorchScript), which are no Triton. unread: files that the
    extractor does not take at all.
    """

    taken: int = 0
    refused: list[tuple[Path, str, int | None, str]] = field(default_factory=list)
    foreign: int = 0
    unread: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.taken + len(self.refused)

    @property
    def share(self) -> str:
        return f"{self.taken} of {self.total} taken, {100 * self.taken / max(self.total, 1):.1f} %"


class Library:
    """root: the package's folder. aliases: names of the library's that mean a module of Triton's."""

    def __init__(self, root: Path, aliases: dict[str, str] | None = None) -> None:
        self.root, self.aliases = root.resolve(), aliases or {}
        self.tree = cache(self._tree)

    def files(self, without: list[str]) -> Iterator[Path]:
        for file in sorted(self.root.rglob("*.py")):
            name = str(file.relative_to(self.root))
            if "jit" in file.read_text(errors="replace") and not any(fnmatch(name, pattern) for pattern in without):
                yield file

    def joined(self, file: Path) -> str:
        """The file's text, with jit functions of the library's other files written into it, as stubs."""
        text = file.read_text(errors="replace")
        lines, stubs, modules = text.split("\n"), set[str](), dict[str, Path]()
        for node in ast.walk(self.tree(file)):
            if not isinstance(node, ast.ImportFrom) or (home := self._home(file, node)) is None:
                continue
            here = {alias.name: alias for alias in node.names if self._is_kernel(home, alias.name)}
            stubs |= {alias.asname or alias.name for alias in here.values()}
            modules |= {a.asname or a.name: found for a in node.names if (found := self._module(home, a.name))}
            known = [alias for alias in node.names if alias.name in self.aliases]
            if here or known:
                left = [alias for alias in node.names if alias.name not in here and alias not in known]
                _replace(lines, node, left, [self._import(alias) for alias in known])
        text = "\n".join(lines)
        for alias, module in modules.items():
            for name in set(re.findall(rf"\b{alias}\.(\w+)", text)):
                if self._is_kernel(module, name):
                    text = re.sub(rf"\b{alias}\.{name}\b", f"{alias}_{name}", text)
                    stubs.add(f"{alias}_{name}")
        return text + ENTRY + "".join(STUB.format(name=name) for name in sorted(stubs))

    def _import(self, alias: ast.alias) -> str:
        module, _, name = self.aliases[alias.name].rpartition(".")
        return f"from {module} import {name} as {alias.asname or alias.name}"

    def _tree(self, file: Path) -> ast.Module:
        try:
            return ast.parse(file.read_text(errors="replace"))
        except SyntaxError:
            return ast.Module([], [])

    def _home(self, file: Path, node: ast.ImportFrom) -> Path | None:
        """The file or folder of the library that an import takes names from."""
        parts = (node.module or "").split(".") if node.module else []
        if node.level:
            folder = file.parents[node.level - 1]
        elif parts[:1] == [self.root.name]:
            folder, parts = self.root, parts[1:]
        else:
            return None
        return _file(folder.joinpath(*parts))

    def _module(self, home: Path, name: str) -> Path | None:
        return _file(home.parent / name) if home.name == "__init__.py" else None

    def _is_kernel(self, file: Path, name: str, depth: int = 0) -> bool:
        """Whether the file defines a jit function of that name, or imports one from the library."""
        for node in ast.walk(self.tree(file)):
            if isinstance(node, ast.FunctionDef) and node.name == name and any(map(_is_jit, node.decorator_list)):
                return True
            if isinstance(node, ast.ImportFrom) and depth < 4 and (home := self._home(file, node)) not in (None, file):
                for alias in node.names:
                    if (alias.asname or alias.name) == name and self._is_kernel(home, alias.name, depth + 1):
                        return True
        return False


def _file(path: Path) -> Path | None:
    candidates = (path.with_name(path.name + ".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _is_jit(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called) in ("triton.jit", "jit")


def _replace(lines: list[str], node: ast.ImportFrom, left: list[ast.alias], others: list[str]) -> None:
    """An import of fewer names, and others, all on its first line."""
    first = lines[node.lineno - 1]
    indent = first[: len(first) - len(first.lstrip())]
    kept = [ast.unparse(ast.ImportFrom(node.module, left, node.level))] if left else []
    line = indent + ("; ".join([*kept, *others]) or "pass")
    lines[node.lineno - 1 : node.end_lineno] = [line, *[""] * ((node.end_lineno or 0) - node.lineno)]


def tally(library: Library, without: list[str], joined: bool) -> Tally:
    """joined: with helpers of other files."""
    found = Tally()
    for file in library.files(without):
        text = library.joined(file) if joined else file.read_text(errors="replace") + ENTRY
        stubs = text.rpartition(ENTRY)[2].count("@_benchmark_triton.jit")
        try:
            _count(found, extract(text), file.relative_to(library.root), stubs)
        except Refused as refused:
            found.unread.append((file.relative_to(library.root), refused.refusal.detail))
    return found


def _count(found: Tally, kernels: Kernels, file: Path, stubs: int) -> None:
    found.taken += len(kernels.names) - stubs
    for name, refusal in kernels.refused.items():
        if refusal.detail == FOREIGN:
            found.foreign += 1
        else:
            found.refused.append((file, name, refusal.line, refusal.detail))


def reason(detail: str) -> str:
    """Refusals that differ in names only are one reason; a caller goes where what it calls went."""
    if (called := re.search(r"which is refused \(line \d+: (.*)\)$", detail)) is not None:
        return reason(called[1])
    if re.match(r"`[\w.]+` is not allowed in a kernel", detail) and "`triton." not in detail:
        return "a name imported from elsewhere (not Triton)"
    detail = re.sub(r" \(line \d+\)|, anew at line \d+", "", detail)
    if "`triton." in detail or "@triton" in detail:
        return detail
    return re.sub(r"`[^`]*`", "`…`", detail, count=1)


def report(title: str, found: Tally, verbose: bool) -> None:
    print(f"\n{title}: {found.share}; {found.foreign} of other compilers beside; {len(found.unread)} files unread")
    for why, count in Counter(reason(detail) for *_, detail in found.refused).most_common():
        print(f"  {count:4}  {why}")
    if verbose:
        for file, name, line, detail in found.refused:
            print(f"  {file}:{line} {name}: {detail}")
    for file, detail in found.unread:
        print(f"  {file}: {detail}")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.extractor",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("library", type=Path, metavar="PACKAGE", help="the folder of an installed or unpacked package")
    parser.add_argument("--without", action="append", default=[], metavar="GLOB", help="files not to count")
    parser.add_argument("--alias", action="append", default=[], metavar="NAME=MODULE", help="see above")
    parser.add_argument("--verbose", action="store_true", help="each function that is refused")
    options = parser.parse_args()
    library = Library(options.library, dict(alias.split("=", 1) for alias in options.alias))
    report("each file by itself", tally(library, options.without, joined=False), options.verbose)
    report("with helpers of the library's other files", tally(library, options.without, joined=True), options.verbose)


if __name__ == "__main__":
    main()
