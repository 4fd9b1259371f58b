"""`--kernelfalcon-changed REF`: what is judged is what git says has changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import PROBLEM, Example, Run
from tests.plugin.conftest import GOOD, FakeJudge
from tests.plugin.repository import commit, git
from tests.plugin.test_differences import keep
from tests.plugin.test_stopping import spawn

NAMES = ("one", "two", "three")
CHANGED = "--kernelfalcon-changed=main"


@pytest.fixture(autouse=True)
def repository(example: Example, judge: FakeJudge) -> Path:
    """Three problems with their kept kernels on the branch `main`; the branch `work` goes on from there."""
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 1\n")
    for name in NAMES:
        keep(example, name, GOOD, PROBLEM + f"# {name}\n")
    example.script(GOOD)
    git(example.path, "init", "--quiet", "--initial-branch=main")
    commit(example.path)
    git(example.path, "checkout", "--quiet", "-b", "work")
    return example.path


def judged(run: Run) -> set[str]:
    """The problems of which an item was run."""
    return {name.split(".py")[0] for name in run.ended}


def changed(example: Example, *arguments: str) -> Run:
    return example.run(".", CHANGED, "--kernelfalcon-frozen", *arguments)


def test_nothing_changed_is_a_good_run_that_says_so(example: Example, judge: FakeJudge) -> None:
    run = changed(example)
    assert run.ret == 0
    assert run.ended == {}
    assert judge.asked == [], "no judge is started"
    assert run.report["problems"] == []
    assert re.search(r"kernelfalcon: changed since main \([0-9a-f]{10}\): 0 of 3 problems\n", run.output)
    assert "nothing is left to judge" in run.output
    assert "6 deselected" in run.output
    assert not list(example.path.glob(".fuse/2*")), "no run directory is made"


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("two.py", "committed"),
        ("__kernels__/two.py", "committed"),
        ("__kernels__/two.json", "committed"),
        ("__kernels__/two.py", "staged"),
        ("two.py", "work tree"),
    ],
)
def test_a_problem_is_judged_when_one_of_its_files_changed(example: Example, what: str, kind: str) -> None:
    path = example.path / what
    path.write_text(path.read_text() + ("\n" if path.suffix == ".json" else "# edited\n"))
    if kind != "work tree":
        git(example.path, "add", what)
    if kind == "committed":
        commit(example.path)
    run = changed(example)
    assert judged(run) == {"two"}
    assert run.ret == (0 if path.suffix == ".json" else 1), "a manifest that still fits is a fresh one"
    assert "1 of 3 problems" in run.output


def test_a_new_problem_is_judged_tracked_or_not(example: Example) -> None:
    example.problem("four.py", PROBLEM + "# four\n")
    run = changed(example)
    assert judged(run) == {"four"}
    assert run.problem()["cause"] == "kept_missing"


@pytest.mark.parametrize("stem", ["we ird[1]", ":(top)odd", "ümlaut", 'a\t"b"', "-*"])
def test_names_that_git_would_read_otherwise(example: Example, stem: str) -> None:
    keep(example, stem, GOOD)
    commit(example.path)
    git(example.path, "branch", "--force", "main", "work")
    unchanged = changed(example)
    kernel = example.path / "__kernels__" / f"{stem}.py"
    kernel.write_text(kernel.read_text() + "# edited\n")
    run = changed(example)
    assert [problem["path"] for problem in run.report["problems"]] == [f"{stem}.py"]
    assert run.problem()["changed"]["kernel_was"] == "changed"
    assert unchanged.ended == {}


@pytest.mark.parametrize("what", ["__kernels__/two.py", "__kernels__/two.json"])
def test_a_deleted_kernel_or_manifest_fails(example: Example, what: str) -> None:
    (example.path / what).unlink()
    commit(example.path)
    run = changed(example)
    assert run.ended == {"two.py::compose": "FAILED"}
    assert run.ret == 1


def test_a_renamed_problem_needs_its_kernel_under_the_new_name(example: Example) -> None:
    (example.path / "two.py").rename(example.path / "zwei.py")
    commit(example.path)
    run = changed(example)
    assert run.ended == {"zwei.py::compose": "FAILED"}
    assert "__kernels__/two.py is not judged: it has no problem" in run.output


def test_what_changed_on_the_other_branch_meanwhile_is_not_ours(example: Example) -> None:
    git(example.path, "checkout", "--quiet", "main")
    example.problem("one.py", PROBLEM + "# newer\n")
    commit(example.path)
    git(example.path, "checkout", "--quiet", "work")
    assert changed(example).ended == {}


def test_an_ignored_kernel_is_judged_as_git_knows_nothing_of_it(example: Example) -> None:
    git(example.path, "rm", "--quiet", "--cached", "-r", "__kernels__")
    example.write(".gitignore", "__kernels__\n")
    commit(example.path)
    git(example.path, "branch", "--force", "main", "work")
    assert judged(changed(example)) == set(NAMES)


def test_what_lies_behind_a_link_is_always_judged(example: Example) -> None:
    kernel = example.path / "__kernels__" / "two.py"
    example.write("elsewhere/two.txt", kernel.read_text())
    kernel.unlink()
    kernel.symlink_to("../elsewhere/two.txt")
    commit(example.path)
    git(example.path, "branch", "--force", "main", "work")
    assert judged(changed(example)) == {"two"}


@pytest.mark.parametrize(
    ("line", "expected"), [("kernelfalcon_kernels = other", set(NAMES)), ("# nothing", set())], ids=["ours", "another"]
)
def test_a_change_of_our_options_in_the_ini_file_changes_every_problem(
    example: Example, line: str, expected: set[str]
) -> None:
    ini = example.path / "tox.ini"
    ini.write_text(f"{ini.read_text()}\n{line}\n")
    commit(example.path)
    run = changed(example)
    assert judged(run) == expected
    assert ("every one, since tox.ini says something else of kernelfalcon" in run.output) == bool(expected)


def test_ordinary_tests_are_left_alone(example: Example) -> None:
    example.write("test_other.py", "def test(): pass\n")
    commit(example.path)
    assert changed(example).ended == {"test_other.py::test": "PASSED"}


def test_what_minus_k_takes_away_is_not_taken_for_unchanged(example: Example) -> None:
    example.problem("two.py", PROBLEM + "# changed\n")
    assert changed(example, "-k", "nothing").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_folder_without_problems_is_no_good_run(example: Example) -> None:
    (example.path / "empty").mkdir()
    assert example.run("empty", CHANGED).ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_problem_named_by_its_node_id_is_left_away_too(example: Example) -> None:
    run = example.run("two.py::compose", CHANGED)
    assert (run.ret, run.ended) == (0, {})


@pytest.mark.parametrize(
    "ignore", ["collect_ignore = ['two.py']", "addopts = --ignore=two.py"], ids=["conftest", "ini"]
)
def test_a_change_that_the_checkout_hides_is_a_failure(example: Example, ignore: str) -> None:
    kernel = example.path / "__kernels__" / "two.py"
    kernel.write_text(kernel.read_text() + "# edited\n")
    if ignore.startswith("addopts"):
        example.write("tox.ini", f"[pytest]\nkernelfalcon_seeds = 1\n{ignore}\n")
    else:
        example.write("conftest.py", ignore + "\n")
    commit(example.path)
    run = changed(example)
    assert run.ret == 1
    assert "FAILED __kernels__/two.py" in run.output
    assert "__kernels__/one.py" not in run.output


def test_who_ignores_on_the_command_line_knows(example: Example) -> None:
    kernel = example.path / "__kernels__" / "two.py"
    kernel.write_text(kernel.read_text() + "# edited\n")
    assert changed(example, "--ignore=two.py").ret == 0


def test_a_problem_that_is_made_to_look_like_none_is_a_failure(example: Example) -> None:
    example.problem("two.py", "# nothing here\n")
    commit(example.path)
    run = changed(example)
    assert run.ret == 1
    assert "__kernels__/two.py is not judged: its problem was not collected" in run.output


def test_the_command_to_run_again_names_neither_changed_nor_shard(example: Example) -> None:
    (example.path / "__kernels__" / "two.py").unlink()
    run = changed(example, "--kernelfalcon-shard=1/1")
    (line,) = re.findall(r"^  pytest --kernelfalcon (.*)$", run.texts["two.py::compose"], re.MULTILINE)
    assert "--kernelfalcon-changed" not in line
    assert "--kernelfalcon-shard" not in line


class TestUsageErrors:
    """Each names the reference and the fix."""

    def refused(self, run: Run) -> str:
        assert run.ret == pytest.ExitCode.USAGE_ERROR, run.output
        (line,) = [line for line in run.output.splitlines() if "--kernelfalcon-changed: " in line]
        assert "Fix: " in line
        return line

    @pytest.mark.parametrize("ref", ["nowhere", "--help", "HEAD:one.py"])
    def test_unknown(self, example: Example, ref: str) -> None:
        line = self.refused(example.run(".", f"--kernelfalcon-changed={ref}"))
        assert f"{ref!r} cannot be used: git knows no such commit" in line
        assert "fetch-depth: 0" in line

    def test_empty(self, example: Example) -> None:
        self.refused(example.run(".", "--kernelfalcon-changed= "))

    def test_no_repository(self, example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
        (example.path / ".git").rename(example.path / "git")
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(example.path.parent))
        assert "is in no git repository that can be used" in self.refused(changed(example))

    def test_no_git(self, example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(example.path))
        assert "there is no `git` on the PATH" in self.refused(changed(example))

    def test_shallow(self, example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
        """A clone of depth 1, as CI makes it: it knows both branches and nothing of what they share."""
        commit(example.path)
        git(example.path, "checkout", "--quiet", "main")
        commit(example.path)
        here = f"file://{example.path}"
        git(example.path, "clone", "--quiet", "--depth=1", "--no-single-branch", "--branch=work", here, "clone")
        monkeypatch.chdir(example.path / "clone")
        line = self.refused(example.run(".", "--kernelfalcon-changed=origin/main"))
        assert "the clone is shallow" in line
        assert "fetch-depth: 0" in line

    def test_no_common_history(self, example: Example) -> None:
        git(example.path, "checkout", "--quiet", "--orphan", "alone")
        commit(example.path)
        assert "no common history" in self.refused(changed(example))

    @pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
    def test_outside(
        self, example: Example, workers: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        outside = tmp_path_factory.mktemp("outside") / "far.py"
        outside.write_text(PROBLEM)
        arguments = ("one.py", str(outside), f"--rootdir={example.path}", CHANGED, *workers)
        if workers:
            process = spawn(example, *arguments)
            output, _ = process.communicate(timeout=100)
            assert process.returncode == pytest.ExitCode.USAGE_ERROR, output
        else:
            output = self.refused(example.run(*arguments))
        assert "far.py' is outside of the repository" in output


def test_workers_leave_away_the_same(example: Example) -> None:
    """What the run itself writes does not count as a change, and the exit code is that of one process."""
    process = spawn(example, ".", CHANGED, "-n2")
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    assert "0 of 3 problems" in output
    example.problem("two.py", PROBLEM + "# other\n")
    process = spawn(example, ".", CHANGED, "-n2", "--kernelfalcon-update", "-v")
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    assert "1 of 3 problems" in output
    assert "two.py::compose" in output
    assert "one.py::compose" not in output
