"""Products of matrices in all their forms, with what may stand before and after them."""

import torch
import torch.nn.functional as F
from harness import check


def r(*shape, dtype=torch.float32):
    return torch.randn(*shape, dtype=torch.float64).to(dtype)


class Feed(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(7, 9)

    def forward(self, x):
        return F.gelu(self.linear(x))


def case_matrices_of_several_tiles():
    check(lambda a, b: a @ b, [r(70, 75), r(75, 80)], [r(1, 3), r(3, 2)], [r(5, 64), r(64, 130)])


def case_transposed_operands():
    check(lambda a, b: a.T @ b, [r(7, 5), r(7, 4)])
    check(lambda a, b: a @ b.T, [r(5, 7), r(4, 7)])
    check(lambda a, b: a.T @ b.T, [r(7, 5), r(4, 7)])


def case_linear_of_any_rank():
    for shape in ((4, 7), (3, 4, 7), (7,)):
        check(Feed(), [r(*shape)], [r(*(size + 1 for size in shape[:-1]), 7)])


def case_batches_that_broadcast():
    check(lambda a, b: a @ b, [r(2, 3, 4, 7), r(3, 7, 5)])
    check(lambda a, b: a @ b, [r(4, 7), r(3, 7, 5)])
    check(lambda a, b: a @ b, [r(3, 4, 7), r(7, 5)])


def case_vectors():
    check(lambda a, b: a @ b, [r(4, 7), r(7)])
    check(lambda a, b: a @ b, [r(7), r(7, 4)])
    check(lambda a, b: a @ b, [r(7), r(7)])
    check(lambda c, a, b: torch.addmv(c, a, b, alpha=2), [r(4), r(4, 7), r(7)])


def case_added_to_a_product():
    check(lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2), [r(6), r(4, 7), r(7, 6)])
    check(lambda c, a, b: torch.addmm(c, a, b, beta=0), [r(4, 6), r(4, 7), r(7, 6)])
    check(lambda c, a, b: torch.baddbmm(c, a, b, alpha=2), [r(3, 4, 6), r(3, 4, 7), r(3, 7, 6)])


def case_einsum():
    check(lambda a, b: torch.einsum("bijl,lk->bijk", a, b), [r(2, 3, 4, 7), r(7, 5)])
    check(lambda a, b: torch.einsum("bhid,bhjd->bhij", a, b), [r(2, 3, 4, 7), r(2, 3, 5, 7)])
    check(lambda a, b: torch.einsum("nchw,cd->ndhw", a, b), [r(2, 3, 4, 5), r(3, 6)])


def case_two_products_in_one_result():
    check(lambda x, g, u: F.silu(x @ g) * (x @ u), [r(5, 7), r(7, 4), r(7, 4)])
    check(lambda x, w, d, u: F.linear(x, w) + 0.5 * F.linear(F.linear(x, d), u), [r(5, 8), r(6, 8), r(2, 8), r(6, 2)])


def case_several_results():
    check(lambda a, b: (a @ b, F.relu(a @ b)), [r(5, 7), r(7, 4)])


def case_operands_that_are_computed():
    check(lambda a, b: F.relu(a) @ b.T + a[:, :4], [r(5, 7), r(4, 7)])
    check(lambda a, b, c: (a @ b @ c).t() * 2, [r(3, 4), r(4, 5), r(5, 6)])
    check(lambda a: a @ a.T, [r(5, 7)])


def case_residual_and_bias():
    check(lambda x, w, b, y: F.linear(x, w, b) + y, [r(2, 5, 7), r(4, 7), r(4), r(2, 5, 4)])
    check(lambda x, w, b: w @ x + b, [r(2, 5, 4), r(6, 5), r(6, 1)])
    check(lambda x, y, b: x @ y + b, [r(2, 5, 4), r(2, 4, 3), r(2, 1, 3)])


def case_other_types():
    check(lambda a, b: torch.sigmoid(a @ b), [r(5, 7, dtype=torch.float16), r(7, 4, dtype=torch.float16)])
    check(lambda a, b: (a @ b) * 0.125, [r(5, 7, dtype=torch.bfloat16), r(7, 4, dtype=torch.bfloat16)])
    check(lambda a, b: a @ b, [r(5, 7, dtype=torch.float64), r(7, 4, dtype=torch.float64)])


def case_float32_says_its_precision():
    text = check(lambda a, b: a @ b, [r(5, 7), r(7, 4)])
    assert 'input_precision="tf32x3"' in text


def case_triangles_are_masks():
    text = check(lambda a, b: torch.tril(a) @ b, [r(70, 75), r(75, 4)])
    assert "torch.empty" in text and text.count("@triton.jit") == 1
    check(lambda a, b: torch.triu(a, 1) @ torch.tril(b, -1).T, [r(9, 12), r(7, 12)], [r(70, 12), r(9, 12)])
    check(lambda a, b: torch.tril(a @ b), [r(7, 9), r(9, 8)])
    check(lambda a, b: torch.tril(a) @ b, [r(6, 6), r(3, 6, 5)])


def case_diagonals_scale():
    text = check(lambda a, b: torch.diag(a) @ b, [r(5), r(5, 7)])
    assert "tl.dot" not in text
    check(lambda a, b: a @ torch.diag(b), [r(7, 5), r(5)])


def case_attention():
    check(lambda q, k, v: F.scaled_dot_product_attention(q, k, v), [r(2, 3, 4, 8), r(2, 3, 5, 8), r(2, 3, 5, 8)])
    check(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3),
        [r(2, 3, 5, 8), r(2, 3, 5, 8), r(2, 3, 5, 8)],
    )


def case_rows_after_a_product():
    check(lambda x, w, b: torch.softmax(F.gelu(F.linear(x, w, b)), -1), [r(2, 5, 7), r(9, 7), r(9)])
    check(lambda a, b: (a @ b).sum(0), [r(5, 7), r(7, 4)])
    check(lambda x, w, s: F.layer_norm(x, (7,)) @ w * s, [r(5, 7), r(7, 4), r(4)])
