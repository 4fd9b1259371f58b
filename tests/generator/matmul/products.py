"""Products of matrices in all their forms, with what may stand before and after them."""

import torch
import torch.nn.functional as F
from harness import check, compare, load, rendered


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


def case_operands_are_computed_where_few_tiles_read_them():
    text = check(lambda a, b: (F.silu(a).T * 2) @ b, [r(170, 5), r(170, 40)], [r(17, 50), r(17, 140)])
    assert text.count("@triton.jit") == 2 and "tl.where(in_a, mul, 0.0)" in text
    text = check(lambda a, b: a.exp() @ b.log().T, [r(5, 70), r(40, 70).abs()], [r(50, 17), r(140, 17).abs()])
    assert "in_a" in text and "in_b" in text
    half = [r(3, 5, 17, dtype=torch.float16), r(3, 17, 9, dtype=torch.float16)]
    assert "in_a" in check(lambda a, b: F.relu(a) @ b, half)
    for product in (lambda a, b: (a.exp() + a.T) @ b, lambda a, b: (a * b) @ b):
        assert "in_a" not in check(product, [r(17, 17), r(17, 17)], [r(9, 9), r(9, 9)])
    assert "in_a" not in check(lambda a, b: F.relu(a) @ b, [r(5, 7), r(7, 130)])


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


def case_tiles_outside_a_triangle_are_left_out():
    text = check(lambda a, b: torch.tril(a @ b, -3), [r(130, 9), r(9, 140)], [r(70, 40), r(40, 200)])
    assert "tl.where(tile_n * BLOCK_N < (tile_m + 1) * BLOCK_M - 3, K, 0)" in text
    check(lambda a, b: torch.triu(a @ b, 2), [r(3, 70, 9), r(3, 9, 140)], [r(2, 140, 9), r(2, 9, 70)])
    text = check(lambda a, b: torch.triu(a, -2) @ b, [r(130, 140), r(140, 4)], [r(200, 70), r(70, 9)])
    assert "first = tl.maximum(tile_m * BLOCK_M - 2, 0) // BLOCK_K * BLOCK_K" in text
    check(lambda a, b: torch.tril(a, 1) @ torch.tril(b, 3), [r(130, 140), r(140, 70)], [r(9, 12), r(12, 200)])
    check(lambda a, b: a @ torch.triu(b, -1), [r(9, 140), r(140, 150)], [r(9, 200), r(200, 70)])


def error(x, truth):
    return (x.double() - truth).square().mean().sqrt()


def case_long_sums_are_shared():
    product = lambda a, b: F.relu(a @ b)  # noqa: E731
    given = [torch.rand(3, 5001), torch.rand(5001, 5)]
    text = check(product, given, [r(70, 600), r(600, 66)], [r(2, 7), r(7, 3)])
    assert text.count("@triton.jit") == 2 and "atomic" not in text
    exact = (given[0].double() @ given[1].double()).relu()
    assert error(load(text)(*given), exact) < 2 * error(product(*given), exact)
    half = [x.to(torch.float16) for x in given]
    assert "dtype=torch.float32" in check(lambda a, b: (a @ b) / 5001, [half[0], half[1]])
    check(lambda a, b: (a @ b).softmax(-1), [r(3, 2, 5000), r(3, 5000, 5)], [r(2, 70, 300), r(2, 300, 3)])


def case_a_matrix_of_one_column_is_a_sum_of_rows():
    for shapes in (((9, 70), (70, 1)), ((1, 70), (70, 9)), ((2, 9, 70), (2, 70, 1)), ((2, 1, 70), (2, 70, 9))):
        text = check(lambda a, b: a @ b + 1, [r(*shape) for shape in shapes])
        assert "tl.dot" not in text


def case_operands_in_a_bad_layout_are_copied():
    odd = rendered(lambda a, b: a @ b, [r(1024, 260), r(260, 1024)])
    assert "triton.cdiv(K, 16) * 16" in odd
    for given in ([r(5, 19), r(19, 70)], [r(3, 32), r(32, 4)]):
        compare(odd, lambda a, b: a @ b, given)
    turned = rendered(lambda a, b: torch.bmm(a, b), [r(1, 2048, 256), r(1, 256, 512)])
    assert "b.transpose(1, 2).contiguous().transpose(1, 2)" in turned
    compare(turned, lambda a, b: torch.bmm(a, b), [r(2, 5, 19), r(2, 19, 70)])
    assert "contiguous" not in rendered(lambda a, b: a @ b.T, [r(1024, 256), r(1024, 256)])
    assert "contiguous" not in rendered(lambda a, b: a @ b, [r(5, 19), r(19, 7)])


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


class Block(torch.nn.Module):
    """A projection to a few features, and what follows each row of them."""

    def __init__(self, after, features=9):
        super().__init__()
        self.linear = torch.nn.Linear(7, features)
        self.after = after

    def forward(self, x):
        return self.after(self.linear(x))


def case_what_reduces_narrow_rows_is_in_the_same_kernel():
    for after in (
        lambda y: F.gelu(y).softmax(-1),
        lambda y: F.layer_norm(y, (9,)) * 2,
        lambda y: y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-6),
        lambda y: F.normalize(y, dim=-1),
    ):
        text = check(Block(after), [r(2, 35, 7)], [r(3, 1, 7)])
        assert text.count("tl.store") == 1 and text.count("tl.dot") == 1


def case_what_reduces_other_rows_is_not():
    for after in (lambda y: y.softmax(0), lambda y: y.sum(-1), lambda y: y.T.softmax(-1)):
        assert check(Block(after), [r(35, 7)], [r(40, 7)]).count("tl.store") == 2
    assert check(Block(lambda y: y.softmax(-1), 300), [r(3, 7)]).count("tl.store") == 2
    assert check(lambda a, b: (a @ b).softmax(-1), [r(5, 7), r(7, 9)], [r(5, 7), r(7, 300)]).count("tl.store") == 2


def case_rows_after_a_product():
    check(lambda x, w, b: torch.softmax(F.gelu(F.linear(x, w, b)), -1), [r(2, 5, 7), r(9, 7), r(9)])
    check(lambda a, b: (a @ b).sum(0), [r(5, 7), r(7, 4)])
    check(lambda x, w, s: F.layer_norm(x, (7,)) @ w * s, [r(5, 7), r(7, 4), r(4)])
