"""Workers with another Python, in another directory or on another machine: they take part, or it is said why not."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_kernelfalcon import hosts
from pytest_kernelfalcon.store.rundir import RunDir
from pytest_kernelfalcon.workers import Places
from tests.conftest import Example
from tests.plugin.conftest import GOOD, candidate
from tests.plugin.test_stopping import ended, spawn
from tests.plugin.test_xdist import record

SSH = """#!/bin/sh
# ssh -C HOST COMMAND: on this machine, in a home of its own
for last; do :; done
cd {home} && exec sh -c "$last"
"""


def program(example: Example, name: str, text: str) -> Path:
    path = example.write(name, text)
    path.chmod(0o755)
    return path


def ends(example: Example, *arguments: str) -> tuple[int, str]:
    return ended(spawn(example, "--kernelfalcon-seeds=2", "--dist=load", *arguments))


def test_another_python_races_with_this_one(example: Example) -> None:
    example.problem()
    example.script(candidate("hang"), seed=0)
    example.script(GOOD, seed=1)
    other = program(example, "python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    ret, output = ends(example, "add.py", f"--tx=popen//python={other}", "--tx=popen")
    assert ret == 0, output
    assert "CANCELLED add.py::model::seed[0]" in output
    assert {event["worker"] for event in record(example)} == {"main", "gw0", "gw1"}
    assert not list((example.path / ".fuse").glob(".2*")), "nothing is left of the lock"


def test_another_machine_races_with_this_one(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `ssh` runs shares files and locks with us, and begins in a directory of its own."""
    example.problem()
    example.script(candidate("hang"), seed=0)
    example.script(GOOD, seed=1)
    (example.path / "home").mkdir()
    program(example, "bin/ssh", SSH.format(home=example.path / "home"))
    monkeypatch.setenv("PATH", str(example.path / "bin"), prepend=":")
    problem = ("-o", f"addopts={example.path / 'add.py'}", f"--rootdir={example.path}")
    ret, output = ends(example, *problem, f"--tx=ssh=there//python={sys.executable}", "--tx=popen")
    assert ret == 0, output
    assert "2 passed, " in output and "1 won" in output and "1 cancelled" in output
    assert {event["worker"] for event in record(example)} == {"main", "gw0", "gw1"}


def test_a_worker_in_another_directory_needs_the_same_root_directory(
    example: Example, tmp_path_factory: pytest.TempPathFactory
) -> None:
    example.problem()
    example.script(GOOD)
    folder = tmp_path_factory.mktemp("elsewhere")
    elsewhere = f"--tx=popen//chdir={folder}"
    ret, output = ends(example, "add.py", elsewhere)
    assert ret == pytest.ExitCode.USAGE_ERROR, output
    assert f"Fix: write -o addopts={example.path / 'add.py'} --rootdir={example.path} instead of it" in output
    ret, output = ends(example, "-o", f"addopts={example.path / 'add.py'}", elsewhere)
    assert ret == pytest.ExitCode.USAGE_ERROR, output
    assert f"worker gw0 (popen//chdir={folder}) did not start: the root directory is {folder} there" in output
    assert "Traceback" not in output


def test_a_python_that_lacks_what_a_worker_needs_ends_the_run(example: Example) -> None:
    example.problem()
    example.script(GOOD)
    bare = program(example, "python", f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    ret, output = ends(example, "add.py", f"--tx=popen//python={bare}")
    assert ret == pytest.ExitCode.USAGE_ERROR, output
    assert f"worker gw0 (popen//python={bare}) did not start: ModuleNotFoundError: No module named" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(("given", "bound"), [({}, "8"), ({"maxworkerrestart": "0"}, "0"), ({"numprocesses": 2}, None)])
def test_workers_that_die_are_not_replaced_for_ever(given: dict[str, Any], bound: str | None) -> None:
    """With `-n` xdist has such a bound itself."""
    option = SimpleNamespace(**{"tx": ["popen"] * 2, "maxworkerrestart": None, "numprocesses": None} | given)
    run: Any = SimpleNamespace(option=option, getoption=lambda name, default: getattr(option, name))
    hosts.bound_restarts(run)
    assert option.maxworkerrestart == bound


def config(rootdir: Path) -> Any:
    return SimpleNamespace(rootpath=rootdir)


def test_the_run_directory_must_be_there_and_its_locks_must_hold(tmp_path: Path) -> None:
    beacon = hosts.Beacon(RunDir(tmp_path / ".fuse", "run"), tmp_path)
    told = beacon.told()
    hosts.check(config(tmp_path), told)
    file = Path(told[hosts.BEACON])
    beacon.close()
    assert not file.exists()
    with pytest.raises(pytest.UsageError, match=r"the run directory .*\.fuse of this run is not on"):
        hosts.check(config(tmp_path), told)
    file.touch()
    with pytest.raises(pytest.UsageError, match=r"locks on files in .* do not hold"):
        hosts.check(config(tmp_path), told)


def test_places_are_counted_for_each_machine_and_inherited_by_stand_ins() -> None:
    def spec(**given: str) -> Any:
        return SimpleNamespace(**{"ssh": None, "vagrant_ssh": None, "socket": None, "via": None} | given)

    places, here, there = Places(), spec(), spec(ssh="there")
    assert [places.take(here, "gw0"), places.take(here, "gw1"), places.take(there, "gw2")] == [0, 1, 0]
    places.free(here, "gw0")
    places.free(here, "gw0")
    assert [places.take(here, "gw3"), places.take(here, "gw4"), places.take(there, "gw5")] == [0, 2, 1]
