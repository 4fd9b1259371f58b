"""The author `dir/<path>`: which files it proposes to whom, and what it says of those that it cannot."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_kernelfalcon.contracts.control import Cancelled, Control
from pytest_kernelfalcon.generator.author import Author, Exhausted, Proposal, Round, Setting
from pytest_kernelfalcon.generator.directory import MAX_BYTES
from pytest_kernelfalcon.generator.registry import UnknownAuthor, resolve
from pytest_kernelfalcon.judge.verdict import Verdict

PROBLEM = "problems/level1/3_x.py"
CONTROL = Control()


def write(place: Path, *names: str) -> None:
    """Each file says its own name."""
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(f"# {name}\n")


def author(place: Path, seeds: int = 1, start: str = ".") -> Author:
    """`dir/out` in a run whose root directory is `place`."""
    (place / "out").mkdir(exist_ok=True)
    (place / start).mkdir(exist_ok=True, parents=True)
    return resolve(f"dir/{place / 'out'}" if start != "." else "dir/out", Setting(place / start, place, seeds))


def ask(author: Author, seed: int = 0, module: str = PROBLEM) -> tuple[list[str], Exhausted]:
    """All that it proposes to a seed, and how it ends."""
    history: list[Round] = []
    while len(history) < 50:
        answer = author.propose(SimpleNamespace(source={"module": module}), history, seed, CONTROL)
        if isinstance(answer, Exhausted):
            return [one.proposal.source.strip("# \n") for one in history], answer
        history.append(Round(answer, Verdict("refused", "run")))
    raise AssertionError("it never ends")


def test_the_problems_path_is_mirrored_and_one_file_goes_before_a_folder(tmp_path):
    write(tmp_path, f"out/{PROBLEM}", "out/problems/level1/3_x/a.py", "out/problems/level1/4_y/a.py", "out/3_x.py")
    found, end = ask(author(tmp_path))
    assert found == [f"out/{PROBLEM}"]
    assert end == Exhausted("dir/out: this seed has had its share of 1 file")
    assert ask(author(tmp_path), module="problems/level1/4_y.py")[0] == ["out/problems/level1/4_y/a.py"]


def test_a_folder_of_candidates_is_tried_in_natural_order(tmp_path):
    names = ["k1.py", "k2.py", "k10.py", "k10b.py", "plain.py"]
    write(tmp_path / "out/problems/level1/3_x", *reversed(names), "notes.txt", "deeper/k3.py")
    assert ask(author(tmp_path))[0] == names


@pytest.mark.parametrize("seeds", [1, 2, 3, 5, 8])
def test_seeds_share_the_files_and_no_file_is_tried_twice(tmp_path, seeds):
    names = [f"k{number}.py" for number in range(5)]
    write(tmp_path / "out/problems/level1/3_x", *names)
    ends = [ask(author(tmp_path, seeds), seed) for seed in range(seeds)]
    assert [found for found, _ in ends] == [names[seed::seeds] for seed in range(seeds)]
    for found, end in ends:
        assert found or end.reason == "dir/out: there are 5 files, for other seeds"


def test_rounds_of_other_authors_do_not_count(tmp_path):
    write(tmp_path, "out/problems/level1/3_x/a.py", "out/problems/level1/3_x/b.py", "more/problems/level1/3_x/a.py")
    one, other = author(tmp_path), resolve("dir/more", Setting(tmp_path, tmp_path, 1))
    contract = SimpleNamespace(source={"module": PROBLEM})
    history = [Round(Proposal("foreign", "configuration 0"), Verdict("refused", "run"))] * 3
    first = one.propose(contract, history, 0, CONTROL)
    assert first == Proposal("# out/problems/level1/3_x/a.py\n", "dir/out/problems/level1/3_x/a.py")
    history.append(Round(first, Verdict("refused", "run")))
    assert one.propose(contract, history, 0, CONTROL).note == "dir/out/problems/level1/3_x/b.py"
    assert other.propose(contract, history, 0, CONTROL).note == "dir/more/problems/level1/3_x/a.py"


def test_leading_folders_may_be_left_out_and_the_longest_path_goes_first(tmp_path):
    write(tmp_path, "out/level1/3_x/a.py", "out/3_x.py", "out/4_y.py")
    assert ask(author(tmp_path))[0] == ["out/level1/3_x/a.py"]
    assert ask(author(tmp_path), module="problems/level1/4_y.py")[0] == ["out/4_y.py"]


def test_a_problem_is_found_from_below_the_root_and_from_outside_it(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "elsewhere" / "3_x.py"
    write(root, "out/problems/3_x.py")
    assert ask(author(root, start="problems"), module="3_x.py")[0] == ["out/problems/3_x.py"]
    mirrored = Path("out") / outside.relative_to(outside.anchor)
    write(root, str(mirrored))
    assert ask(author(root), module=str(outside))[0] == [str(mirrored)]


def test_without_a_kernel_both_places_are_named(tmp_path):
    (tmp_path / "out/problems/level1/3_x").mkdir(parents=True)
    found, end = ask(author(tmp_path))
    place = tmp_path / "out/problems/level1/3_x"
    assert found == []
    assert f"no kernel for {PROBLEM}: neither {place}.py nor {place}/*.py is there" in end.reason
    assert end.unread == ()


def test_files_that_cannot_be_candidates_are_told_of_and_the_next_one_is_tried(tmp_path):
    folder = tmp_path / "out/problems/level1/3_x"
    write(folder, "good.py")
    write(tmp_path, "secret.py")
    (folder / "a_link.py").symlink_to(tmp_path / "secret.py")
    (folder / "b_gone.py").symlink_to(folder / "nowhere.py")
    (folder / "c_large.py").write_bytes(b"#" * (MAX_BYTES + 1))
    (folder / "d_latin.py").write_bytes(b"# \xe9\n")
    (folder / "e_folder.py").mkdir()
    (folder / "f_circle.py").symlink_to(folder / "f_circle.py")
    found, end = ask(author(tmp_path))
    assert found == ["good.py"]
    expected = [
        ("a_link.py", f"links to {tmp_path / 'secret.py'}, outside {tmp_path / 'out'}"),
        ("b_gone.py", "cannot be read"),
        ("c_large.py", f"is larger than {MAX_BYTES} bytes"),
        ("d_latin.py", "is not UTF-8: invalid continuation byte at byte 2"),
        ("e_folder.py", "is no file"),
        ("f_circle.py", "cannot be read"),
    ]
    for entry, (name, why) in zip(end.unread, expected, strict=True):
        assert entry.startswith(f"{folder / name} ({why}")
    assert all(entry in end.reason for entry in end.unread)
    first = author(tmp_path).propose(SimpleNamespace(source={"module": PROBLEM}), [], 0, CONTROL)
    assert all(entry in first.note for entry in end.unread), "the record of the run names them where a kernel wins"


def test_the_largest_file_and_one_that_is_linked_within_the_folder_are_read(tmp_path):
    folder = tmp_path / "out/problems/level1/3_x"
    write(tmp_path / "out", "store/linked.py")
    folder.mkdir(parents=True)
    (folder / "a.py").symlink_to(tmp_path / "out/store/linked.py")
    (folder / "b.py").write_bytes(b"#" * MAX_BYTES)
    (folder / "c.py").write_bytes(b"\xef\xbb\xbfx = 1\r\ny = 2\r\n")
    assert ask(author(tmp_path))[0] == ["store/linked.py", "", "x = 1\ny = 2"]


@pytest.mark.parametrize("name", ["dir", "dir/", "dir/nowhere", "dir/file.py"])
def test_without_a_folder_there_is_no_author(tmp_path, name):
    write(tmp_path, "file.py")
    with pytest.raises(UnknownAuthor) as caught:
        resolve(name, Setting(tmp_path, tmp_path, 1))
    assert str(tmp_path) in str(caught.value)
    assert "is no folder. Fix: name a folder of kernels." in str(caught.value)


def test_it_stops_when_told_to(tmp_path):
    with pytest.raises(Cancelled):
        author(tmp_path).propose(None, [], 0, Control(cancelled=lambda: "won elsewhere"))
