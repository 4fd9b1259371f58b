"""Without `--kernelfalcon` the plugin is not there."""

from __future__ import annotations

import pytest

from tests.conftest import PROBLEM, Example

TEST = """
import sys


def test_nothing_heavy_is_imported():
    heavy = {"torch", "triton", "numpy", "hypothesis", "jinja2", "openai", "anthropic"}
    ours = {f"pytest_kernelfalcon.{room}" for room in ("session", "store", "judge", "generator", "fuser", "composer")}
    assert not (heavy | ours) & set(sys.modules)


def test_nothing_is_registered(pytestconfig):
    names = [name for name, plugin in pytestconfig.pluginmanager.list_name_plugin() if "falcon" in name and plugin]
    assert set(names) <= {"kernelfalcon", "kernelfalcon_loader"}
"""


def test_an_ordinary_run_is_not_touched(example: Example) -> None:
    example.problem("problems/7_add.py")
    example.write("test_user.py", TEST)
    process = example.spawn("-q", "-p", "no:hypothesispytest", "-p", "no:cacheprovider", ".")
    output, _ = process.communicate(timeout=60)
    assert "2 passed" in output, output
    assert not (example.path / ".fuse").exists()
    fixtures, _ = example.spawn("--fixtures", "-v", ".").communicate(timeout=60)
    assert "pytestconfig" in fixtures
    assert "falcon" not in fixtures.replace("kernelfalcon_loader", "")


def test_a_problem_named_without_the_option_is_pytests_business(example: Example, pytester: pytest.Pytester) -> None:
    example.write("problem.py", PROBLEM.replace("import torch", "raise RuntimeError('imported')"))
    output, _ = example.spawn("problem.py").communicate(timeout=60)
    assert "RuntimeError: imported" in output
