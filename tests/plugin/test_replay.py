"""`replay/<path>`: a recorded search once more, with nobody asked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.llm import exchange
from pytest_kernelfalcon.generator.llm.exchange import Left, finish
from pytest_kernelfalcon.generator.llm.outcomes import About, CallFailed, CallOutcome
from pytest_kernelfalcon.judge.verdict import Verdict
from tests.conftest import PROBLEM, Example, Run
from tests.plugin.conftest import FakeJudge, candidate
from tests.wire.asking import imported
from tests.wire.server import wire
from tests.wire.turns import Turn, failing

imported("openai")

AUTHOR = "relay/m-1"
ITEM = "add.py::model"


def kernel(name: str, seed: str = "refused", accept: str = "accepted") -> str:
    """A candidate that the fake judge will judge so."""
    body = "def kernel_function(x):\n    return x\n"
    return f"{candidate(seed, accept)}import triton\n\n\n@triton.jit\ndef {name}():\n    pass\n\n\n{body}"


def says(source: str) -> Turn:
    return Turn(texts=(f"I think so.\n\n```python\n{source}```\n",))


WRONG, OTHER, RIGHT = kernel("wrong"), kernel("other"), kernel("right", "accepted")
BUSY = failing(529, "overloaded_error", "too busy", retry_after_ms="1")
PROSE = Turn(texts=("Let me think about it.",))


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user of this machine asks models with has no part in it."""
    for name in ("LLM_RELAY_URL", "LLM_RELAY_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


class Recorder:
    """Records a search of one seed, and replays it without the server, its address and its key."""

    def __init__(self, example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
        self.example, self.monkeypatch = example, monkeypatch
        self.example.problem()

    def record(self, *turns: Turn, author: str = AUTHOR, more: Sequence[str] = ("--kernelfalcon-seeds=1",)) -> Run:
        with wire(turns) as server:
            self.monkeypatch.setenv("LLM_RELAY_URL", f"{server.url}/relay")
            run = self.example.run(f"--kernelfalcon-author={author}", *more)
        self.monkeypatch.delenv("LLM_RELAY_URL")
        return run

    @property
    def folder(self) -> Path:
        """Of the last run."""
        return max((self.example.path / ".fuse").glob("2*"), key=lambda path: path.stat().st_ctime_ns)

    def round(self, number: int, seed: int = 0, folder: Path | None = None) -> Path:
        (contract,) = (folder or self.folder).glob("*/kernels_out/model")
        return contract / f"seed{seed}" / f"round{number}"

    def replay(self, recording: Path, *more: str) -> Run:
        """With nothing known from the run that is replayed."""
        shutil.rmtree(self.example.path / ".fuse" / "state", ignore_errors=True)
        self.monkeypatch.chdir(self.example.path)
        given = recording.relative_to(self.example.path)
        return self.example.run(f"--kernelfalcon-author=replay/{given}", *more)


@pytest.fixture
def recorder(example: Example, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    return Recorder(example, monkeypatch)


def test_a_whole_search_is_repeated_with_the_same_bytes(recorder: Recorder, judge: FakeJudge) -> None:
    recorded = recorder.record(BUSY, PROSE, says(WRONG), says(OTHER), says(RIGHT))
    then, asked = recorder.folder, list(judge.asked)
    judge.asked.clear()
    replayed = recorder.replay(then)
    now = recorder.folder
    assert now != then
    assert recorded.ret == replayed.ret == 0
    assert replayed.ended == recorded.ended
    assert judge.asked == asked
    files = sorted(path.relative_to(then) for path in then.glob("*/kernels_out/*/seed0/round*/*r*[0-9].json"))
    assert [path.name for path in files] == [
        f"{what}{n}.json" for r, m in ((0, 3), (1, 1), (2, 1)) for what in ("answer", "prompt") for n in range(m)
    ]
    assert all((then / path).read_bytes() == (now / path).read_bytes() for path in files)
    assert replayed.problem()["subgraphs"][0]["round"] == 2
    assert recorder.replay(now).ret == 0


def test_a_prompt_that_changed_is_shown_and_fails_the_run(recorder: Recorder) -> None:
    recorder.record(says(WRONG), says(RIGHT))
    templates = recorder.example.path / "templates"
    recorder.example.write("templates/refine.md.j2", "Mend it: {{ verdict }}\x1b[31m")
    run = recorder.replay(recorder.folder, f"--kernelfalcon-templates={templates}")
    assert run.ret == 1
    assert run.ended == dict.fromkeys((f"{ITEM}::seed[0]", f"{ITEM}::accept", "add.py::compose"), "ERROR")
    text = run.texts[f"{ITEM}::seed[0]"]
    assert "seed[0] round 1: the prompt is not the recorded one:\n--- recorded\n+++ now\n" in text
    assert "\n+Mend it: refused: inaccurate\n" in text
    assert "\\u{1b}[31m" in text
    assert "\n-Find the cause, and mend it." in text
    assert "\nFix: " in text
    assert (run.problem()["outcome"], run.report["totals"]["diverged"]) == ("diverged", 1)
    assert "add.py: diverged: " in run.output
    assert "\x1b[31m" not in run.output


def test_figures_that_the_judge_draws_anew_change_no_prompt(
    recorder: Recorder, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.record(says(WRONG), says(OTHER), says(RIGHT))
    given = judge.judge

    def drawn(*arguments: object) -> Verdict:
        return replace(given(*arguments), message="too far off, by another figure")  # type: ignore[arg-type]

    monkeypatch.setattr(judge, "judge", drawn)
    run = recorder.replay(recorder.folder)
    assert run.ret == 0
    assert "which counts" not in run.output


def rejudged(judge: FakeJudge, monkeypatch: pytest.MonkeyPatch, name: str, **other: object) -> None:
    """From now on the judge says something else of the candidate of that name."""
    given = judge.judge

    def judged(contract: Contract, source: str, *rest: object) -> Verdict:
        verdict = given(contract, source, *rest)  # type: ignore[arg-type]
        return replace(verdict, **other) if name in source else verdict  # type: ignore[arg-type]

    monkeypatch.setattr(judge, "judge", judged)


def test_a_candidate_that_is_accepted_now_wins(
    recorder: Recorder, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.record(says(WRONG), says(OTHER), says(RIGHT))
    rejudged(judge, monkeypatch, "other", outcome="accepted", cause=None)
    run = recorder.replay(recorder.folder)
    assert run.ret == 0
    assert run.problem()["subgraphs"][0]["round"] == 1
    said = f"{ITEM} seed[0] round 1 was refused (inaccurate) when replay/"
    assert said in run.output
    assert "was recorded, and is accepted, which counts" in run.output


def test_a_candidate_that_is_refused_otherwise_is_said_and_the_search_goes_on(
    recorder: Recorder, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.record(says(WRONG), says(RIGHT))
    rejudged(judge, monkeypatch, "wrong", cause="nan_mismatch")
    run = recorder.replay(recorder.folder)
    assert run.ret == 0
    assert run.problem()["subgraphs"][0]["round"] == 1
    assert "and is refused (nan_mismatch), which counts" in run.output


def test_a_candidate_that_is_refused_now_ends_its_seed(
    recorder: Recorder, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.record(says(WRONG), says(RIGHT))
    rejudged(judge, monkeypatch, "right", outcome="refused", cause="race", message="two programs write it")
    run = recorder.replay(recorder.folder)
    assert run.ret == 1
    assert run.ended[f"{ITEM}::seed[0]"] == "LOST"
    assert "was accepted when replay/" in run.output
    assert "and is refused (race), which counts" in run.output
    events = [json.loads(line) for line in (recorder.folder / "events.jsonl").read_text().splitlines()]
    (differs,) = [event for event in events if event["event"] == "differs"]
    place = {"problem": "add.py", "subgraph": "model", "seed": 0, "round": 1}
    decisions = {"recorded": ["accepted", None], "judged": ["refused", "race"]}
    assert differs.items() >= {**place, **decisions}.items()
    (seed,) = [event for event in events if event["event"] == "seed"]
    assert "two programs write it" in seed["reason"]


def test_what_the_gate_accept_refused_is_refused_again(recorder: Recorder) -> None:
    recorder.record(says(kernel("late", "accepted", "refused")))
    run = recorder.replay(recorder.folder)
    assert run.ret == 1
    assert run.ended[f"{ITEM}::seed[0]"] == "WON"
    assert run.problem()["outcome"] == "no_kernel"


def test_a_failure_for_good_is_repeated_with_its_text(recorder: Recorder) -> None:
    recorded = recorder.record(failing(401, "authentication_error", "no such key"), more=["--kernelfalcon-seeds=2"])
    assert "no such key" in recorded.output
    replayed = recorder.replay(recorder.folder)
    assert replayed.ret == recorded.ret == 1
    assert replayed.problem()["outcome"] == recorded.problem()["outcome"]
    assert "relay/m-1: the server does not take the key: no such key" in replayed.texts[f"{ITEM}::seed[0]"]
    assert "ended there as exhausted: relay/m-1: the server does not take the key" in replayed.texts[f"{ITEM}::seed[1]"]


def test_what_one_seed_met_then_keeps_no_other_from_its_own(recorder: Recorder) -> None:
    recorder.record(says(WRONG), says(RIGHT), more=["--kernelfalcon-seeds=2", "--kernelfalcon-rounds=1"])
    place = recorder.round(0)
    for path in [*place.glob("*.py"), place / "proposal.json", place / "verdict.json"]:
        path.unlink()
    about = About("relay", "m-1", key_name="LLM_RELAY_API_KEY")
    finish(place, 0, CallFailed(CallOutcome.WRONG_KEY, about, "expired", status=401))
    run = recorder.replay(recorder.folder)
    assert [run.ended[f"{ITEM}::seed[{number}]"] for number in (0, 1)] == ["LOST", "WON"]


def test_a_search_that_was_replayed_before_is_replayed_again(recorder: Recorder, judge: FakeJudge) -> None:
    recorder.record(says(WRONG), says(RIGHT))
    then = recorder.folder
    again = f"--kernelfalcon-author=replay/{then.relative_to(recorder.example.path)}"
    assert recorder.replay(then).ret == 0
    judge.asked.clear()
    run = recorder.example.run(again)
    assert run.ended[f"{ITEM}::seed[0]"] == "WON"
    assert [gate for gate, _ in judge.asked if gate in ("seed", "accept")] == ["accept"]
    recorder.example.write("templates/refine.md.j2", "Mend it.")
    assert recorder.example.run(again, "--kernelfalcon-templates=templates").problem()["outcome"] == "diverged"


def test_a_long_wait_that_the_server_asked_for_is_not_waited(recorder: Recorder) -> None:
    recorder.record(BUSY, says(RIGHT))
    place = recorder.round(0)
    data = json.loads((place / "answer0.json").read_text())
    data["failed"]["retry_after"] = 100_000.0
    (place / "answer0.json").write_text(json.dumps(data))
    assert recorder.replay(recorder.folder).ret == 0


@pytest.mark.parametrize("end", [Left("seed[1] won"), None], ids=["left", "never made"])
def test_a_seed_ends_where_its_last_call_had_no_answer(end: Left | None, recorder: Recorder) -> None:
    recorder.record(says(WRONG), says(RIGHT))
    place = recorder.round(1)
    for path in [*place.glob("[!p]*"), place / "proposal.json"]:
        path.unlink()
    if end is not None:
        finish(place, 0, end)
    (place.parent / "record.json").unlink()
    run = recorder.replay(recorder.folder)
    assert run.ended[f"{ITEM}::seed[0]"] == "LOST"
    assert run.problem()["subgraphs"][0]["rounds"] == 1
    events = (recorder.folder / "events.jsonl").read_text()
    assert (
        "seed[0] round 1: the recording ends here: its call had no answer" + (": seed[1] won" if end else "") in events
    )


def test_a_candidate_that_was_not_judged_then_is_not_judged_now(recorder: Recorder, judge: FakeJudge) -> None:
    recorder.record(says(WRONG), says(RIGHT))
    (recorder.round(1) / "verdict.json").unlink()
    judge.asked.clear()
    run = recorder.replay(recorder.folder)
    assert run.ret == 1
    assert [gate for gate, source in judge.asked if "right" in source] == []


def test_seeds_that_are_not_recorded_say_so(recorder: Recorder) -> None:
    recorder.record(says(WRONG), more=["--kernelfalcon-seeds=1", "--kernelfalcon-rounds=1"])
    run = recorder.replay(recorder.folder, "--kernelfalcon-seeds=2")
    assert "seed[1] is not recorded; of this search there is seed[0]" in run.texts[f"{ITEM}::seed[1]"]


@pytest.mark.parametrize("name", ["seeds", "rounds"])
def test_a_run_that_would_repeat_a_part_is_wrong_usage(name: str, recorder: Recorder) -> None:
    recorder.record(
        says(WRONG), says(OTHER), more=[f"--kernelfalcon-{n}={2 if n == name else 1}" for n in ("seeds", "rounds")]
    )
    run = recorder.replay(recorder.folder, "--kernelfalcon-rounds=1", "--kernelfalcon-seeds=1")
    assert run.ret == 4
    assert f"has 2 {name}, of which this run would repeat 1. Fix: --kernelfalcon-{name}=2." in run.output


def test_a_run_has_the_seeds_and_rounds_that_it_repeats(recorder: Recorder) -> None:
    turns = [says(kernel(f"wrong{number}")) for number in range(12)]
    recorder.record(*turns, says(RIGHT), more=["--kernelfalcon-seeds=1", "--kernelfalcon-rounds=13"])
    then = recorder.folder
    run = recorder.replay(then)
    assert run.ended == {f"{ITEM}::seed[0]": "WON", f"{ITEM}::accept": "PASSED", "add.py::compose": "PASSED"}
    assert run.problem()["subgraphs"][0]["round"] == 12
    mixed = recorder.example.run(
        f"--kernelfalcon-author=cookbook,replay/{then.relative_to(recorder.example.path)}", "--kernelfalcon-fresh"
    )
    assert f"{ITEM}::seed[3]" in mixed.ended


def test_a_folder_without_a_recording_is_wrong_usage(recorder: Recorder) -> None:
    for name in ("", "nowhere", "script"):
        run = recorder.example.run(f"--kernelfalcon-author=replay/{name}")
        assert run.ret == 4
        assert "holds no recorded search. Fix: name the directory of a run, as in `replay/.fuse/<run id>`" in run.output


def test_a_problem_that_is_not_recorded_is_told_what_is(recorder: Recorder) -> None:
    recorder.record(says(RIGHT))
    recorder.example.problem(text=PROBLEM + "# changed\n")
    recorder.example.problem("new.py", PROBLEM + "# new\n")
    run = recorder.replay(recorder.folder)
    assert run.ret == 1
    changed, new = (run.texts[f"{name}::model::seed[0]"] for name in ("add.py", "new.py"))
    assert "there is: add.py, whose text is another than `model` of add.py has now" in changed
    assert "no search for new.py is recorded in" in new
    assert new.rstrip().endswith("there is: add.py")


def test_another_torch_traces_otherwise_and_finds_its_recording(
    recorder: Recorder, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.record(says(WRONG), says(RIGHT))
    inspect = judge.inspect
    monkeypatch.setattr(judge, "inspect", lambda *given: replace(inspect(*given), ops=["other"], flags=["new"]))
    monkeypatch.setattr(judge, "platform", "other")
    monkeypatch.setattr(judge, "device", "other")
    assert recorder.replay(recorder.folder).ret == 0


def test_another_candidate_in_the_answer_is_shown(recorder: Recorder) -> None:
    recorder.record(says(RIGHT))
    path = recorder.round(0) / "candidate.py"
    path.write_text(path.read_text().replace("return x", "return y"))
    run = recorder.replay(recorder.folder)
    assert run.ret == 1
    text = run.texts[f"{ITEM}::seed[0]"]
    assert "the candidate in the answer is not the recorded one:" in text
    assert "-    return y\n+    return x" in text


def test_an_answer_that_is_read_otherwise_now_is_said(recorder: Recorder) -> None:
    recorder.record(PROSE, says(RIGHT))
    recording, place = recorder.folder, recorder.round(0)
    text = (place / "answer0.json").read_text()
    (place / "answer0.json").write_text(
        text.replace("Let me think about it.", "```python\\ndef kernel_function(): 1\\n```")
    )
    run = recorder.replay(recording)
    assert (
        "there is a candidate in an answer that could not be used when it was recorded" in run.texts[f"{ITEM}::seed[0]"]
    )
    (place / "answer0.json").write_text(text)
    (place / "answer1.json").write_text(text)
    run = recorder.replay(recording)
    assert "this run asks once more than the recorded one did" in run.texts[f"{ITEM}::seed[0]"]


def test_rounds_of_other_authors_are_repeated_by_their_candidates(recorder: Recorder, judge: FakeJudge) -> None:
    recorder.example.script(OTHER)
    recorder.record(says(WRONG), says(RIGHT), author=f"scripted/{recorder.example.path / 'script'},{AUTHOR}")
    assert [exchange.read(recorder.round(number)) == [] for number in range(3)] == [True, False, False]
    judge.asked.clear()
    run = recorder.replay(recorder.folder)
    assert run.ret == 0
    assert [source for gate, source in judge.asked if gate == "seed"] == [OTHER, WRONG, RIGHT]


def test_rounds_that_a_run_had_from_an_earlier_one_are_repeated(recorder: Recorder, judge: FakeJudge) -> None:
    recorder.record(says(WRONG), more=["--kernelfalcon-seeds=1", "--kernelfalcon-rounds=1"])
    recorder.record(says(RIGHT))
    assert exchange.read(recorder.round(0)) == []
    judge.asked.clear()
    run = recorder.replay(recorder.folder)
    assert run.ret == 0
    assert [source for gate, source in judge.asked if gate == "seed"] == [WRONG, RIGHT]


def test_a_seed_that_was_taken_up_again_is_repeated_from_there(recorder: Recorder) -> None:
    recorder.record(says(WRONG), says(RIGHT))
    for number in (0, 1):
        place = recorder.round(number)
        for what in ("prompt", "answer"):
            shutil.copyfile(place / f"{what}0.json", place / f"{what}1.json")
    (recorder.round(1) / "answer0.json").unlink()
    assert recorder.replay(recorder.folder).ret == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prompt0.json", "{}"), ("answer0.json", '{"schema": 1'), ("verdict.json", "[]"), ("verdict.json", "{}"),
        ("proposal.json", "{}"), ("candidate.py", "\udcff"), ("../../../../subgraphs.json", '{"contracts": 5}'),
    ],
)  # fmt: skip
def test_a_damaged_recording_is_an_error_of_one_line(name: str, text: str, recorder: Recorder) -> None:
    recorder.record(says(WRONG), says(RIGHT))
    (recorder.round(0) / name).write_bytes(text.encode(errors="surrogateescape"))
    run = recorder.replay(recorder.folder)
    assert run.ret != 0
    assert name.rpartition("/")[2] in run.output
    assert "Traceback" not in run.output


def test_a_recording_names_no_folder_outside_of_it(recorder: Recorder) -> None:
    recorder.record(says(RIGHT))
    (plan,) = recorder.folder.glob("*/subgraphs.json")
    copy = recorder.example.path / "copy" / "problem"
    (copy / "kernels_out").mkdir(parents=True)
    data = json.loads(plan.read_text())
    data["contracts"][0]["id"] = f"../../../{plan.parent.relative_to(recorder.example.path)}/kernels_out/model"
    (copy / "subgraphs.json").write_text(json.dumps(data))
    run = recorder.replay(copy.parent)
    assert run.ret == 1
    assert "there is: none" in run.texts[f"{ITEM}::seed[0]"]


def test_a_call_that_a_budget_had_no_room_for_ends_its_seed(recorder: Recorder) -> None:
    more = ["--kernelfalcon-seeds=1", "--kernelfalcon-budget=9000tokens"]
    recorded = recorder.record(says(WRONG), more=more)
    assert recorded.ret == 1
    assert [one.end for one in exchange.read(recorder.round(1))] == [None]
    run = recorder.replay(recorder.folder)
    assert run.ret == 1
    assert run.problem()["subgraphs"][0]["rounds"] == 1
    events = (recorder.folder / "events.jsonl").read_text()
    assert "seed[0] round 1: the recording ends here: its call had no answer" in events
