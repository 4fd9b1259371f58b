"""What a model may answer, and the candidate that is found in it."""

import pytest

from pytest_kernelfalcon.generator.llm.answers import Found, NoCandidate, candidate

CODE = """import triton


@triton.jit
def double(x_ptr):
    pass


def kernel_function(x):
    return x
"""
KERNEL, WRAPPER = CODE.split("\n\n\ndef kernel_function")
WRAPPER = f"def kernel_function{WRAPPER}"


def indented(text, by):
    return "".join(by + line for line in text.splitlines(keepends=True))


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        (f"```python\n{CODE}```", "a block"),
        (f"```\n{CODE}```\n", "a block"),
        (f"Here it is.\n\n~~~py\n{CODE}~~~\nIt is fast.", "a block"),
        (f"````python title=kernel.py\n{CODE}````", "a block"),
        (f"1. First:\n\n   ```python\n{indented(CODE, '   ')}   ```\n", "a block"),
        (f"> ```python\n{indented(CODE, '> ')}> ```\n", "a block"),
        (f"```python\r\n{CODE}```".replace("\n", "\r\n"), "a block"),
        (f"Was:\n```python\nold = 1\n```\nNow:\n```python\n{CODE}```\n```\nrun it\n```", "one of several blocks"),
        (f"```python\n{CODE.replace('double', 'first')}```\nBetter:\n```python\n{CODE}```", "one of several blocks"),
        (f"The kernel:\n```python\n{KERNEL}\n\n\n```\nThe wrapper:\n```python\n{WRAPPER}```", "2 blocks joined"),
        (CODE, "the whole answer"),
        (indented(CODE, "    "), "the whole answer"),
    ],
)
def test_a_candidate_is_found_in_whatever_surrounds_it(answer, how):
    found = candidate(answer, None)
    assert "".join(found.source.split()) == "".join(CODE.split())
    assert (found.how, found.unclosed) == (how, False)
    compile(found.source, "candidate", "exec")


def test_code_that_the_answer_ends_in_is_taken_and_told_of():
    found = candidate(f"```python\n{CODE}", None)
    assert (found.source, found.unclosed) == (CODE, True)
    cut = candidate(f"```python\n{CODE[:-8]}(", None)
    assert cut.unclosed and cut.how == "a block that is not whole"


def test_python_that_is_none_goes_to_the_judge_who_says_where():
    found = candidate("```python\ndef kernel_function(x:\n    return x\n```", None)
    assert found.source == "def kernel_function(x:\n    return x\n"


def test_a_module_of_the_other_form_is_whole():
    text = f"{KERNEL}\n\n\nclass ModelNew:\n    pass\n"
    assert candidate(f"```python\n{text}```\n", None) == Found(text, "a block")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("", "has no code block"),
        ("I cannot do that.", "has no code block"),
        ("x = 1", "has no code block"),
        ("```python\n```", "has no code block"),
        ("```python\nx = 1\n```", "no code block of the answer defines `kernel_function`"),
        ("```sh\npip install triton\n```", "no code block of the answer defines `kernel_function`"),
    ],
)
def test_an_answer_without_one_is_told_what_to_answer(answer, says):
    with pytest.raises(NoCandidate, match=says):
        candidate(answer, CODE)


def edit(search, replace):
    return f"<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


@pytest.mark.parametrize("around", ["{}", "Two edits:\n```python\n{}```\ndone", "kernel.py\n```diff\n{}```"])
def test_edits_are_made_in_the_last_candidate(around):
    answer = around.format(edit("    return x\n", "    y = x\n    return y\n") + edit("    pass\n", "    x_ptr\n"))
    found = candidate(answer, CODE)
    assert found.source == CODE.replace("    return x\n", "    y = x\n    return y\n").replace(
        "    pass\n", "    x_ptr\n"
    )
    assert found.how == "2 edits"


def test_an_edit_may_be_indented_otherwise_as_long_as_it_is_all_alike():
    found = candidate(edit("return x\n", "if x:\n    return x\n\nreturn 0\n"), CODE)
    assert found.source.endswith("def kernel_function(x):\n    if x:\n        return x\n\n    return 0\n")


def test_an_edit_may_take_lines_away():
    assert "pass" not in candidate(edit("def double(x_ptr):\n    pass\n", ""), CODE).source


@pytest.mark.parametrize(
    ("answer", "last", "says"),
    [
        (edit("    return y\n", ""), CODE, "that begin with 'return y' are not in the last candidate"),
        (edit("\n", "x\n"), CODE, "nothing to search for"),
        (edit("a = 1\n", "a = 2\n"), "a = 1\na = 1\n", "are there 2 times"),
        (edit("    return x\n", ""), None, "no earlier candidate to edit"),
    ],
)
def test_an_edit_that_does_not_fit_is_told_why(answer, last, says):
    with pytest.raises(NoCandidate, match=says):
        candidate(answer, last)
