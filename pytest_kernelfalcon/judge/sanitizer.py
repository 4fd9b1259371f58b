"""compute-sanitizer over an accepted kernel's plan: https://docs.nvidia.com/compute-sanitizer/ComputeSanitizer/

It wraps a process from its start, so the roles of a zygote cannot be watched. A process of its own is started under it,
which runs our code and the extracted kernels only (judge/roles/cuda/replay.py): the plan, on inputs that the reference
drew. That process has a clean environment and a folder of its own, but not the sandbox of the roles: the tool traces
its target from another process, which the sandbox forbids.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_kernelfalcon.judge.platforms import Unavailable, environment
from pytest_kernelfalcon.judge.verdict import JudgeError

NAME = "compute-sanitizer"
PLACES = ("/usr/local/cuda/bin", "/usr/local/cuda/compute-sanitizer", "/opt/cuda/bin", "/usr/bin")
TOOLS = ("memcheck", "initcheck", "racecheck")
"""What is run, in this order. racecheck watches shared memory, which a Triton kernel cannot name: what it finds is the
compiler's doing, or its own mistake about asynchronous copies, and is told as a flag only.
"""
REFUSING = ("memcheck", "initcheck")
KERNELS, DONE = "kernels.py", "replayed"
"""As in roles/cuda/replay.py, which the parent does not import."""
REPORTS_LIMIT = 20
SECONDS = 600.0
ROOT = Path(__file__).parent.parent.parent

_PREFIX = "========="
_NO_REPORT = ("COMPUTE-SANITIZER", "ERROR SUMMARY", "RACECHECK SUMMARY", "LEAK SUMMARY", "Target application")
_AT_NAME = re.compile(r"at (?:void )?(?P<kernel>[\w:$]+).*?\+0x[0-9a-f]+(?: in (?P<file>[^\s:]+):(?P<line>\d+))?")
_AT_FILE = re.compile(r"at 0x[0-9a-f]+ in (?P<file>[^\s:]+):(?P<line>\d+):(?P<kernel>[\w:$]+)")
_AT_PLAIN = re.compile(r"at 0x[0-9a-f]+ in (?:void )?(?P<kernel>[\w:$]+)(?P<file>)(?P<line>)")


@dataclass(frozen=True)
class Report:
    """One thing that a tool found. detail: its words, with thread and address. line: in the kernel's file, if told.

    file: the name of that one.
    """

    tool: str
    kernel: str
    line: int | None
    detail: str
    file: str = ""


def parse(tool: str, text: str) -> list[Report]:
    """The reports in a tool's output, in order; those without a kernel (errors of API calls) are none of a kernel's."""
    return [report for block in _blocks(text) if (report := _report(tool, block)) is not None]


def _blocks(text: str) -> Iterator[list[str]]:
    """Each report's lines: the first, and those that are indented below it."""
    block: list[str] = []
    for line in text.splitlines():
        if not line.startswith(_PREFIX):
            continue  # the target's own output
        rest = line.removeprefix(_PREFIX)
        if rest.startswith("     "):
            block.append(rest.strip())
            continue
        if block:
            yield block
        block = [] if not rest.strip() or rest.strip().startswith(_NO_REPORT) else [rest.strip()]
    if block:
        yield block


def _report(tool: str, block: list[str]) -> Report | None:
    for line in block:
        found = _AT_FILE.search(line) or _AT_NAME.search(line) or _AT_PLAIN.search(line)
        if found is not None:
            place = int(found["line"]) if found["line"] else None
            return Report(tool, found["kernel"], place, _detail(block), Path(found["file"] or "").name)
    return None


def _detail(block: Sequence[str]) -> str:
    """Without the host's stack."""
    told = []
    for line in block:
        if line.startswith(("Saved host backtrace", "Host Frame", "Device Frame")):
            break
        told.append(re.sub(r" in [^\s:]*/", " in ", line))
    return "; ".join(told)[:400]


@dataclass(frozen=True)
class Sanitizer:
    """command: of the tool. environment: of the platform's processes. device: where the plan is run."""

    command: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    device: str = "cuda"
    seconds: float = SECONDS

    def run(self, plan: dict[str, Any], inputs: int, kernels: Sequence[str]) -> list[Report]:
        """What the tools find in these kernels, up to the first that refuses.

        plan: see roles/cuda/replay.py. inputs: the file of the inputs' bytes.

        Raises `JudgeError` where the tool does not run the plan to its end and reports nothing.
        """
        with tempfile.TemporaryDirectory(prefix="kernelfalcon-sanitize-") as name:
            folder = Path(name)
            size = os.fstat(inputs).st_size
            (folder / "inputs").write_bytes(os.pread(inputs, size, 0) if size else b"")
            (folder / "plan.json").write_text(json.dumps(plan | {"device": self.device}), encoding="utf-8")
            found: list[Report] = []
            for tool in TOOLS:
                found += [report for report in self._tool(tool, folder) if _concerns(report, kernels)]
                if found and tool in REFUSING:
                    break
        return found

    def _tool(self, tool: str, folder: Path) -> list[Report]:
        log = folder / f"{tool}.log"
        start = (
            f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pytest_kernelfalcon.judge.roles.cuda import replay"
        )
        target = [sys.executable, "-I", "-c", f"{start}; replay.main(sys.argv[1], sys.argv[2])", str(folder), tool]
        options = ["--tool", tool, "--log-file", str(log), "--print-limit", str(REPORTS_LIMIT)]
        try:
            ran = subprocess.run(
                [str(self.command), *options, *target],
                cwd=folder,
                env=self._environment(folder),
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=self.seconds,
            )
        except subprocess.TimeoutExpired:
            raise JudgeError(f"{NAME} --tool {tool} did not end within {self.seconds:.0f} s") from None
        reports = parse(tool, log.read_text(errors="replace") if log.exists() else ran.stdout)
        if not reports and not (folder / tool / DONE).exists():
            said = " ".join((ran.stderr or ran.stdout).split())[-600:]
            raise JudgeError(f"{NAME} --tool {tool} did not run the plan (exit {ran.returncode}): {said}")
        return reports

    def _environment(self, folder: Path) -> dict[str, str]:
        """Nothing of ours but what CUDA and Triton need. Each tensor is an allocation of its own: its end is seen."""
        clean = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "TMPDIR": str(folder)}
        clean |= {"TRITON_CACHE_DIR": str(folder / "triton"), "OMP_NUM_THREADS": "1"}
        return clean | {"PYTORCH_NO_CUDA_MEMORY_CACHING": "1"} | dict(self.environment)


def _concerns(report: Report, kernels: Sequence[str]) -> bool:
    """Whether it is of one of these kernels, or of a function that they call and that is not part of their own code."""
    return report.kernel in kernels or report.file == KERNELS


def find(platform: str, place: int = 0) -> Sanitizer:
    """The tool of this machine. Raises `Unavailable` where the platform is not cuda, or the tool is not installed."""
    if platform != "cuda":
        raise Unavailable(
            f"{NAME} runs on CUDA only, and the platform is {platform}. Fix: leave --kernelfalcon-sanitize out "
            "(`verify`: --sanitize), or judge on a machine with a GPU"
        )
    found = shutil.which(NAME) or shutil.which(NAME, path=os.pathsep.join(PLACES))
    if found is None:
        raise Unavailable(
            f"{NAME} is not installed: it is neither on PATH nor in {', '.join(PLACES)}. Fix: install it (it comes "
            "with the CUDA toolkit), or leave --kernelfalcon-sanitize out (`verify`: --sanitize)"
        )
    return Sanitizer(Path(found), environment(platform, place))
