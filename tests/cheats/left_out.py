"""Defences that live in a forked role, and how a test leaves them out: a zygote of the tests' own, whose forks apply
the change that their job names before they serve. Run as a script it is that zygote; nothing of the package knows it.

Each function is called in the fork, before it is confined. Modules are loaded already, and their files out of sight.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

ROOM = 1 << 16
"""Bytes of slack behind each storage where bounds are not exact."""


def exact_bounds() -> None:
    import numpy as np
    import torch

    from pytest_kernelfalcon.judge.interpreter import Region
    from pytest_kernelfalcon.judge.roles.storages import Storages

    def add(self: Any, buffer: Any, name: str) -> None:
        roomy = torch.cat([buffer, torch.zeros(ROOM, dtype=torch.uint8)])
        written = np.zeros(roomy.numel(), dtype=bool) if self._watch else None
        self._buffers.append(roomy[: buffer.numel()])
        self.regions.append(Region(name, roomy.data_ptr(), roomy.numel(), written))

    Storages._add = add


def no_numbers_of_pointers() -> None:
    from pytest_kernelfalcon.judge.interpreter.builder import Builder

    Builder.create_ptr_to_int = Builder.create_bitcast


def poison() -> None:
    from pytest_kernelfalcon.judge.roles import storages

    storages.POISON = 0


def spoilt_padding() -> None:
    import torch

    from pytest_kernelfalcon.judge.roles import variants

    variants._spoilt = lambda x, shape: torch.zeros(shape, dtype=x.dtype, device=x.device)


def fresh_state() -> None:
    from pytest_kernelfalcon.judge.roles import reference

    reference.refresh = lambda instance, fixed: None


def _unchecked(**changes: bool) -> None:
    from pytest_kernelfalcon.judge import interpreter

    checks = interpreter.Checks
    interpreter.Checks = lambda **wanted: checks(**(wanted | changes))
    interpreter.launch.__defaults__ = (checks(**changes), None)


def inputs_are_not_read() -> None:
    from pytest_kernelfalcon.judge.launch_plan import tensors

    tensors.SMALL_INPUT = 1 << 40


def reads_are_few() -> None:
    from pytest_kernelfalcon.judge.launch_plan import Bounds

    beside = Bounds.beside.__func__
    Bounds.beside = classmethod(lambda cls, size: dataclasses.replace(beside(cls, size), reads=1 << 40))


def copies_keep_types() -> None:
    from pytest_kernelfalcon.judge.launch_plan import Call, Copy

    def copy(self: Any, target: Any, source: Any) -> Copy:
        to, origin = self._storages.tensor(target), self._storages.tensor(source)
        self._storages.copied(to, origin)
        return Copy(to, origin)

    Call._copy = copy


def allowed_names() -> None:
    from pytest_kernelfalcon.judge.extractor import allowlist

    known = allowlist.attributes()
    allowlist.attributes = lambda: known | {"handle", "data"}
    allowlist.BUILTINS |= {"hasattr"}


def names_mean_one_thing() -> None:
    from pytest_kernelfalcon.judge.extractor.globals import ModuleNames

    bind = ModuleNames._bind

    def forget(self: Any, name: str, new: Any) -> None:
        bind(self, name, new)
        if name not in self.kernels:
            self.again.pop(name, None)

    ModuleNames._bind = forget


def no_plain_globals() -> None:
    from pytest_kernelfalcon.judge.extractor import lookup

    known = lookup._known

    def lenient(node: Any, names: Any) -> Any:
        found = known(node, names)
        if found.kind == "constant":
            found = names.globals[node.id] = dataclasses.replace(found, kind="constexpr")
        return found

    lookup._known = lenient


def one_definition() -> None:
    """The last of several definitions is the one that counts, as it is to Python."""
    from pytest_kernelfalcon.judge.extractor import candidate
    from pytest_kernelfalcon.judge.extractor.globals import ModuleNames

    hidden = candidate.hidden
    candidate.hidden = lambda tree, names: {k: v for k, v in hidden(tree, names).items() if k not in names.kernels}
    visit = ModuleNames.visit_FunctionDef

    def last(self: Any, node: Any) -> None:
        self.kernels.pop(node.name, None)
        visit(self, node)

    ModuleNames.visit_FunctionDef = last


def admissible_problems() -> None:
    from pytest_kernelfalcon.judge.roles import telling

    telling.trivial_answer = lambda *_: None


INTERPRETED = ("executor", "conformance")
KERNELS = (*INTERPRETED, "compile")
LEFT_OUT: dict[str, tuple[tuple[str, ...], Callable[[], None]]] = {
    "exact bounds": (("executor",), exact_bounds),
    "no numbers of pointers": (INTERPRETED, no_numbers_of_pointers),
    "races": (("executor",), lambda: _unchecked(races=False)),
    "address overflow": (INTERPRETED, lambda: _unchecked(overflow=False)),
    "poison": (("executor",), poison),
    "inputs are not read": (("executor",), inputs_are_not_read),
    "reads are few": (("executor",), reads_are_few),
    "copies keep types": (("executor",), copies_keep_types),
    "allowed names": (KERNELS, allowed_names),
    "names mean one thing": (KERNELS, names_mean_one_thing),
    "no plain globals": (KERNELS, no_plain_globals),
    "one definition": (KERNELS, one_definition),
    "spoilt padding": (("reference",), spoilt_padding),
    "fresh state": (("reference",), fresh_state),
    "admissible problems": (("inspect",), admissible_problems),
}
"""By the defence's name in defences.py: the roles that do without it, and the change."""


def main() -> None:
    from pytest_kernelfalcon.judge import guard, zygote

    run = guard.run

    def without(module: Any, role: str, limits: Any, job: dict[str, Any], *rest: Any) -> None:
        name = job.pop("without", None)
        if name is not None and role in LEFT_OUT[name][0]:
            LEFT_OUT[name][1]()
        run(module, role, limits, job, *rest)

    guard.run = without
    zygote.main()


if __name__ == "__main__":
    main()
