"""`python -m pytest_kernelfalcon runs`: what past runs have left, whatever became of them."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pytest

from pytest_kernelfalcon.__main__ import main
from pytest_kernelfalcon.runs import replaying
from tests.conftest import PROBLEM, Example
from tests.plugin.conftest import BAD, GOOD, WRONG_AT_ACCEPT, FakeJudge, candidate
from tests.plugin.test_stopping import spawn, wait_for


@pytest.fixture(autouse=True)
def one_seed(example: Example, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch) -> None:
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 1\n")
    example.problem()
    monkeypatch.setattr(replaying, "Judge", lambda *_: judge)


Said = pytest.CaptureFixture[str]


def runs(said: Said, *arguments: str) -> tuple[int, str]:
    """The exit code and what was printed."""
    said.readouterr()
    try:
        code = main(["runs", *arguments])
    except SystemExit as left:
        code = int(str(left.code))
    out, err = said.readouterr()
    return code, out + err


def a_run(example: Example, *rounds: str, name: str = "add.py") -> Path:
    """Runs once; the run's directory."""
    before = set(example.path.glob(".fuse/2*"))
    example.script(*rounds)
    example.run(name, "--kernelfalcon-fresh")
    (new,) = set(example.path.glob(".fuse/2*")) - before
    return new


def named(example: Example, number: int, day: str = "20200101") -> Path:
    """A run with a name that sorts as is wanted, made of a real one."""
    new = a_run(example, GOOD)
    return new.rename(new.with_name(f"{day}-00000{number}-aaaaaa"))


class TestList:
    def test_the_last_run_is_last_and_each_has_its_facts(self, example: Example, capsys: Said) -> None:
        older = named(example, 1)
        newer = a_run(example, BAD)
        code, text = runs(capsys, "list")
        assert code == 0
        _, first, second = text.splitlines()
        assert re.fullmatch(rf"{older.name} +2020-01-01 00:00:01 +finished +1 +1 accepted +[\d.]+ s +[\d.]+ MB", first)
        assert re.match(rf"{newer.name} .* finished +1 +1 no_kernel ", second)

    def test_json(self, example: Example, capsys: Said) -> None:
        path = a_run(example, GOOD)
        (found,) = json.loads(runs(capsys, "list", "--json")[1])
        assert (found["run"], found["path"], found["state"]) == (path.name, str(path), "finished")
        assert (found["problems"], found["outcomes"], found["damage"]) == (1, {"accepted": 1}, [])
        assert found["bytes"] == sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())

    def test_none(self, example: Example, capsys: Said) -> None:
        (example.path / ".fuse").mkdir()
        assert runs(capsys, "list") == (0, f"no runs in {example.path / '.fuse'}\n")

    def test_from_a_folder_below(self, example: Example, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
        path = a_run(example, GOOD)
        (example.path / "below").mkdir()
        monkeypatch.chdir(example.path / "below")
        assert path.name in runs(capsys, "list")[1]

    def test_no_folder_of_runs_is_wrong_usage(self, example: Example, capsys: Said) -> None:
        code, text = runs(capsys, "list", f"--fuse={example.path / 'nowhere'}")
        assert code == 2
        assert "is no folder. Fix: name the folder of runs" in text


class TestDamaged:
    """A run that was killed at any moment, or spoiled afterwards, is told as such."""

    @pytest.mark.parametrize("spoil", ["torn", "garbage", "none", "binary", "facts", "link", "folder"])
    def test_the_record(self, example: Example, capsys: Said, spoil: str) -> None:
        path = a_run(example, BAD, GOOD) / "events.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        match spoil:
            case "torn":
                path.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])
            case "garbage":
                path.write_bytes(lines[0] + b"{no event\n" + b"".join(lines[1:]))
            case "none":
                path.unlink()
            case "binary":
                path.write_bytes(b"\xff\x00" * 200)
            case "facts":
                path.write_text(
                    '{"event": "problem", "time": 1}\n{"event": "round", "time": 1, "problem": "add.py"}\n[]\n'
                    '{"event": "accept", "time": 1, "problem": "add.py", "verdict": 3}\n'
                )
            case "link":
                path.rename(example.path / "elsewhere")
                path.symlink_to(example.path / "elsewhere")
            case "folder":
                path.unlink()
                path.mkdir()
        for command in (["list"], ["show", "last"], ["replay", "last"]):
            code, text = runs(capsys, *command)
            assert code == 0 or command[0] == "replay"
            assert "damaged: " in text or command[0] == "replay"

    def test_without_a_summary_and_an_end(self, example: Example, capsys: Said) -> None:
        path = a_run(example, GOOD)
        (path / "summary.json").unlink()
        lines = (path / "events.jsonl").read_text().splitlines(keepends=True)
        (path / "events.jsonl").write_text("".join(line for line in lines if '"finish"' not in line))
        assert re.search(r" unfinished +1 +1 accepted ", runs(capsys, "list")[1])

    @pytest.mark.parametrize("count", [0, 1, 2, 4])
    def test_after_any_event(self, example: Example, capsys: Said, count: int) -> None:
        path = a_run(example, BAD, GOOD) / "events.jsonl"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:count]))
        for command in (["list"], ["show", "last"]):
            assert runs(capsys, *command)[0] == 0


class TestShow:
    def test_the_table_the_seeds_and_the_rounds(self, example: Example, capsys: Said) -> None:
        path = a_run(example, BAD, GOOD)
        code, text = runs(capsys, "show", "last")
        assert code == 0
        assert re.search(rf"^run {path.name}: finished with exit code 0, [\d.]+ s, {path}$", text, re.MULTILINE)
        assert re.search(r"^add\.py +accepted +- +2 +[\d.]+ s$", text, re.MULTILINE)
        assert re.search(r"^  model seed\[0\] won by scripted/", text, re.MULTILINE)
        rounds = re.findall(r"^    round (\d): (.*)  (/.*)$", text, re.MULTILINE)
        assert [(number, said) for number, said, _ in rounds] == [
            ("0", "refused (inaccurate): output 0 is too far off"), ("1", "accepted"),
        ]  # fmt: skip
        assert [Path(place).read_text() for _, _, place in rounds] == [BAD, GOOD]
        (accepted,) = re.findall(r"^  model accept: accepted  (/.*)$", text, re.MULTILINE)
        assert Path(accepted).read_text() == GOOD

    def test_one_problem(self, example: Example, capsys: Said) -> None:
        example.problem("other.py", PROBLEM + "# inspect=broken\n")
        example.script(GOOD)
        example.run("add.py", "other.py")
        text = runs(capsys, "show", "last", "other.py")[1]
        assert "other.py: broken (problem_forward): " in text
        assert "add.py" not in text

    @pytest.mark.parametrize(("run", "fix"), [("1999", "there is no such run"), ("", "there is no such run")])
    def test_no_such_run(self, example: Example, capsys: Said, run: str, fix: str) -> None:
        a_run(example, GOOD)
        code, text = runs(capsys, "show", run)
        assert code == 2
        assert fix in text

    def test_a_name_may_be_short_and_must_be_clear(self, example: Example, capsys: Said) -> None:
        first, second = named(example, 1), named(example, 2)
        assert first.name in runs(capsys, "show", "20200101-000001")[1]
        code, text = runs(capsys, "show", "2020")
        assert code == 2
        assert f"2 runs begin so: {first.name}, {second.name}" in text

    def test_no_such_problem(self, example: Example, capsys: Said) -> None:
        a_run(example, GOOD)
        code, text = runs(capsys, "show", "last", "nowhere.py")
        assert code == 2
        assert "'nowhere.py' is no problem of " in text


class TestReplay:
    def test_what_is_decided_alike(self, example: Example, capsys: Said, judge: FakeJudge) -> None:
        a_run(example, BAD, GOOD)
        (example.path / "add.py").unlink()
        (example.path / "script" / "round0.py").unlink()
        judge.asked.clear()
        code, text = runs(capsys, "replay", "last")
        assert code == 0
        assert re.findall(r"^same +add\.py (.*)$", text, re.MULTILINE) == [
            "seed0/round0: refused (inaccurate)", "seed0/round1: accepted", "accept: accepted",
        ]  # fmt: skip
        assert judge.asked == [("inspect", "add.py"), ("seed", BAD), ("seed", GOOD), ("accept", GOOD)]
        assert "3 judged again on cpu, 0 decided otherwise" in text

    def test_what_is_decided_otherwise(self, example: Example, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
        a_run(example, BAD, GOOD)

        def says(text: str, word: str, otherwise: str = "accepted") -> str:
            return otherwise if word == "kernels" else {"accept": "refused"}.get(word, "accepted")

        monkeypatch.setattr("tests.plugin.conftest._says", says)
        code, text = runs(capsys, "replay", "last")
        assert code == 1
        assert "DIFFERS  add.py seed0/round0: was refused (inaccurate), is accepted" in text
        assert "same     add.py seed0/round1: accepted" in text
        assert "DIFFERS  add.py accept: was accepted, is refused (inaccurate)" in text

    @pytest.mark.parametrize("what", ["seed0/round0", "add.py seed0/round0"])
    def test_one_round(self, example: Example, capsys: Said, judge: FakeJudge, what: str) -> None:
        a_run(example, BAD, GOOD)
        judge.asked.clear()
        assert runs(capsys, "replay", "last", what)[0] == 0
        assert judge.asked == [("inspect", "add.py"), ("seed", BAD)]

    def test_one_problem(self, example: Example, capsys: Said, judge: FakeJudge) -> None:
        example.problem("other.py", PROBLEM + "# other\n")
        example.script(GOOD)
        example.run("add.py", "other.py")
        judge.asked.clear()
        assert runs(capsys, "replay", "last", "other.py")[0] == 0
        assert ("inspect", "other.py") in judge.asked
        assert ("inspect", "add.py") not in judge.asked

    def test_nothing_of_that_name(self, example: Example, capsys: Said) -> None:
        a_run(example, GOOD)
        code, text = runs(capsys, "replay", "last", "seed9/round9")
        assert code == 2
        assert "'seed9/round9': " in text

    def test_a_kept_kernel_that_was_refused(self, example: Example, capsys: Said) -> None:
        """Its text is gone from the tree, and is in the run's directory."""
        from tests.plugin.test_differences import keep

        keep(example, "add", candidate("accepted", "refused"))
        example.run("add.py")
        (example.path / "__kernels__" / "add.py").unlink()
        code, text = runs(capsys, "replay", "last")
        assert (code, "same     add.py accept: refused (inaccurate)" in text) == (0, True)

    def test_a_winner_that_did_not_stand(self, example: Example, capsys: Said) -> None:
        a_run(example, WRONG_AT_ACCEPT)
        code, text = runs(capsys, "replay", "last")
        assert code == 0
        assert "same     add.py seed0/round0: accepted" in text
        assert "same     add.py accept: refused (inaccurate)" in text

    def test_a_broken_problem(self, example: Example, capsys: Said) -> None:
        example.problem(text=PROBLEM + "# inspect=broken\n")
        a_run(example, GOOD)
        assert "same     add.py problem: broken (problem_forward)" in runs(capsys, "replay", "last")[1]

    @pytest.mark.parametrize("gone", ["orchestrator/code.py.tgz", "*/kernels_out/model/seed0/round0/candidate.py"])
    def test_what_is_no_longer_there_is_told(self, example: Example, capsys: Said, gone: str) -> None:
        (path,) = a_run(example, GOOD).glob(gone)
        path.write_bytes(path.read_bytes()[:9]) if path.suffix == ".tgz" else path.unlink()
        code, text = runs(capsys, "replay", "last")
        assert code == 1
        assert "LOST     add.py seed0/round0: accepted; " in text

    def test_a_judge_that_fails(self, example: Example, capsys: Said, judge: FakeJudge) -> None:
        path = a_run(example, GOOD)
        (file,) = path.glob("*/kernels_out/model/seed0/round0/candidate.py")
        file.write_text(candidate("error"))
        code, text = runs(capsys, "replay", "last")
        assert code == 3
        assert "the judge failed, which says nothing about a kernel" in text
        assert judge.closed


class TestClean:
    def names(self, example: Example) -> list[str]:
        return sorted(path.name for path in example.path.glob(".fuse/2*"))

    def test_the_last_ones_are_kept(self, example: Example, capsys: Said) -> None:
        paths = [named(example, number) for number in range(4)]
        code, text = runs(capsys, "clean", "--keep", "1")
        assert code == 0
        assert self.names(example) == [paths[-1].name]
        assert [f"removed {path} (" in text for path in paths] == [True, True, True, False]
        assert re.search(r"^3 removed, [\d.]+ MB$", text, re.MULTILINE)

    def test_ten_are_kept_where_nothing_is_said(self, example: Example, capsys: Said) -> None:
        template = named(example, 1)
        for number in range(10, 21):
            (template.parent / f"20200101-0000{number}-aaaaaa").mkdir()
        runs(capsys, "clean")
        assert self.names(example) == [f"20200101-0000{number}-aaaaaa" for number in range(11, 21)]

    def test_old_ones_go_unless_they_are_among_the_last(self, example: Example, capsys: Said) -> None:
        old, newer = named(example, 1), named(example, 2)
        new = a_run(example, GOOD)
        runs(capsys, "clean", "--older", "30d", "--keep", "2")
        assert self.names(example) == [newer.name, new.name]
        runs(capsys, "clean", "--older", "30d")
        assert self.names(example) == [new.name]
        assert not old.exists()

    def test_a_dry_run_removes_nothing(self, example: Example, capsys: Said) -> None:
        path = named(example, 1)
        code, text = runs(capsys, "clean", "--keep", "0", "--state", "--cache", "--dry-run")
        assert code == 0
        assert f"would remove {path} (" in text
        assert path.is_dir()
        assert (example.path / ".fuse" / "state").is_dir()

    def test_state_and_cache_go_when_they_are_named(self, example: Example, capsys: Said) -> None:
        path = a_run(example, GOOD)
        example.write(".fuse/cache/compiled/x.json", "[]")
        example.write(".fuse/verify/x/repro.py", "")
        runs(capsys, "clean", "--state")
        assert not (example.path / ".fuse" / "state").exists()
        runs(capsys, "clean", "--cache")
        assert sorted(one.name for one in path.parent.iterdir()) == [".gitignore", path.name, "cleaning", "verify"]
        assert runs(capsys, "clean", "--cache", "--state")[0] == 0, "there is nothing"
        assert example.run("add.py").ret == 0, "a later run makes them again"

    def test_links_are_not_followed(self, example: Example, capsys: Said) -> None:
        """Neither as runs, nor as what runs share, nor inside."""
        outside = example.write("outside/precious", "").parent
        path = named(example, 1)
        (path / "link").symlink_to(outside)
        root = path.parent
        (root / "20190101-000000-bbbbbb").symlink_to(outside)
        (root / "cache").symlink_to(outside)
        code, text = runs(capsys, "clean", "--keep", "0", "--cache")
        assert code == 1
        assert f"kept: {root / 'cache'} is a link, which is not followed" in text
        assert (outside / "precious").exists()
        assert not path.exists()
        assert (root / "20190101-000000-bbbbbb").is_symlink()

    def test_nothing_but_a_folder_of_runs_is_cleaned(self, example: Example, capsys: Said) -> None:
        example.write("mine/state/x", "")
        example.write("mine/20200101-000000-aaaaaa/x", "")
        (example.path / "linked").mkdir()
        (example.path / "linked" / ".fuse").symlink_to(example.path / "mine")
        for folder in ("mine", "linked/.fuse"):
            code, text = runs(capsys, "clean", "--keep", "0", "--state", f"--fuse={folder}")
            assert code == 2
            assert "nothing else is cleaned" in text
        assert len(list((example.path / "mine").rglob("x"))) == 2

    @pytest.mark.parametrize("other", ["notes", "20200101", "20200101-000000-aaaaaa.bak", "20200101-000000-AAAAAA"])
    def test_other_folders_stay(self, example: Example, capsys: Said, other: str) -> None:
        a_run(example, GOOD)
        example.write(f".fuse/{other}/x", "")
        runs(capsys, "clean", "--keep", "0")
        assert (example.path / ".fuse" / other / "x").exists()

    @pytest.mark.parametrize("bad", ["--keep=-1", "--keep=x", "--older=30", "--older=1y", "--older=d"])
    def test_bad_values_are_wrong_usage(self, example: Example, capsys: Said, bad: str) -> None:
        path = a_run(example, GOOD)
        assert runs(capsys, "clean", bad)[0] == 2
        assert path.exists()

    @pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "workers"])
    def test_a_run_in_progress_stays_until_it_is_killed(
        self, example: Example, capsys: Said, workers: tuple[str, ...]
    ) -> None:
        example.script(candidate("hang"))
        example.write(".fuse/state/key/winner.json", "{}")
        process = spawn(example, "add.py", "--kernelfalcon-seeds=1", *workers)
        wait_for(example, ".fuse/*/add-*/kernels_out/model/seed0/started", process)
        (name,) = self.names(example)
        assert re.search(rf"^{name} .* in progress +1 +1 not decided ", runs(capsys, "list")[1], re.MULTILINE)
        code, text = runs(capsys, "clean", "--keep", "0", "--state")
        assert code == 1
        assert f"kept: {name} is in progress" in text
        assert "kept: state: a run in progress uses it" in text
        assert self.names(example) == [name]
        process.send_signal(signal.SIGKILL)
        process.communicate()
        while "in progress" in runs(capsys, "list")[1]:  # a worker lives a moment longer than its controller
            time.sleep(0.05)
        assert re.search(rf"^{name} .* unfinished +1 +1 not decided ", runs(capsys, "list")[1], re.MULTILINE)
        assert runs(capsys, "clean", "--keep", "0")[0] == 0
        assert self.names(example) == []
