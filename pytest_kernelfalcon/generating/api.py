"""What programs call: `generate_kernel`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pytest_kernelfalcon.generating import child, result
from pytest_kernelfalcon.generating.asked import FORMS, Fuse, caller_of, problem_file
from pytest_kernelfalcon.generating.result import CannotGenerate, Generated
from pytest_kernelfalcon.generating.settings import NAMES, Settings
from pytest_kernelfalcon.store import files
from pytest_kernelfalcon.store.events import Event

OWN = ("problem", "inputs", "description", "folder", "workers", "show", "confirm")


def generate_kernel(
    problem: Any = None,
    inputs: Any = None,
    *,
    description: str | None = None,
    folder: str | Path | None = None,
    workers: int | str | None = None,
    show: bool | Callable[[str], None] = True,
    confirm: Callable[[str], object] | None = None,
    **options: Any,
) -> Generated:
    """Searches a Triton kernel for a PyTorch computation, and returns what came of it.

    problem: the path or the text of a problem file; or a torch.nn.Module or a function, with
    inputs: example tensors that it takes, or a function that makes them, whose parameters with integers as defaults are
    sizes, which the judge varies.
    description: in the place of both, the computation in words: the first author that is a model drafts the problem.
    confirm: is given the text of that draft, and says whether kernels are tried for it.
    folder: where `.fuse` lies, by default the current one: what was judged there is not judged again.
    workers: processes that share the search (`-n`). show: print what is drafted and what the run says, or a function
    that is given these texts.
    options: those of the command line (`author`, `seeds`, `rounds`, `platform`, …); docs/generate_kernel.md has more.

    A kernel that was not found is no error: `ok` is false and `text` says why. Raises CannotGenerate, a ValueError, for
    what cannot be tried as it is given, TypeError for an unknown option, and RunFailed where the run itself fails.
    """
    caller = caller_of()
    settings = Settings.of(OWN, workers, options)
    tell = _teller(show)
    fuse = Fuse.of(folder)
    if (problem is None) == (description is None):
        raise CannotGenerate(f"give one of problem and description. Fix: give {FORMS}.")
    if description is None:
        return _run(problem_file(problem, inputs, caller, fuse), settings, fuse, tell)
    if inputs is not None:
        raise CannotGenerate("inputs= goes with a module or a function. Fix: say in the description what they are.")
    from pytest_kernelfalcon.generating.drafts import Drafter  # what asks models is for those who do

    drafter = Drafter.of(description, settings, fuse, tell)
    found = drafter.problem(confirm)
    return found if isinstance(found, Generated) else _run(found, drafter.left, fuse, tell, drafter.calls)


def _run(
    path: Path, settings: Settings, fuse: Fuse, tell: Callable[[str], None], calls: Sequence[Event] = ()
) -> Generated:
    """The report goes to a place of its own first: one that an earlier run left cannot be taken for this one's."""
    wanted: Path | None = settings.value("json")
    if wanted is not None and wanted.is_dir():
        raise CannotGenerate(f"json={str(wanted)!r} is a folder. Fix: give the name of a file.")
    with tempfile.TemporaryDirectory(prefix="kernelfalcon-") as scratch:
        report = Path(scratch) / "report.json"
        arguments = [f"--rootdir={fuse.root.parent}", *settings.flags, f"{NAMES['json'].flag}={report}", str(path)]
        ended = child.run(arguments, settings.environment, tell)
        if wanted is not None and report.is_file():
            files.write(wanted, report.read_bytes())
        return result.of_run(fuse.root, path, report, ended, calls)


def _teller(show: bool | Callable[[str], None]) -> Callable[[str], None]:
    if callable(show):
        return show
    return _print if show else lambda text: None


def _print(text: str) -> None:
    """Characters that this output has not are no reason to end a run."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), end="", flush=True)
