from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.problem import Problem, sha256
from pytest_kernelfalcon.store import files, kept
from pytest_kernelfalcon.store.kept import Kept, Manifest

PROBLEM = Problem("p/add.py", "class Model: pass\n")
SOURCE = "def kernel_function(x):\n    return x\n"


def manifest(source: str = SOURCE, platform: str = "cpu", problem: Problem = PROBLEM) -> Manifest:
    verdict = {"outcome": "accepted", "platform": platform, "seconds": {"run": 0.1}, "timing": None}
    return Manifest(problem.sha256, sha256(source), "cookbook", [{"id": "model"}], {platform: verdict})


@pytest.fixture
def place(tmp_path: Path) -> Kept:
    return Kept.of(tmp_path / "p" / "add.py", tmp_path, None)


def test_a_saved_kernel_is_fresh_and_lies_beside_the_problem(place: Kept, tmp_path: Path) -> None:
    assert place.status(PROBLEM) == "missing"
    assert place.save(SOURCE, manifest())
    assert place.status(PROBLEM) == "fresh"
    assert (tmp_path / "p" / "__kernels__" / "add.py").read_text() == SOURCE
    data = json.loads((tmp_path / "p" / "__kernels__" / "add.json").read_text())
    assert data["schema"] == 1
    assert data["verdicts"]["cpu"]["outcome"] == "accepted"


def test_line_ends_of_a_checkout_do_not_matter(place: Kept) -> None:
    place.save(SOURCE, manifest())
    place.kernel.write_bytes(SOURCE.replace("\n", "\r\n").encode())
    assert place.status(PROBLEM) == "fresh"
    assert place.read() == SOURCE


@pytest.mark.parametrize("change", ["problem", "kernel", "no manifest", "broken manifest", "other schema", "not utf-8"])
def test_whatever_does_not_fit_is_stale(place: Kept, change: str) -> None:
    place.save(SOURCE, manifest())
    problem = PROBLEM
    match change:
        case "problem":
            problem = Problem("p/add.py", PROBLEM.text + "# changed\n")
        case "kernel":
            place.kernel.write_text(SOURCE + "# edited\n")
        case "no manifest":
            place.manifest.unlink()
        case "broken manifest":
            place.manifest.write_text("{")
        case "other schema":
            place.manifest.write_text(json.dumps(manifest().to_json() | {"schema": 2}))
        case "not utf-8":
            place.kernel.write_bytes(b"\xff\xfe")
    assert place.status(problem) == "stale"


def test_a_kill_between_the_two_files_leaves_nothing_that_vouches_for_the_new_kernel(
    place: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.save(SOURCE, manifest())
    write, newer = files.write, SOURCE + "# newer\n"

    def killed(path: Path, data: str | bytes) -> None:
        if path == place.manifest:
            raise KeyboardInterrupt
        write(path, data)

    monkeypatch.setattr(files, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        place.save(newer, manifest(newer))
    assert place.read() == newer
    assert place.status(PROBLEM) == "stale"


def test_an_unchanged_pair_is_not_written_again(place: Kept) -> None:
    place.save(SOURCE, manifest())
    slower = manifest()
    slower.verdicts["cpu"] |= {"seconds": {"run": 9.0}, "worst": {"got": math.nan}}
    assert not place.save(SOURCE, slower)
    flagged = manifest()
    flagged.verdicts["cpu"]["flags"] = ["nondeterministic"]
    assert place.save(SOURCE, flagged)
    assert place.save(SOURCE + "#\n", manifest(SOURCE + "#\n"))


def test_each_platform_keeps_its_verdict_of_the_same_kernel(place: Kept) -> None:
    place.save(SOURCE, manifest(platform="cpu"))
    place.save(SOURCE, manifest(platform="cuda"))
    assert set(json.loads(place.manifest.read_text())["verdicts"]) == {"cpu", "cuda"}
    place.save(SOURCE + "#\n", manifest(SOURCE + "#\n", platform="cuda"))
    assert set(json.loads(place.manifest.read_text())["verdicts"]) == {"cuda"}


def test_another_folder_mirrors_paths(tmp_path: Path) -> None:
    root, folder = tmp_path / "root", tmp_path / "kernels"
    assert Kept.of(root / "l1" / "a.py", root, folder).kernel == folder / "l1" / "a.py"
    assert Kept.of(Path("/data/l1/a.py"), root, folder).kernel == folder / "data" / "l1" / "a.py"


def test_a_place_that_cannot_be_written_is_found_before_it_is_needed(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert kept.unwritable(blocked / "__kernels__") == blocked
    assert kept.unwritable(tmp_path / "new" / "__kernels__") is None


@pytest.mark.parametrize(
    "wrong", [{"verdicts": []}, {"verdicts": {"cpu": 1}}, {"author": None}, {"contracts": {}}, {"versions": "1"}]
)
def test_a_manifest_with_fields_of_another_kind_vouches_for_nothing(place: Kept, wrong: dict[str, object]) -> None:
    place.save(SOURCE, manifest())
    place.manifest.write_text(json.dumps(json.loads(place.manifest.read_text()) | wrong))
    assert place.status(PROBLEM) == "stale"
    assert place.save(SOURCE, manifest())
    assert place.status(PROBLEM) == "fresh"
