"""Broadcasting, views, several outputs, state: what the wrapper does."""

import math

import torch
import torch.nn.functional as F
from harness import check, every_way, rendered, special
from torch import nn

R = torch.randn


def both(module, *inputs):
    """The first text is right at all these inputs, and so is every other way at the first."""
    text = check(module, *inputs)
    every_way(module, inputs[0])
    return text


def case_same_shapes_need_no_index():
    text = both(lambda x, y: x * y, [R(3, 5), R(3, 5)], [R(4, 7), R(4, 7)], [R(8, 6).t(), R(12, 8)[::2]])
    assert "index_" not in text and "stride" not in text


def case_trailing_and_middle_dimensions():
    both(lambda x, b: x + b, [R(2, 3, 4, 5), R(3, 1, 1)], [R(3, 4, 2, 6), R(4, 1, 1)])
    both(lambda x, b, c: x * b + c, [R(2, 3, 4), R(4), R(2, 1, 1)], [R(5, 2, 3), R(3), R(5, 1, 1)])


def case_dimensions_that_lie_together_are_one():
    text = rendered(lambda x, b: x + b, [R(2, 3, 4, 5), R(3, 1, 1)])
    assert "index_1 = offsets // size_2 % size_1" in text and "size_3" not in text


def case_both_sides_broadcast():
    both(lambda x, y: x[:, None] + y[None, :], [R(5), R(7)], [R(3), R(2)])
    both(lambda x, y: (x + 1, y + 1, x * y), [R(4, 1), R(1, 4)], [R(3, 1), R(1, 6)])


def case_more_than_one_program():
    both(lambda x, b: x * b, [R(3, 700), R(700)], [R(1, 1024), R(1024)], [R(5, 1025), R(1025)])


def case_a_size_of_one_may_grow():
    both(lambda x, y: x + y, [R(1, 8), R(1, 8)], [R(3, 8), R(1, 8)], [R(1, 4), R(3, 4)], [R(2, 4), R(2, 4)])
    both(lambda x, b: (x * b).view(x.size(0), -1), [R(1, 4, 8), R(8)], [R(3, 4, 8), R(8)])
    both(lambda x, s: x * s, [R(1, 6, 8), R(1, 1, 8)], [R(3, 6, 8), R(1, 1, 8)], [R(3, 6, 8), R(3, 1, 8)])


def case_one_number():
    both(lambda x, s: (x * s, s * 2), [R(3, 5), torch.tensor(2.5)], [R(4, 2), torch.tensor(-1.0)])
    both(lambda a, b: a + b, [torch.tensor(2.0), torch.tensor(3.0)])
    both(lambda x, s: x * s, [R(3, 5), R(1)])


def case_nothing_to_compute():
    check(lambda x, y: x * y, [R(4, 8), R(8)], [R(0, 8), R(8)])


def case_other_strides():
    both(lambda x: x * 2, [R(2, 3, 8).permute(0, 2, 1)], [R(2, 8, 3)], [R(4, 8, 6)[::2, ::3]])
    both(lambda x, g: x * g, [R(4, 16)[:, ::2], R(4, 16)[:, 1::2]], [R(3, 5), R(3, 5)])
    both(
        lambda x, w: x * w.view(1, -1, 1, 1),
        [R(2, 4, 3, 3).to(memory_format=torch.channels_last), R(4)],
        [R(3, 5, 2, 2), R(5)],
    )


def case_views_of_inputs():
    both(lambda x: x.transpose(0, 1)[1:, ::2] * 2, [R(6, 8)], [R(7, 3)])
    both(lambda x: x.select(0, -1) + x[1] + x[..., 0, None].squeeze(-1)[0], [R(4, 8)], [R(3, 5)])
    both(lambda x: x.unbind(0)[1] * x.unflatten(1, (2, -1)).flatten(1)[0], [R(4, 8)], [R(3, 6)])
    both(lambda x, b: x * b.expand(3, 4, 8), [R(4, 8), R(8)])
    both(lambda x: x.reshape(4, 2, 4).permute(1, 0, 2).reshape(2, 16) + 1, [R(4, 8)])


def case_views_of_what_was_computed():
    both(lambda x, w: F.relu(x).flatten(1) * w, [R(4, 3, 5), R(15)], [R(6, 2, 7), R(14)])
    both(lambda x, b: (x + b).t() * 2, [R(4, 8), R(8)], [R(3, 5), R(5)])
    both(lambda x, b: (x * b).view(x.shape[0], 2, -1) + 1, [R(4, 8), R(8)], [R(5, 6), R(6)])
    both(lambda x, b: (x + b[:, None]).chunk(2, 1), [R(4, 8, 3), R(4, 3)], [R(5, 10, 4), R(5, 4)])


def case_halves_follow_the_size():
    def forward(x, b):
        gate, up = (x + b).chunk(2, -1)
        return F.silu(gate) * up

    assert "chunk(2, 1)" in both(forward, [R(4, 8), R(8)], [R(3, 6), R(6)])
    both(lambda x: x[:, : x.shape[1] // 2] * x[:, x.shape[1] // 2 :], [R(4, 8)], [R(3, 6)])
    both(lambda x, w: x[:, : w.shape[0]] * w, [R(4, 8), R(5)], [R(3, 6), R(2)])


def case_a_literal_slice_is_tried_as_a_fraction_too():
    def forward(x):
        return x[:, :4] * 2

    check(forward, [R(3, 8)], [R(2, 11)])
    assert "x.shape[1] // 2" in rendered(forward, [R(3, 8)], fractions=True)


def case_sizes_as_values():
    def forward(x):
        return x / math.sqrt(x.shape[1]), x / x.shape[0], x * x.shape[-1] ** -0.5

    check(forward, [R(4, 8)], [R(3, 5)])


def case_several_outputs_of_several_shapes():
    def forward(x, y):
        h = x * y
        return h, h > 0, (y * 2, [h[:, 0] + 1])

    text = both(forward, [R(4, 8), R(8)], [R(3, 5), R(5)])
    assert text.count("@triton.jit") == 3, text


def case_structured_inputs_and_outputs():
    def forward(d):
        return {"b": [d["q"][1] * 2, (d["p"] > 0,)], "a": d["p"] + d["q"][0]}

    both(forward, [{"p": R(4, 3), "q": (R(3), R(2, 2))}], [{"p": R(5, 2), "q": (R(2), R(3))}])


def case_inputs_changed_in_place():
    def forward(x, y):
        x.mul_(2).add_(y)
        return x, torch.tanh(x)

    text = both(forward, [R(4, 8), R(8)], [R(6, 4).t(), R(6)])
    assert "x.copy_(out_0)" in text and "return x, out_1" in text
    check(lambda x, y: x.copy_(y), [R(4, 8), R(8)])
    check(lambda x: (F.glu(x, 1) * 2, x.relu_()), [R(4, 8)], [R(5, 10)])


def case_what_is_only_passed_through():
    check(lambda x: x, [R(4, 8)])
    check(lambda x, y: (y.t(), x), [R(4, 8), R(3, 2)])


class Held(nn.Module):
    """State of every kind: tied, inert, in a list, plain, a buffer that is not persistent, one named as an input."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(R(8))
        self.tied = self.weight
        self.register_buffer("running", R(8), persistent=False)
        self.table = R(4, 1)
        self.tables = [R(8), R(8)]
        self.x = nn.Parameter(torch.tensor(0.5))
        self.inert = nn.Parameter(R(2))

    def forward(self, x):
        return x * self.weight + self.tied * self.running + self.table * self.tables[1] + self.x


def case_state():
    text = check(Held(), [R(4, 8)])
    header = "def kernel_function(x_1, *, weight, x, inert, running, table, tables_0, tables_1):"
    assert header in text, text


class Named(nn.Module):
    """Names that mean something in Python."""

    def __init__(self):
        super().__init__()
        self.max = nn.Parameter(R(8))
        self.offsets = nn.Parameter(R(8))

    def forward(self, input, out):
        return input * self.max + self.offsets * out


def case_names_that_mean_something_else():
    check(Named(), [R(4, 8), R(4, 8)])
    check(lambda x_ptr, x, x_stride_0: x_ptr * x + x_stride_0, [R(4, 8), R(4, 1), R(4, 8)])


def case_long_chains():
    def forward(x):
        for k in range(400):
            x = torch.sin(x) if k % 2 else x * 0.5 + 0.3
        return x

    check(forward, [special(8).clamp(-9, 9)])
