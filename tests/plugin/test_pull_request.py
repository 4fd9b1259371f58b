"""A pull request cannot make itself pass: what is committed beside a kernel does not vouch for it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.problem import sha256
from tests.conftest import KERNEL, LOADER, PROBLEM, ROOT, WRONG_KERNEL, Example, Run
from tests.plugin.conftest import GOOD, FakeJudge
from tests.plugin.repository import commit, git
from tests.plugin.test_differences import keep
from tests.plugin.test_stopping import FAKE

TRIVIAL = PROBLEM.replace("return x + 1.0", "return x * 0.0")
ZEROS = KERNEL.replace("x + 1.0", "x * 0.0")
CI = ("--kernelfalcon-changed=main",)
OWNED = "import pathlib; pathlib.Path(f'owned-{__name__}').touch()\n"


def gate() -> list[str]:
    """The options of the workflow in docs/ci.md, without pytest's name and the number of workers."""
    text = re.search(r"PYTEST: >-\n((?:    .*\n)+)", (ROOT / "docs" / "ci.md").read_text(encoding="utf-8"))
    assert text is not None
    return shlex.split(text[1].replace("-n auto", ""))[1:]


@pytest.fixture(autouse=True)
def pull_request(example: Example, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On `main` a problem with a right kernel; the branch `work` is the pull request, judged where CI is set."""
    monkeypatch.setenv("CI", "true")
    keep(example, "add", KERNEL)
    git(example.path, "init", "--quiet", "--initial-branch=main")
    commit(example.path)
    git(example.path, "checkout", "--quiet", "-b", "work")
    return example.path


def manifest(example: Example, **facts: object) -> None:
    path = example.path / "__kernels__" / "add.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def judged(example: Example) -> Run:
    commit(example.path)
    return example.run(".", *CI)


@pytest.mark.usefixtures("shared")
class TestByTheJudge:
    """With the real one."""

    def test_a_wrong_kernel_whose_manifest_vouches_for_it(self, example: Example) -> None:
        keep(example, "add", WRONG_KERNEL)
        verdict = {"schema": 1, "outcome": "accepted", "stage": "done", "kernel_sha256": sha256(WRONG_KERNEL)}
        manifest(example, verdicts={"cpu": verdict, "cuda": verdict})
        run = judged(example)
        assert run.ret == 1
        assert run.problem()["cause"] == "inaccurate"

    def test_a_problem_made_trivial_together_with_its_kernel(self, example: Example) -> None:
        keep(example, "add", ZEROS, TRIVIAL)
        run = judged(example)
        assert run.ret == 1
        assert run.problem()["outcome"] == "inadmissible"

    def test_a_kernel_that_is_right_passes(self, example: Example) -> None:
        """The look-alike: as much was changed, and rightly. What it takes on each target is shown."""
        keep(example, "add", KERNEL.replace("BLOCK=64", "BLOCK=1024"))
        run = judged(example)
        assert run.ret == 0, run.output
        found = run.problem()["changed"]
        for side in ("before", "after"):
            assert set(found[side]["targets"]) == {"sm_80", "sm_90", "sm_100"}
            assert all(figures["status"] == "ok" for figures in found[side]["targets"].values())
        sm_90 = [found[side]["targets"]["sm_90"]["registers"] for side in ("before", "after")]
        assert sm_90[0] < sm_90[1], "eight elements a thread take more registers than one"


@pytest.mark.usefixtures("judge")
class TestByTheGate:
    """Before any judge is asked."""

    def test_a_manifest_that_names_another_problem(self, example: Example, judge: FakeJudge) -> None:
        keep(example, "add", GOOD)
        manifest(example, problem_sha256=sha256("another"))
        run = judged(example)
        assert (run.ret, run.problem()["cause"]) == (1, "kept_stale")
        assert judge.asked == []

    def test_a_manifest_that_names_another_kernel(self, example: Example) -> None:
        keep(example, "add", GOOD)
        example.write("__kernels__/add.py", GOOD + "# another\n")
        run = judged(example)
        assert (run.ret, run.problem()["cause"]) == (1, "kept_stale")

    @pytest.mark.parametrize("text", ["", "{}", "[]", "{", '{"schema": 1}', '{"schema": 2}'])
    def test_a_manifest_that_is_none(self, example: Example, text: str) -> None:
        example.write("__kernels__/add.json", text)
        run = judged(example)
        assert (run.ret, run.problem()["cause"]) == (1, "kept_stale")

    def test_a_manifest_that_claims_a_verdict_only_is_judged(self, example: Example, judge: FakeJudge) -> None:
        """The kernel is the same; its manifest changed, so it is judged again and the claim is of no use."""
        manifest(example, verdicts={"cpu": {"outcome": "accepted"}})
        run = judged(example)
        assert run.ret == 0
        assert judge.asked.count(("accept", KERNEL)) == 1

    def test_kernels_kept_elsewhere_from_now_on(self, example: Example) -> None:
        example.write("tox.ini", "[pytest]\nkernelfalcon_kernels = other\n")
        run = judged(example)
        assert (run.ret, run.problem()["cause"]) == (1, "kept_missing")

    @pytest.mark.parametrize(
        "addopts", ["-p no:kernelfalcon", "--kernelfalcon-changed=HEAD", "--kernelfalcon-shard=1/9", "-k nothing"]
    )
    def test_options_in_the_ini_file(self, example: Example, addopts: str) -> None:
        """What the command line of the workflow says goes before them; where it says nothing, nothing passes."""
        keep(example, "add", "# accept=refused\n")
        example.write("tox.ini", f"[pytest]\naddopts = {addopts}\n")
        commit(example.path)
        run = example.run(".", *CI, "--kernelfalcon-shard=1/1")
        assert run.ret != 0

    @pytest.mark.parametrize("ini", ["kernelfalcon_fresh = true", "kernelfalcon_frozen = false"])
    def test_an_ini_file_that_would_have_another_kernel_searched_for(
        self, example: Example, judge: FakeJudge, ini: str
    ) -> None:
        """The workflow says `frozen` itself."""
        example.script(GOOD)
        keep(example, "add", "# accept=refused\n")
        example.write("tox.ini", f"[pytest]\n{ini}\n")
        commit(example.path)
        assert example.run(".", *CI, "--kernelfalcon-frozen").ret in (pytest.ExitCode.USAGE_ERROR, 1)
        assert not [gate for gate, _ in judge.asked if gate == "seed"]

    @pytest.mark.parametrize("workers", ["0", "2"])
    def test_code_that_would_run_in_pytests_own_processes(self, example: Example, workers: str) -> None:
        """The command of docs/ci.md runs none of it, and reads no options of the checkout."""
        tree = example.path / "checkout"
        (tree / "problems" / "__kernels__").mkdir(parents=True)
        for name in ("add.py", "__kernels__/add.py", "__kernels__/add.json"):
            (tree / "problems" / name).write_bytes((example.path / name).read_bytes())
        (tree / "pytest.ini").write_text("[pytest]\naddopts = --ignore=problems\nkernelfalcon_kernels = other\n")
        for name in ("conftest.py", "json.py", "sitecustomize.py", "problems/__init__.py", "problems/test_it.py"):
            (tree / name).write_text(OWNED)
        (tree / "problems" / "test_it.txt").write_text(f">>> exec({OWNED!r})\n")
        example.write("fake.py", FAKE)
        example.write("loader.py", LOADER)
        words = ["-p", "loader", "-p", "fake", *gate(), "--kernelfalcon-changed=HEAD", "problems/", "-n", workers]
        git(tree, "init", "--quiet")
        git(tree, "commit", "--quiet", "--allow-empty", "--message=none of it is there yet")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words],
            cwd=tree,
            env=os.environ | {"PYTHONSAFEPATH": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{example.path}"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "2 passed" in done.stdout
        assert not list(tree.rglob("owned-*"))

    @pytest.mark.parametrize("name", ["conftest.py", "problems/__init__.py", "problems/test_it.py"])
    def test_such_code_runs_where_it_is_asked_for(self, example: Example, name: str) -> None:
        """The look-alike: without the workflow's options pytest is what it always is."""
        example.write("problems/test_other.py", "def test(): pass\n")
        example.write(name, OWNED)
        assert example.run("problems").ret in (0, pytest.ExitCode.NO_TESTS_COLLECTED)
        assert list(example.path.rglob("owned-*"))

    def test_a_cache_that_the_pull_request_brings_is_not_read(
        self, example: Example, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A row of it could say that a kernel compiles which does not."""
        from pytest_kernelfalcon import session

        caches: list[Path] = []

        def open_judge(options: object, cache: Path, *_: object) -> FakeJudge:
            caches.append(cache)
            return FakeJudge()

        monkeypatch.setattr(session, "open_judge", open_judge)
        keep(example, "add", GOOD)
        judged(example)
        example.run(".", "--kernelfalcon-fresh", "--kernelfalcon-seeds=1")
        monkeypatch.delenv("CI")
        example.run(".")
        *untrusting, trusting = caches
        assert trusting == example.path / ".fuse" / "cache"
        runs = {path.parent for path in example.path.glob(".fuse/2*/events.jsonl")}
        assert len(untrusting) == 2 and {cache.parent for cache in untrusting} < runs, "each has its own"

    def test_a_kernel_without_a_problem_is_told(self, example: Example) -> None:
        keep(example, "gone", GOOD)
        (example.path / "gone.py").unlink()
        run = judged(example)
        assert "__kernels__/gone.py is not judged: it has no problem" in run.output

    def test_a_kernel_behind_a_link_that_leaves_the_checkout(self, example: Example, tmp_path: Path) -> None:
        """It is judged in every run, as what is there can change without a commit."""
        (outside := tmp_path / "kernel.txt").write_text("# accept=refused\n")
        keep(example, "add", "# accept=refused\n")
        (example.path / "__kernels__" / "add.py").unlink()
        (example.path / "__kernels__" / "add.py").symlink_to(outside)
        commit(example.path)
        git(example.path, "branch", "--force", "main", "work")
        run = judged(example)
        assert (run.ret, run.problem()["outcome"]) == (1, "refused")
