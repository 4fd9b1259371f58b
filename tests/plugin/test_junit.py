"""What a JUnit file tells of items and of the run."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.conftest import Example
from tests.plugin.conftest import BAD, GOOD, FakeJudge
from tests.plugin.test_xdist import distributed


@pytest.fixture(autouse=True)
def solved(example: Example, judge: FakeJudge) -> None:
    example.problem()
    example.script(BAD, GOOD)


def properties(node: ElementTree.Element | None) -> dict[str, str]:
    assert node is not None
    found = {one.attrib["name"]: one.attrib["value"] for one in node.iterfind("properties/property")}
    return {name.removeprefix("kernelfalcon."): value for name, value in found.items()}


def cases(example: Example) -> dict[str, dict[str, str]]:
    tree = ElementTree.parse(example.path / "junit.xml")
    return {case.attrib["name"]: properties(case) for case in tree.iter("testcase")}


def test_items_have_their_facts_as_properties(example: Example) -> None:
    run = example.run("add.py", "--junitxml=junit.xml", "--kernelfalcon-seeds=1")
    author, figures = (
        f"scripted/{example.path / 'script'}",
        {"outcome": "accepted", "cases": "8", "error_over_eager": "1.25"},
    )
    place = {"problem": "add.py", "kernelfalcon": "passed"}
    found = {"author": author, "winner_seed": "0", "winner_round": "1"} | figures
    assert cases(example) == {
        "seed[0]": place
        | {"kernelfalcon": "won", "subgraph": "model", "seed": "0", "author": author, "round": "1", "rounds": "2"}
        | figures,
        "accept": place | {"subgraph": "model"} | found,
        "compose": place | found,
    }
    suite = properties(ElementTree.parse(example.path / "junit.xml").find("testsuite"))
    assert suite["run_id"] == run.report["run_id"]
    assert (suite["platform"], suite["device"], suite["author"]) == ("cpu", "fake", author)
    assert suite["version.torch"] == run.report["versions"]["torch"]


def test_failures_have_their_cause(example: Example) -> None:
    example.script(BAD, BAD)
    example.run("add.py", "--junitxml=junit.xml", "--kernelfalcon-seeds=1", "--kernelfalcon-rounds=1")
    found = cases(example)
    assert (found["seed[0]"]["outcome"], found["seed[0]"]["cause"]) == ("refused", "inaccurate")
    for name in ("accept", "compose"):
        assert (found[name]["outcome"], found[name]["cause"]) == ("no_kernel", "unsolved")


def test_a_broken_problem_says_so(example: Example) -> None:
    example.problem("broken.py", "class Model(:\n")
    example.run("broken.py", "--junitxml=junit.xml")
    assert cases(example)["problem"] == {"kernelfalcon": "failed", "problem": "broken.py", "outcome": "broken"}


def test_workers_send_the_facts_along(example: Example) -> None:
    ret, output = distributed(example, "add.py", "--junitxml=junit.xml", "--kernelfalcon-seeds=1")
    assert ret == 0, output
    assert cases(example)["accept"]["winner_round"] == "1"
    assert properties(ElementTree.parse(example.path / "junit.xml").find("testsuite"))["platform"] == "cpu"
