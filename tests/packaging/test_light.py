"""Being installed costs nothing: what every pytest run imports is small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "triton", "numpy", "ml_dtypes", "hypothesis", "jinja2", "openai", "anthropic", "httpx2", "dotenv")


def imported_by(module: str) -> set[str]:
    code = f"import sys, {module}; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_the_plugin_imports_no_heavy_package() -> None:
    assert not imported_by("pytest_kernelfalcon.plugin").intersection(HEAVY)


def test_the_plugin_imports_no_room_below_it() -> None:
    """Nothing of ours but the plugin modules is loaded until `--kernelfalcon` asks for it."""
    ours = {
        name.split(".")[1]
        for name in imported_by("pytest_kernelfalcon.plugin")
        if name.startswith("pytest_kernelfalcon.")
    }
    assert not ours.intersection({"judge", "store", "generator", "fuser", "composer"})


def test_naming_a_provider_imports_no_sdk() -> None:
    """An SDK takes seconds to import, and may be missing: its provider's calls import it."""
    assert not imported_by("pytest_kernelfalcon.generator.llm.registry").intersection(HEAVY)
