"""Without `--kernelfalcon` the plugin is not there."""

from __future__ import annotations

import pytest

from tests.conftest import PROBLEM, Example

TEST = """
import pathlib
import sys

import pytest


def test_nothing_heavy_is_imported():
    heavy = {"torch", "triton", "numpy", "hypothesis", "jinja2", "openai", "anthropic"}
    rooms = ("session", "store", "judge", "generator", "fuser", "composer", "asserting", "generating")
    ours = {f"pytest_kernelfalcon.{room}" for room in rooms}
    assert not (heavy | ours) & set(sys.modules)


@pytest.mark.kernelfalcon(problem="nowhere.py")
def test_the_marker_and_the_package_alone_load_nothing():
    import pytest_kernelfalcon

    test_nothing_heavy_is_imported()


def test_nor_does_a_fixture_that_nobody_calls(assert_kernel):
    assert callable(assert_kernel)
    assert not {"torch", "triton", "numpy", "openai", "anthropic"} & set(sys.modules)
    assert not pathlib.Path(".fuse").exists()


def test_nothing_is_registered(pytestconfig):
    names = [name for name, plugin in pytestconfig.pluginmanager.list_name_plugin() if "falcon" in name and plugin]
    assert set(names) <= {"kernelfalcon", "kernelfalcon_loader"}
"""


def test_an_ordinary_run_is_not_touched(example: Example) -> None:
    example.problem("problems/7_add.py")
    example.write("test_user.py", TEST)
    process = example.spawn("-q", "-p", "no:hypothesispytest", "-p", "no:cacheprovider", "--strict-markers", ".")
    output, _ = process.communicate(timeout=60)
    assert "4 passed" in output, output
    assert not (example.path / ".fuse").exists()
    fixtures, _ = example.spawn("--fixtures", "-v", ".").communicate(timeout=60)
    (ours,) = (line for line in fixtures.splitlines() if " -- " in line and "falcon" in line)
    assert ours.startswith("assert_kernel -- ")
    markers, _ = example.spawn("--markers").communicate(timeout=60)
    assert "@pytest.mark.kernelfalcon(problem, gate): the fixture `assert_kernel` holds kernels" in markers


def test_a_problem_named_without_the_option_is_pytests_business(example: Example, pytester: pytest.Pytester) -> None:
    example.write("problem.py", PROBLEM.replace("import torch", "raise RuntimeError('imported')"))
    output, _ = example.spawn("problem.py").communicate(timeout=60)
    assert "RuntimeError: imported" in output
