"""pytest's ways to choose items: what a user expects of them holds for problems, too."""

from __future__ import annotations

import pytest

from tests.conftest import PROBLEM, Example
from tests.plugin.conftest import BAD, GOOD, FakeJudge

pytestmark = pytest.mark.usefixtures("judge")

ITEMS = ["model::seed[0]", "model::seed[1]", "model::accept", "compose"]
NAMES = ("7_add.py", "größe mit leer.py", "a.b.py", "it's.py", "日本.py", "x-y+z.py")


@pytest.fixture(autouse=True)
def two_seeds(example: Example) -> None:
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 2\n")
    example.script(GOOD)


def collected(example: Example, *arguments: str) -> list[str]:
    """The node ids that would be run."""
    output = example.run("--collect-only", "-q", "-q", *arguments).output
    return [line for line in output.splitlines() if "::" in line]


def files(nodeids: list[str]) -> list[str]:
    return list(dict.fromkeys(nodeid.split("::")[0] for nodeid in nodeids))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("add and accept", ["level1/7_add.py::model::accept"]),
        ("level2 and seed", ["level2/17_mul.py::model::seed[0]", "level2/17_mul.py::model::seed[1]"]),
        ("mul and not (seed or accept)", ["level2/17_mul.py::compose"]),
        ("7_add and 1 and seed", ["level1/7_add.py::model::seed[0]", "level1/7_add.py::model::seed[1]"]),
        ("nothing", []),
    ],
)
def test_keywords(example: Example, expression: str, expected: list[str]) -> None:
    example.problem("level1/7_add.py")
    example.problem("level2/17_mul.py")
    assert collected(example, "-k", expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("level(n=1) and kernelfalcon_accept", ["level1/7_add.py::model::accept"]),
        ("kernelfalcon_item(number=17) and kernelfalcon_compose", ["level2/17_mul.py::compose"]),
        (
            "kernelfalcon_seed(number=1) and level",
            [
                "level0/level/no_number.py::model::seed[1]",
                "level1/7_add.py::model::seed[1]",
                "level2/17_mul.py::model::seed[1]",
            ],
        ),
        ("kernelfalcon_compose and level(n=0)", ["level0/level/no_number.py::compose"]),
        ("kernelfalcon_compose and kernelfalcon_item(number=None) and level", ["level0/level/no_number.py::compose"]),
        ("kernelfalcon_compose and not level", ["broken.py::problem", "plain.py::compose"]),
        ("kernelfalcon_item(kept='fresh')", ["level1/7_add.py::model::accept", "level1/7_add.py::compose"]),
        ("not kernelfalcon_item", ["test_user.py::test_user"]),
    ],
)
def test_markers(example: Example, expression: str, expected: list[str]) -> None:
    for name in ("level1/7_add.py", "level2/17_mul.py", "plain.py", "level0/level/no_number.py"):
        example.problem(name)
    example.problem("broken.py", "class Model(:\n")
    example.write("test_user.py", "def test_user(): pass\n")
    if "fresh" in expression:
        example.run("level1", "--kernelfalcon-update")
    assert collected(example, "-m", expression, "--strict-markers") == expected


def test_deselecting_by_a_prefix(example: Example) -> None:
    example.problem()
    run = example.run(".", "--deselect", "add.py::model::seed", "--deselect=add.py::compose")
    assert run.ended == {"add.py::model::accept": "PASSED"}
    assert "3 deselected" in run.output


@pytest.mark.parametrize("name", NAMES)
def test_every_node_id_that_is_listed_can_be_given_back(example: Example, name: str) -> None:
    example.problem(f"level 1/{name}")
    listed = collected(example, ".")
    assert [nodeid.removeprefix(f"level 1/{name}::") for nodeid in listed] == ITEMS
    assert [nodeid for one in listed for nodeid in collected(example, one)] == listed
    run = example.run(listed[1])
    assert run.ended == {listed[1]: "WON"}, run.output


def test_node_ids_outside_of_the_root_directory(example: Example, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("out side") / "1_add.py"
    outside.write_text(PROBLEM)
    arguments = (f"--rootdir={example.path}", "--kernelfalcon-seeds=1")
    listed = collected(example, *arguments, str(outside.parent))
    assert listed == [f"{outside}::{item}" for item in ("model::seed[0]", "model::accept", "compose")]
    assert [nodeid for one in listed for nodeid in collected(example, *arguments, one)] == listed
    assert list(example.run(*arguments, listed[0]).ended.items()) == [(listed[0], "WON")]


def test_brackets_in_a_name_are_reached_by_the_folder(example: Example) -> None:
    """pytest takes no path with brackets: https://docs.pytest.org/en/stable/how-to/usage.html"""
    example.problem("some/add[1].py")
    run = example.run("some")
    assert [nodeid.removeprefix("some/add[1].py::") for nodeid in run.ended] == ITEMS
    assert run.ret == 0
    assert example.run("some/add[1].py").ret == pytest.ExitCode.USAGE_ERROR


def test_a_subgraph_and_a_whole_file_can_be_named(example: Example) -> None:
    example.problem("7_add.py")
    assert collected(example, "7_add.py::model") == [f"7_add.py::{item}" for item in ITEMS[:3]]
    missing = example.run("7_add.py::conv")
    assert (missing.ret, missing.ended) == (pytest.ExitCode.USAGE_ERROR, {})


def test_what_the_user_calls_a_test_is_none_of_ours(example: Example) -> None:
    example.problem("7_add.py")
    example.write("check_model.py", "class Model: ...\ndef test_user(): Model()\n")
    checks = ("-o", "python_files=check_*.py")
    assert files(collected(example, ".", *checks)) == ["7_add.py", "check_model.py"]
    assert example.run(".", *checks).ended["check_model.py::test_user"] == "PASSED"
    assert files(collected(example, "7_add.py", "-o", "python_files=*.py")) == ["7_add.py"]
    assert collected(example, ".", "-o", "python_files=*.py")[:4] == [f"7_add.py::{item}" for item in ITEMS]


def test_a_path_twice_and_in_its_folder_is_collected_once(example: Example) -> None:
    example.problem("a/x.py")
    once = collected(example, "a/x.py")
    assert collected(example, "a/x.py", "a/x.py") == collected(example, "a", "a/x.py") == once
    assert collected(example, "a/x.py::compose", "a/x.py::model::accept", "a/x.py::compose") == [once[3], once[2]]


def test_asked_for_twice_all_the_same_it_is_worked_out_once(example: Example, judge: FakeJudge) -> None:
    example.problem()
    run = example.run("--keep-duplicates", "add.py", "add.py")
    assert run.ret == 0, run.output
    assert [gate for gate, _ in judge.asked] == ["start", "inspect", "seed", "accept"]


def test_a_link_that_is_named_is_a_problem_of_its_own(example: Example) -> None:
    (example.path / "link.py").symlink_to(example.problem("real/add.py"))
    run = example.run("link.py", "--kernelfalcon-update")
    assert files(list(run.ended)) == ["link.py"]
    assert run.ret == 0
    assert (example.path / "__kernels__" / "link.py").is_file()
    assert files(collected(example, ".")) == ["link.py", "real/add.py"]


def test_ignored_files_are_not_collected(example: Example) -> None:
    for name in ("a/x.py", "a/y.py", "b/x.py"):
        example.problem(name)
    assert files(collected(example, ".", "--ignore=a/x.py")) == ["a/y.py", "b/x.py"]
    assert files(collected(example, ".", "--ignore-glob=*/x.py")) == ["a/y.py"]
    assert files(collected(example, ".", "--ignore=a")) == ["b/x.py"]


def test_a_module_path_names_a_problem(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    example.problem("package/add.py", PROBLEM.replace("import torch", "raise RuntimeError('imported')"))
    example.write("package/__init__.py", "")
    monkeypatch.syspath_prepend(example.path)
    run = example.run("--pyargs", "package.add")
    assert files(list(run.ended)) == ["package/add.py"]
    assert run.ret == 0, run.output


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_no_mode_of_import_imports_a_problem(example: Example, mode: str) -> None:
    for name in ("a/7_add.py", "b/7_add.py"):
        example.problem(name, PROBLEM.replace("import torch", "raise RuntimeError('imported')"))
    run = example.run(".", f"--import-mode={mode}")
    assert files(list(run.ended)) == ["a/7_add.py", "b/7_add.py"]
    assert run.ret == 0, run.output


def test_another_ini_file_and_single_options(example: Example) -> None:
    example.problem("work/add.py")
    example.write("other.ini", "[pytest]\nkernelfalcon_seeds = 3\nkernelfalcon_kernels = kept\n")
    assert len(collected(example, "work", "-c", "other.ini")) == 5
    assert len(collected(example, "work", "-c", "other.ini", "-o", "kernelfalcon_seeds=1")) == 3
    run = example.run("work", "-c", "other.ini", "--rootdir=work", "--kernelfalcon-update")
    assert files(list(run.ended)) == ["add.py"], "node ids begin at the root directory"
    assert (example.path / "kept" / "add.py").is_file(), "an ini option's path begins at its file"
    assert (example.path / "work" / ".fuse").is_dir()


def test_the_strictest_settings_find_nothing_to_complain_of(example: Example) -> None:
    example.problem("level1/7_add.py")
    example.script(BAD, seed=0)
    run = example.run(".", "--strict-markers", "--strict-config", "-W", "error", "-o", "xfail_strict=true")
    assert run.ret == 0, run.output
    assert "warning" not in run.output
