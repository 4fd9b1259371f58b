"""Sizes in a problem's text: which integers count, whom they reach, and the text with other values."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pytest_kernelfalcon.contracts.sizes import literals, rewrite, slots


def found(text: str) -> dict[str, tuple[int, str]]:
    return {slot.name: (slot.value, slot.role) for slot in slots(dedent(text))}


def values(text: str) -> dict[str, object]:
    """The module that `text` makes."""
    module: dict[str, object] = {}
    exec(text, module)
    return module


PROBLEM = """
    batch = 4
    dim, groups = 8, 2
    shape = (batch, 16 * 2, 1)
    rows = cols = 32
    height = 5
    height = 6
    scale = 1 << 10
    config = {"width": 64, "depth": 3}
    widths = [64, 128] * 2
    hidden = dim * 4
    flag, offset, eps = True, -3, 1e-5
    nothing = 7

    class Model:
        def __init__(self, dim, hidden, batch=3):
            self.depth = config["depth"]
            self.rows = [rows for rows in range(2)]

    def noise():
        return torch.rand(rows, cols)

    def get_inputs():
        return [torch.rand(shape[0], shape[1], height, scale, config["width"]), noise()]

    def get_init_inputs():
        return [hidden, groups, *widths]
    """


def test_the_integers_that_count_and_what_they_reach():
    assert found(PROBLEM) == {
        "batch": (4, "inputs"),
        "dim": (8, "model"),
        "groups": (2, "model"),
        "shape[1]": (32, "inputs"),
        "rows": (32, "inputs"),
        "height": (6, "inputs"),
        "scale": (1024, "inputs"),
        "config[width]": (64, "inputs"),
        "config[depth]": (3, "model"),
        "widths[0]": (64, "model"),
        "widths[1]": (128, "model"),
        "nothing": (7, "unused"),
    }


def test_unpacked_elements_are_followed_one_by_one():
    text = """
        shape = (4, 8)
        rows, columns = shape
        def get_inputs(): return [rows]
        def get_init_inputs(): return [columns]
        """
    assert found(text) == {"shape[0]": (4, "inputs"), "shape[1]": (8, "model")}


def test_a_default_argument_reaches_the_model_though_a_parameter_hides_the_name():
    text = """
        dim = 8
        class Model:
            def __init__(self, dim=dim): ...
        def get_inputs(): return [dim]
        """
    assert found(text) == {"dim": (8, "model")}


@pytest.mark.parametrize("value", ["2 ** 10 ** 10", "1 << 10 ** 9", "7 // 0", "10 ** 40", "-8", "3.0", "int('8')"])
def test_what_is_no_size_is_left_out(value: str):
    assert found(f"n = {value}\ndef get_inputs(): return [n]\n") == {}


def test_a_table_of_values_is_no_shape():
    assert found(f"table = {list(range(2, 40))}\ndef get_inputs(): return table\n") == {}


def test_bare_literals_of_get_inputs():
    text = dedent(
        """
        n = 3
        def get_inputs():
            batch, seed = 16, "x"
            a = torch.rand(batch, 3, 224)
            b = torch.randint(0, 10, (8, 1), dtype=torch.int32)
            return [a, b, a.reshape(-1, 99), torch.full(size=(5,), fill_value=77)]
        """
    )
    assert [slot.value for slot in literals(text)] == [16, 3, 224, 8, 5]
    changed = rewrite(text, {"get_inputs[0]": 2, "get_inputs[2]": 32, "get_inputs[4]": 6})
    assert "batch, seed = 2," in changed
    assert "(batch, 3, 32)" in changed
    assert "(6,)" in changed
    assert "99" in changed
    assert "77" in changed


def test_rewriting_changes_these_values_and_no_other_text():
    text = dedent(PROBLEM)
    changed = rewrite(text, {"shape[1]": 33, "rows": 31, "config[width]": 65, "height": 9, "dim": 8})
    before, after = text.splitlines(), changed.splitlines()
    assert [new for old, new in zip(before, after, strict=True) if old != new] == [
        "shape = (batch, 33, 1)",
        "rows = cols = 31",
        "height = 9",
        'config = {"width": 65, "depth": 3}',
    ]


def test_two_sizes_that_move_as_one():
    text = "a = 4\nb = 4\ndef get_inputs(): return [a, b]\n"
    assert rewrite(text, {"a+b": 5}) == text.replace("4", "5")


def test_columns_are_counted_in_bytes():
    text = 'é, n = "ü", 8\ndef get_inputs(): return [n]\n'
    assert rewrite(text, {"n": 123}) == text.replace("8", "123")


@pytest.mark.parametrize(
    "text",
    ["n = (2 *\n   3\n  + 1)  # seven\nafter = 1\n", "n = 2 * \\\n  3\n\nafter = 1\n", "after = 1\nn = 2 * \\\n  3"],
)
def test_an_expression_over_several_lines_keeps_the_later_lines_in_place(text: str):
    changed = rewrite(text, {"n": 11})
    assert (values(changed)["n"], values(changed)["after"]) == (11, 1)
    line = text.splitlines().index("after = 1")
    assert changed.splitlines()[line] == "after = 1"


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError, match="absent"):
        rewrite("n = 4\n", {"absent": 5})
