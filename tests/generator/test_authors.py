"""Authors by name, and candidates from a folder."""

import pytest

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Cancelled, Control
from pytest_kernelfalcon.generator.author import Exhausted, Proposal, Round
from pytest_kernelfalcon.generator.registry import resolve
from pytest_kernelfalcon.judge.verdict import Verdict

CONTROL = Control()


def test_the_cookbook_goes_by_its_name():
    assert resolve("cookbook").name == "cookbook"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cookbok", "'cookbok' is no author. Fix: name one of `cookbook`, `dir/<path>`, `scripted/<folder>`"),
        ("", "'' is no author"),
        ("cookbook/gelu", "the cookbook takes no argument"),
        ("scripted/nowhere", "is no folder"),
        ("scripted", "is no folder"),
        ("openai/", "'openai/': no model is named. Fix: name one, as in `openai/<model>`."),
        ("relay", "'relay/': no model is named."),
    ],
)
def test_an_unknown_author_is_an_error_that_lists_those_there_are(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as caught:
        resolve(name)
    assert message in str(caught.value)


def contract(path="problems/add.py"):
    return Contract(
        id="model", source={"module": path, "code": ""}, inputs=[], state=[], outputs=[], output_tree={}, ops=[],
        sizes={}, declared={}, admitted={}, shrunk=None, admitted_shrunk={},
    )  # fmt: skip


def proposals(author, seed, rounds, path="problems/add.py"):
    history = []
    for _ in range(rounds):
        answer = author.propose(contract(path), history, seed, CONTROL)
        if isinstance(answer, Exhausted):
            return history, answer
        history.append(Round(answer, Verdict("refused", "run")))
    return history, None


def test_a_folder_gives_each_seed_its_own_candidates_or_those_for_all(tmp_path):
    for name, text in (("round0.py", "all 0"), ("round1.py", "all 1"), ("seed1/round0.py", "own 0")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    author = resolve(f"scripted/{tmp_path}")
    assert author.name == f"scripted/{tmp_path}"
    for seed, expected in ((0, ["all 0", "all 1"]), (1, ["own 0", "all 1"])):
        history, end = proposals(author, seed, 5)
        assert [one.proposal.source for one in history] == expected
        assert end is not None and f"no round2.py for seed {seed}" in end.reason
    assert author.propose(contract(), [], 1, CONTROL) == Proposal("own 0", "seed1/round0.py")


def test_a_problem_may_have_candidates_of_its_own(tmp_path):
    texts = {"round0.py": "any", "add/round0.py": "add", "add/seed1/round0.py": "add 1", "seed1/round0.py": "1"}
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    author = resolve(f"scripted/{tmp_path}")
    for path, seed, expected in (("add.py", 1, "add 1"), ("a/add.py", 0, "add"), ("b.py", 1, "1"), ("b.py", 0, "any")):
        history, _ = proposals(author, seed, 1, path)
        assert history[0].proposal.source == expected


def test_a_wait_for_a_candidate_ends_with_the_need_for_it(tmp_path):
    (tmp_path / "round0.py").write_text("# waits 3600 s\n")
    asked = iter([None, None, "won elsewhere"])
    with pytest.raises(Cancelled, match="won elsewhere"):
        resolve(f"scripted/{tmp_path}").propose(contract(), [], 0, Control(cancelled=lambda: next(asked)))


@pytest.mark.parametrize("name", ["cookbook", "scripted/."])
def test_an_author_stops_when_told_to(name):
    with pytest.raises(Cancelled):
        resolve(name).propose(contract(), [], 0, Control(cancelled=lambda: "won elsewhere"))
