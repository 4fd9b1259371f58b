"""`assert_kernel`: what is made of what a test gives, how verdicts end a test, and what wrong usage is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_kernelfalcon import session
from pytest_kernelfalcon.options import Options
from tests.conftest import Example
from tests.plugin.asserting import HEAD, run
from tests.plugin.conftest import FakeJudge

TEST = "def test_it(assert_kernel):\n    assert_kernel({})\n"


def of(text: str, before: str = "") -> str:
    return f"{HEAD}{before}\n\n{TEST.format(text)}"


def failure(example: Example, text: str, before: str = "") -> str:
    """What the only test of such a file says."""
    example.write("test_user.py", of(text, before))
    found = run(example)
    assert [*found.ended.values()] == ["FAILED"], found.output
    return found.texts["test_user.py::test_it"]


USAGE = {
    "_scale, double, inputs": "CannotJudge: the kernel is `_scale` itself, a @triton.jit function. Fix: pass the",
    "lambda x: scale(x), double, inputs": "CannotJudge: the kernel is a lambda, which no module-level name leads to",
    "torch.nn.ReLU(), double, inputs": "CannotJudge: the kernel is a torch.nn.Module. Fix: pass a function",
    "3, double, inputs": "CannotJudge: the kernel is a int. Fix: pass a function, a module or a path",
    "'nowhere.py', double, inputs": "CannotJudge: 'nowhere.py' is no file in ",
    "scale": "CannotJudge: assert_kernel needs a reference and inputs. Fix: give both",
    "scale, scale, inputs": "test_user.py:8: the reference uses Triton, and a kernel would be held against a kernel",
    "scale, 3, inputs": "CannotJudge: `reference` is a int. Fix: pass something that can be called",
    "scale, torch.nn.ReLU, inputs": "CannotJudge: `reference` is the class ReLU. Fix: pass an instance of it",
    "scale, torch.nn.Linear(2, 3), {'x': torch.rand(2)}": "inputs by name go with a function",
    "scale, functools.partial(double, torch.rand(2)), inputs": "which cannot be written into a text",
    "scale, double, torch.rand(3)": "CannotJudge: `inputs` is a Tensor. Fix: give a list or a dict",
    "scale, double, [Path('x')]": "CannotJudge: the input `x` holds a PosixPath. Fix: give tensors",
    "scale, double, [torch.rand(3) * 1j]": "CannotJudge: the input `x` is a tensor of dtype complex64, layout",
    "scale, double, [(v := torch.rand(3)), v.view(torch.int32)]": "shares the memory of an input of another dtype",
    "scale, double, lambda n: [torch.rand(n)]": "has the parameter `n` without a default. Fix: give the size",
    "scale, double, lambda Model=3: [torch.rand(Model)]": "a parameter `Model`, a name that a problem has",
    "scale, double, inputs, gate='quick'": "CannotJudge: gate='quick'. Fix: give one of seed, accept",
    "(lambda y: lambda x: x * y)(3), double, inputs": "CannotJudge: the kernel is a lambda",
    "scale, (lambda y: lambda x: x * y)(inputs), inputs": "is a lambda that uses `y` of the function around it",
    "scale, (lambda torch: lambda x: inputs()[0] * torch)(3), inputs": "is another `torch` than one that test_user.py",
}  # fmt: skip


@pytest.mark.usefixtures("judge")
def test_wrong_usage_names_the_thing_and_the_fix_at_the_tests_line(example: Example) -> None:
    cases = [f"def test_{k}(assert_kernel):\n    assert_kernel({text})\n" for k, text in enumerate(USAGE)]
    example.write("test_user.py", HEAD + "\n\n".join(cases))
    found = run(example)
    assert set(found.ended.values()) == {"FAILED"}, found.output
    for (given, wanted), text in zip(USAGE.items(), found.texts.values(), strict=True):
        assert wanted in text, (given, text)
        assert f">       assert_kernel({given})" in text
        assert "pytest_kernelfalcon/" not in text, "our own lines are nothing to the reader"


PATCHES = {
    "monkeypatch.setitem(globals(), 'scale', double)\n    assert_kernel(scale, double, inputs)": "",
    "monkeypatch.setitem(globals(), '_scale', double)\n    assert_kernel(scale, double, inputs)":
        "defines `_scale`, but in this process it is line",
    "monkeypatch.setitem(globals(), 'BLOCK', 32)\n    assert_kernel(scale, double, inputs)":
        "defines `BLOCK`, but in this process it is 32. The text is what is judged",
    "monkeypatch.setattr(torch, 'relu', double)\n    assert_kernel(scale, torch.relu, inputs)":
        "`torch.relu` in this process is not torch's own: test_user.py has replaced it",
}  # fmt: skip


@pytest.mark.usefixtures("judge")
def test_what_the_process_holds_must_be_what_the_file_says(example: Example) -> None:
    cases = [f"def test_{k}(monkeypatch):\n    {text}\n" for k, text in enumerate(PATCHES)]
    example.write("test_user.py", HEAD + "\n\n".join(cases))
    found = run(example)
    assert [*found.ended.values()] == ["PASSED", *["FAILED"] * 3], found.output
    for wanted, text in zip(PATCHES.values(), found.texts.values(), strict=True):
        assert wanted in text


def test_the_candidate_is_what_the_wrapper_needs_on_its_own_lines(example: Example, judge: FakeJudge) -> None:
    text = of("scale, double, inputs", "CONFIGS = []\nCONFIGS.append(double)\nOTHER = 1\n")
    example.write("test_user.py", text)
    assert run(example).ret == 0
    (candidate,) = (source for gate, source in judge.asked if gate == "accept")
    lines = [(number, line) for number, line in enumerate(candidate.splitlines(), 1) if line.strip()]
    own = text.splitlines()
    assert lines[-1][1] == "kernel_function = scale"
    assert all(line == own[number - 1] for number, line in lines[:-1])
    assert {"import torch, triton", "@triton.jit", "BLOCK = 64", "def scale(x, factor=2.0):"} <= {
        line for _, line in lines
    }
    for absent in ("pytest", "unrelated", "double", "test_it", "OTHER", "CONFIGS"):
        assert absent not in candidate


OTHER_FILE = {
    "import helper": "test_user.py:47: `import helper` imports a file of yours",
    "from helper import twice as again": "Fix: use `twice` under its own name",
    "from helper import *": "`from helper import *` imports a file of yours",
    "from helper import LIMIT": "needs `LIMIT`, of another file of yours, as the module is imported",
    "from other import third": "`scale` is one thing in",
}
USERS = {
    "import helper": "def wrapper(x):\n    return helper.twice(x)",
    "from helper import twice as again": "def wrapper(x):\n    return again(x)",
    "from helper import *": "def wrapper(x):\n    return twice(x)",
    "from helper import LIMIT": "def wrapper(x, limit=LIMIT):\n    return scale(x)",
    "from other import third": "def wrapper(x):\n    return scale(third(x))",
}


@pytest.mark.usefixtures("judge")
@pytest.mark.parametrize("statement", OTHER_FILE)
def test_what_cannot_be_written_into_one_text_is_told(example: Example, statement: str) -> None:
    example.write("helper.py", "LIMIT = 3\n\n\ndef scale(x):\n    return x\n\n\ndef twice(x):\n    return x\n")
    example.write("other.py", "def scale(x):\n    return x\n\n\ndef third(x):\n    return scale(x)\n")
    example.pytester.syspathinsert()
    assert OTHER_FILE[statement] in failure(example, "wrapper, double, inputs", f"{statement}\n{USERS[statement]}\n")


def test_an_honest_helper_of_another_file_is_taken_along(example: Example, judge: FakeJudge) -> None:
    example.write("helper.py", "from __future__ import annotations\n\nfrom other import third\n\n\n"
                  "def twice(x: Unknown):\n    return third(x)\n")  # fmt: skip
    example.write("other.py", "import math\n\n\ndef third(x):\n    return scaled(x)\n\n\nscaled = math.floor\n")
    example.pytester.syspathinsert()
    text = of("wrapper, double, inputs", "from helper import twice\n\n\ndef wrapper(x):\n    return twice(x)\n")
    example.write("test_user.py", text)
    assert run(example).ret == 0
    (candidate,) = (source for gate, source in judge.asked if gate == "accept")
    names: dict[str, object] = {}
    exec(compile(candidate, "candidate", "exec", dont_inherit=True), names)
    assert names["kernel_function"](2.5) == 2  # type: ignore[operator]


ENDS = '''# {says}
def wrapper(x):
    """accept={outcome} case"""


def test_it():
    assert assert_kernel(wrapper, double, inputs).outcome == "{outcome}"
'''


@pytest.mark.usefixtures("judge")
@pytest.mark.parametrize(
    ("outcome", "word", "text"),
    [
        ("accepted", "PASSED", ""),
        ("specialised", "PASSED", ""),
        ("refused", "FAILED", "`wrapper` is refused: inaccurate\ntest_user.py:1: output 0 is too far off"),
        ("undecided", "SKIPPED", "`wrapper` is undecided: cannot be run on this platform: waits. Fix: judge it on a"),
        ("error", "FAILED", "the judge failed, which says nothing about the kernel: the executor died"),
        ("breaks", "FAILED", "cannot be judged:\nbad.py: broken: takes too much memory in forward"),
    ],
)
def test_each_verdict_ends_a_test_in_its_way(example: Example, outcome: str, word: str, text: str) -> None:
    example.write("test_user.py", HEAD + ENDS.format(outcome=outcome, says=outcome))
    found = run(example)
    assert found.ended == {"test_user.py::test_it": word}, found.output
    assert text in found.texts["test_user.py::test_it"]
    assert "Traceback" not in found.output


def test_a_refusal_is_an_assertion_error_with_its_verdict(example: Example, judge: FakeJudge) -> None:
    example.write(
        "test_user.py",
        HEAD
        + '''from pytest_kernelfalcon import KernelRefused


def wrapper(x):
    """accept=refused"""


def test_it():
    with pytest.raises(AssertionError) as info:
        assert_kernel(wrapper, double, inputs)
    assert isinstance(info.value, KernelRefused)
    assert info.value.verdict.cause == "inaccurate"
''',
    )
    assert run(example).ret == 0
    assert judge.closed is True


def test_options_count_and_one_judge_serves_a_process(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[Options, Path | None, FakeJudge]] = []

    def open_judge(options: Options, cache: Path | None, *_: object) -> FakeJudge:
        opened.append((options, cache, FakeJudge()))
        return opened[-1][2]

    monkeypatch.setattr(session, "open_judge", open_judge)
    monkeypatch.setenv("KERNELFALCON_SANDBOX", "require")
    example.pytester.makeini("[pytest]\nkernelfalcon_platform = cpu\n")
    twice = of("scale, double, inputs") + "\n\ndef test_again():\n    assert_kernel(scale, double, inputs)\n"
    example.write("test_user.py", twice)
    assert run(example).ret == 0
    ((options, cache, judge),) = opened
    assert (options.platform, options.sandbox, cache) == ("cpu", "require", example.path / ".fuse" / "cache")
    assert [what for what, _ in judge.asked] == ["inspect", "accept", "accept"], "one problem is inspected once"
    assert judge.closed


def test_a_run_of_problems_lends_its_judge(example: Example, judge: FakeJudge) -> None:
    example.write("test_user.py", of("scale, double, inputs"))
    example.problem("add.py")
    found = example.run("test_user.py", "--kernelfalcon-author=cookbook")
    assert found.ended == {"test_user.py::test_it": "PASSED"}
    assert [what for what, _ in judge.asked if what != "start"] == ["inspect", "accept"]


@pytest.mark.usefixtures("judge")
def test_the_marker_says_what_is_wrong_with_it(example: Example) -> None:
    marks = {
        'problem="none.py"': "'none.py' is no file in ",
        "problem=3": "the marker kernelfalcon takes problem=PATH and gate=NAME, and is given 3",
        '"add.py", speed=3': "is given 'add.py', 3. Fix: write @pytest.mark.kernelfalcon(problem=",
        'problem="add.py", gate="x"': "gate='x'. Fix: give one of seed, accept",
        'problem="bad.py"': "bad.py: defines no class `Model`",
    }
    example.problem("add.py")
    example.problem("bad.py", "def get_inputs(): return []\n")
    cases = [f"@pytest.mark.kernelfalcon({mark})\n{TEST.format('scale')}".replace("test_it", f"test_{k}")
             for k, mark in enumerate(marks)]  # fmt: skip
    example.write("test_user.py", HEAD + "\n\n".join(cases))
    found = run(example)
    assert set(found.ended.values()) == {"ERROR"}
    for wanted, text in zip(marks.values(), found.texts.values(), strict=True):
        assert wanted in text, text


def test_outside_of_pytest_it_says_where_it_works(example: Example) -> None:
    from pytest_kernelfalcon import assert_kernel, running

    configs, running.configs[:] = running.configs[:], []
    try:
        with pytest.raises(RuntimeError, match="needs a pytest run with the plugin kernelfalcon"):
            assert_kernel(os.getcwd, os.getcwd, [])
    finally:
        running.configs[:] = configs


WORKERS = """
from pathlib import Path

from pytest_kernelfalcon import session
from tests.plugin.conftest import FakeJudge


class Told(FakeJudge):
    def close(self):
        Path(f"closed-{id(self)}-{session.os.getpid()}").touch()


session.open_judge = lambda options, cache, offer: Told()
"""


def test_each_worker_of_xdist_opens_and_closes_a_judge_of_its_own(example: Example) -> None:
    example.write("conftest.py", WORKERS)
    for name, outcome in (("one", "accepted"), ("two", "refused")):
        example.write(
            f"test_{name}.py",
            f"def wrapper(x):\n    'accept={outcome}'\n\n\ndef double(x):\n    return x + x\n\n\n"
            "def test_it(assert_kernel):\n    assert_kernel(wrapper, double, lambda n=3: [double(n)])\n",
        )
    process = example.spawn("-n2", "--dist=loadfile", "-rA")
    output, _ = process.communicate(timeout=300)
    assert "1 failed, 1 passed" in output, output
    assert "FAILED test_two.py::test_it - KernelRefused: test_two.py:10: " in output
    assert len([*example.path.glob("closed-*")]) == 2
