"""The wheel: every file once and under the package, importable where nothing of the checkout is."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINKED = ("generator", "fuser", "composer")


def sources(folder: str) -> set[str]:
    """The files of a source folder, relative to the checkout, symlinked folders left out."""
    found = {p.relative_to(ROOT) for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    return {str(p) for p in found if not (len(p.parts) > 2 and p.parts[1] in LINKED)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    pytest.importorskip("hatchling", reason="hatchling is part of the dev extra")
    target = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(target)], cwd=ROOT, check=True, capture_output=True)
    (path,) = target.glob("*.whl")
    return zipfile.ZipFile(path)


def test_a_wheel_holds_every_source_once_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    expected = sources("pytest_kernelfalcon")
    for folder in LINKED:
        expected |= {f"pytest_kernelfalcon/{name}" for name in sources(folder)}
    names = [name for name in wheel.namelist() if ".dist-info/" not in name]
    assert sorted(names) == sorted(expected)


def test_a_wheel_registers_the_plugin_and_is_typed(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    parser = ConfigParser()
    parser.read_string(wheel.read(entry_points).decode())
    assert dict(parser["pytest11"]) == {"kernelfalcon": "pytest_kernelfalcon.plugin"}
    assert "pytest_kernelfalcon/py.typed" in wheel.namelist()


def test_every_module_of_a_wheel_imports_outside_the_checkout(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    site = tmp_path / "site"
    wheel.extractall(site)
    script = ROOT / "tests" / "packaging" / "import_all.py"
    environment = os.environ | {"PYTHONPATH": str(site)}
    command = [sys.executable, str(script), str(site)]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert {f"pytest_kernelfalcon.{folder}" for folder in LINKED} <= set(run.stdout.split())


@pytest.mark.parametrize("folder", LINKED)
def test_a_linked_folder_refuses_its_bare_name(folder: str) -> None:
    """A user's own `generator` or an installed `composer` is never shadowed by ours in silence."""
    run = subprocess.run([sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    assert f"import pytest_kernelfalcon.{folder}" in run.stderr
