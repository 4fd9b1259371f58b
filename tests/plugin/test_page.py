"""`--kernelfalcon-html`: one page that tells the whole run, needs nothing else, and runs nobody's script."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pytest_kernelfalcon import page
from pytest_kernelfalcon.store.rundir import RunDir
from tests.conftest import PROBLEM, Example, Run
from tests.plugin.conftest import BAD, GOOD, WRONG_AT_ACCEPT, FakeJudge, candidate

ATTACK = """</pre></script></style></details>'"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}"""
"""What a candidate or a problem may say of itself in a comment."""


class Seen(HTMLParser):
    """A page as a browser has it: its elements with their attributes, its text, and its words in one line."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = self.words = ""
        self.own: dict[str, str] = {}
        self._inside = ""
        self.feed(text)
        self.close()
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.words += " "
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style"):
            self.own[self._inside] = self.own.get(self._inside, "") + data
        else:
            self.text += data
            self.words += data

    def tags(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture(autouse=True)
def fake(judge: FakeJudge) -> None: ...


def made(example: Example, *arguments: str) -> tuple[Run, Seen]:
    """A run of all problems, and its page."""
    run = example.run(".", "--kernelfalcon-seeds=2", "--kernelfalcon-html=deep/report.html", *arguments)
    return run, Seen((example.path / "deep" / "report.html").read_text())


def test_the_page_has_every_problem_kernel_verdict_and_round(example: Example) -> None:
    example.problem()
    example.script(WRONG_AT_ACCEPT, seed=0)
    example.script(BAD, candidate("refused", name="second"), GOOD, seed=1)
    run, seen = made(example)
    assert run.problem()["outcome"] == "accepted"
    flat = seen.words
    assert f"run {run.report['run_id']}" in flat
    assert "platform cpu · fake" in flat
    assert f"add.py accepted 1 scripted/{example.path / 'script'} seed[1] round 2 4 8 1.25" in flat
    assert "class Model(torch.nn.Module):" in seen.text, "the problem"
    assert seen.text.count("# seed=accepted accept=accepted") == 2, "the kernel: as such and in its round"
    assert "# seed=refused accept=accepted second" in seen.text
    assert "seed[0] round 0 at the gate accept refused" in flat
    assert "seed[1] round 1 refused" in flat
    assert "inaccurate: output 0 is too far off" in flat
    assert "worst element: output 0 at [1]: got 1, want 2, 1.25 times eager's error" in flat
    marked = [attributes for attributes in seen.tags("span") if attributes.get("class") == "hll"]
    assert len(marked) == 3, "the line that a refusal names"


def test_the_page_says_why_there_is_no_kernel(example: Example) -> None:
    example.problem("broken.py", "class Model(:\n")
    example.problem("bad.py")
    example.script(BAD)
    run, seen = made(example, "--kernelfalcon-rounds=1")
    flat = seen.words
    assert "broken.py:1: broken (problem_syntax): syntax error" in flat
    assert "bad.py: no_kernel (unsolved): no seed found a kernel" in flat
    assert run.report["totals"]["no_kernel"] == 1


def test_a_refused_kept_kernel_is_shown(example: Example, judge: FakeJudge) -> None:
    example.problem()
    example.script(candidate("accepted", "accepted", "kept"))
    example.run("add.py", "--kernelfalcon-update")
    judge.judge = lambda *_: FakeJudge().judge(_[0], BAD, "seed", _[3])  # type: ignore[method-assign]
    _, seen = made(example, "--kernelfalcon-frozen")
    assert "not accepted" in seen.text
    assert "# seed=accepted accept=accepted kept" in seen.text


def test_the_page_is_made_of_the_run_directory_alone(example: Example) -> None:
    example.problem()
    example.script(BAD, GOOD)
    run, _ = made(example)
    root = (example.path / ".fuse").rename(example.path / "elsewhere")
    (example.path / "add.py").unlink()
    text = page.render(RunDir(root, run.report["run_id"]))
    assert text == (example.path / "deep" / "report.html").read_text()


def test_nothing_that_others_wrote_is_more_than_text(example: Example) -> None:
    example.problem("add.py", f"# {ATTACK}\n" + PROBLEM)
    example.problem("bro'<b>ken.py", f"class Model(:  # {ATTACK}\n")
    example.script(f"# {ATTACK}\n" + BAD, f"# {ATTACK}\n" + GOOD)
    run, seen = made(example)
    assert run.report["totals"]["accepted"] == 1
    assert seen.text.count(ATTACK) == 4, "the problem, the kernel, two rounds"
    assert [len(seen.tags(name)) for name in ("script", "style", "img", "b")] == [1, 1, 0, len(seen.tags("h3")) - 2]
    assert not [
        name for _, attributes in seen.elements for name in attributes if name.startswith("on") or name == "style"
    ]


def test_the_page_needs_nothing_and_allows_nothing_but_its_own(example: Example) -> None:
    example.problem()
    example.script(GOOD)
    _, seen = made(example)
    addresses = [
        value for _, attributes in seen.elements for name, value in attributes.items() if name in ("href", "src")
    ]
    assert addresses
    assert all(str(address).startswith("#") for address in addresses)
    (policy,) = [one["content"] for one in seen.tags("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    allowed = {
        name: f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for name, text in seen.own.items()
    }
    assert policy == (
        f"default-src 'none'; style-src {allowed['style']}; script-src {allowed['script']}; base-uri 'none'"
    )
    assert not re.search(r"url\(|@import|https?:", seen.own["style"])


def test_links_lead_to_places_on_the_page(example: Example) -> None:
    for name in ("one", "two"):
        example.problem(f"{name}.py")
    example.script(BAD, GOOD)
    _, seen = made(example)
    places = [attributes["id"] for _, attributes in seen.elements if "id" in attributes]
    links = [str(attributes["href"])[1:] for attributes in seen.tags("a")]
    assert len(links) == 2 + 2 * 2
    assert set(links) == set(places)
    assert len(places) == len(set(places))


def test_a_run_without_problems_has_a_page(example: Example) -> None:
    (example.path / "empty").mkdir()
    example.run("empty", "--kernelfalcon-html=report.html")
    assert "0 problems" in Seen((example.path / "report.html").read_text()).words


def test_a_folder_is_no_place_for_the_page(example: Example) -> None:
    run = example.run(".", f"--kernelfalcon-html={Path('script')}")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    assert "--kernelfalcon-html: " in run.output
