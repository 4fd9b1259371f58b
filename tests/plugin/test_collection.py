from __future__ import annotations

import pytest

from tests.conftest import PROBLEM, Example
from tests.plugin.conftest import GOOD

AUTOUSE = """
import pytest


@pytest.fixture(autouse=True)
def mine(request):
    print("mine", request.node.name)
"""

pytestmark = pytest.mark.usefixtures("judge")


def ids(example: Example, *arguments: str, **keywords: object) -> list[str]:
    """The node ids of a collection, and that it wrote nothing."""
    run = example.run("--collect-only", "-q", "-q", "--kernelfalcon-seeds=1", *arguments, **keywords)  # type: ignore[arg-type]
    assert not (example.path / ".fuse").exists()
    return [line for line in run.output.splitlines() if "::" in line]


def test_a_problem_has_seeds_an_accept_and_a_compose(example: Example) -> None:
    example.problem("7_add.py")
    run = example.run("--collect-only", "--kernelfalcon-seeds=2", "7_add.py")
    lines = [line.strip() for line in run.output.splitlines() if line.strip().startswith("<")]
    assert lines[-6:] == [
        "<ProblemFile 7_add.py>", "<Subgraph model>", "<Step seed[0]>", "<Step seed[1]>", "<Step accept>",
        "<Step compose>",
    ]  # fmt: skip


def test_walking_finds_what_is_meant_as_a_problem_and_nothing_else(example: Example) -> None:
    for name in ("7_add.py", "level1/8 mul.py", "level1/broken.py", "helper.py", "notes.txt"):
        example.write(name, {"helper.py": "x = 1\n", "level1/broken.py": "class Model(:\n"}.get(name, PROBLEM))
    for name in ("test_x.py", "x_test.py"):
        example.write(name, '"""About class Model."""\ndef test_user(): pass\n')
    example.write("conftest.py", '"""class Model"""\n')
    example.write("level1/__kernels__/7_add.py", "# class Model\n")
    example.write(".fuse_not/7_add.py", PROBLEM)
    found = ids(example, ".")
    assert found == [
        "7_add.py::model::seed[0]", "7_add.py::model::accept", "7_add.py::compose",
        "level1/8 mul.py::model::seed[0]", "level1/8 mul.py::model::accept", "level1/8 mul.py::compose",
        "level1/broken.py::problem", "test_x.py::test_user", "x_test.py::test_user",
    ]  # fmt: skip


def test_a_file_named_on_the_command_line_is_meant_as_a_problem(example: Example) -> None:
    example.write("helper.py", "raise RuntimeError('imported')\n")
    example.write("test_problem.py", PROBLEM)
    example.write("test_user.py", "def test_user(): pass\n")
    assert ids(example, "helper.py", "test_problem.py", "test_user.py") == [
        "helper.py::problem", "test_problem.py::model::seed[0]", "test_problem.py::model::accept",
        "test_problem.py::compose", "test_user.py::test_user",
    ]  # fmt: skip


def test_several_paths_and_a_path_twice(example: Example) -> None:
    example.problem("a/x.py")
    example.problem("b/x.py")
    found = ids(example, "b", "a/x.py", "a")
    assert [name for name in found if "compose" in name] == ["b/x.py::compose", "a/x.py::compose"]


def test_problems_outside_the_root_directory(example: Example, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = [tmp_path_factory.mktemp("outside") for _ in range(2)]
    for folder in outside:
        (folder / "1_add.py").write_text(PROBLEM)
    example.script(GOOD)
    run = example.run(f"--rootdir={example.path}", str(outside[0] / "1_add.py"), str(outside[1]))
    assert {name.split("::")[0] for name in run.ended} == {str(folder / "1_add.py") for folder in outside}
    assert [problem["outcome"] for problem in run.report["problems"]] == ["accepted", "accepted"]
    assert not (outside[0] / ".fuse").exists()
    one = example.run(f"--rootdir={example.path}", f"{outside[0] / '1_add.py'}::model::accept")
    assert list(one.ended.values()) == ["PASSED"]


def test_names_with_any_characters(example: Example) -> None:
    example.script(GOOD)
    for name in ("größe mit leer.py", "a.b.py"):
        example.problem(name)
        run = example.run(name, "--kernelfalcon-seeds=1")
        assert set(run.ended.values()) == {"WON", "PASSED"}, run.output
        assert run.problem()["path"].endswith(name)


def test_a_problem_is_not_imported_by_doctests_either(example: Example) -> None:
    example.write("add.py", PROBLEM.replace("import torch", "raise RuntimeError('imported')"))
    assert ids(example, "--doctest-modules", "add.py")[-1] == "add.py::compose"


def test_keywords_work_as_for_tests(example: Example) -> None:
    example.problem("add.py")
    example.problem("mul.py")
    run = example.run(".", "-k", "add and (accept or seed)")
    assert {name.split("::")[-1] for name in run.ended} == {"seed[0]", "seed[1]", "seed[2]", "seed[3]", "accept"}


def test_the_users_own_fixtures_and_tests_run_beside(example: Example) -> None:
    example.problem()
    example.script(GOOD)
    example.write("conftest.py", AUTOUSE)
    example.write("test_user.py", "def test_user(): pass\n")
    run = example.run(".", "-s")
    assert run.ended["test_user.py::test_user"] == "PASSED"
    assert "mine accept" in run.output


def test_collecting_many_problems_is_quick(example: Example) -> None:
    for number in range(100):
        example.problem(f"level/{number}_add.py", PROBLEM + f"# {number}\n")
    found = ids(example, ".")
    assert len(found) == 300
