from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from pytest_kernelfalcon.store import rundir
from pytest_kernelfalcon.store.rundir import RunDir


def test_the_folder_ignores_itself_in_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    root = rundir.find_root([tmp_path])
    (root / "anything").write_text("x")
    shown = subprocess.run(["git", "status", "--short"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert shown.stdout == ""


def test_the_first_place_that_can_be_written_is_taken(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    assert rundir.find_root([blocked, tmp_path]) == tmp_path / ".fuse"
    with pytest.raises(rundir.NotWritableError, match=r"a file/\.fuse \(Not a directory\)"):
        rundir.find_root([blocked])


def test_every_problem_has_a_folder_of_its_own() -> None:
    paths = ["a/b.py", "a_b.py", "a/b", "/a/b.py", "x" * 300 + ".py", "x" * 301 + ".py", "größe.py"]
    keys = {rundir.problem_key(path) for path in paths}
    assert len(keys) == len(paths)
    assert all(len(key) < 80 and "/" not in key for key in keys)
    assert rundir.problem_key("level1/7_Gelu.py").startswith("level1_7_Gelu-")


def test_one_process_begins_a_run_and_keeps_its_problems(tmp_path: Path) -> None:
    run = RunDir(tmp_path / ".fuse", rundir.new_run_id())
    assert run.begin({"level1/a.py": "text", "/outside/b.py": "größer"})
    assert not run.begin({"level1/a.py": "other"})
    with tarfile.open(run.path / "orchestrator" / "code.py.tgz") as tar:
        texts = {member.name: tar.extractfile(member).read().decode() for member in tar}  # type: ignore[union-attr]
    assert texts == {"level1/a.py": "text", "outside/b.py": "größer"}


def test_a_run_is_stopped_for_all_its_processes(tmp_path: Path) -> None:
    run = RunDir(tmp_path / ".fuse", "one")
    run.stop()  # nothing has begun: nothing is written
    assert not run.path.exists()
    run.begin({})
    assert run.stopped() is None
    RunDir(tmp_path / ".fuse", "one").stop()
    assert run.stopped() == "the run was stopped"


def test_run_ids_differ_and_sort_by_time() -> None:
    first, second = rundir.new_run_id(), rundir.new_run_id()
    assert first != second
    assert first[:15] <= second[:15]
