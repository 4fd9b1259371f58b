"""Small models with reductions: each in several forms of the kernel, on two sets of sizes."""

import math

import harness
import torch
import torch.nn.functional as F
from harness import clone, compare, contract_of, special
from torch import nn

R = torch.randn


def right(module, inputs, *more, forms=3):
    """Right with rows held whole, in blocks, and several to a program. Returns the last text."""
    match = harness.RECIPE.match(contract_of(module, inputs))
    assert not isinstance(match, harness.Refusal), match
    ways = harness.RECIPE.shapes(match)
    picked = [ways[0], *(way for way in ways if way.block)][:2] + [way for way in ways if way.rows and way.block][:1]
    for way in dict.fromkeys(picked[:forms]):
        text = harness.RECIPE.render(match, way)
        try:
            for given in (inputs, *more):
                compare(text, module, clone(given))
        except BaseException as error:
            raise AssertionError(f"{way.label}: {type(error).__name__}: {error}\n{text}") from error
    return text


def kernels(text):
    return text.count("@triton.jit\ndef ") - text.count("@triton.jit\ndef _")


def case_sums():
    right(lambda x: (x.sum(1), x.mean(0), x.sum(), x.mean((0, 1), keepdim=True)), [R(4, 6)], [R(3, 5)])
    right(lambda x: (x.prod(1), x.nansum(1), torch.count_nonzero(x > 0, dim=1)), [R(4, 6)])
    right(lambda x: x.sum((0, 2)), [R(3, 4, 5)], [R(2, 3, 7)])


def case_whole_numbers_are_summed_in_int64():
    right(lambda x: (x.sum(1), x.amax(1), x.float().mean()), [torch.randint(-100, 100, (4, 7), dtype=torch.int8)])
    right(lambda x: ((x > 0).sum(0), (x > 9).any(1), (x > -9).all(), x.bool().any()), [R(5, 6)])


def case_variances():
    right(lambda x: (x.var(1), x.std(0), x.std()), [R(4, 6)], [R(3, 5)])
    right(lambda x: torch.var_mean(x, dim=(0, 2), correction=0), [R(3, 4, 5)])
    right(lambda x: x.var(1), [R(4, 6) + 1000])


def case_extremes_with_positions():
    inputs = [special(4, 9)], [special(3, 5)]
    right(lambda x: (*x.max(1), *x.min(0)), *inputs)
    right(lambda x: (x.argmax(1), x.argmin(0), x.argmax(), x.amax((0, 1)), x.min()), *inputs)
    right(lambda x: x.max(1), [torch.tensor([[1.0, 2.0, 2.0, math.nan, math.nan], [-math.inf] * 5])])


def case_softmaxes():
    right(lambda x: (x.softmax(1), F.log_softmax(x, 1), torch.logsumexp(x, 1)), [3 * R(4, 6)], [100 * R(3, 5)])
    right(lambda x: x.softmax(0), [R(4, 6)], [R(3, 5)])
    right(lambda x: x.softmax(1), [special(3, 5)], [torch.full((2, 3), -math.inf)])
    right(lambda x: torch.logsumexp(x, (1, 2)), [R(2, 3, 4)], [torch.full((2, 3, 4), -math.inf)])


def case_masked_scores():
    def forward(scores, keep):
        size = scores.shape[-1]
        causal = torch.triu(torch.ones(size, size, dtype=torch.bool, device=scores.device), 1)
        scores = (scores / math.sqrt(size)).masked_fill(causal, -math.inf)
        return scores.masked_fill(~keep[:, None], -math.inf).softmax(-1)

    right(forward, [R(2, 5, 5), torch.rand(2, 5) > 0.3], [R(3, 4, 4), torch.rand(3, 4) > 0.3])


def case_a_masked_mean():
    def forward(x, keep):
        return (x * keep[..., None]).sum(1) / keep.sum(1, keepdim=True).clamp(min=1)

    right(forward, [R(2, 5, 4), torch.rand(2, 5) > 0.3], [R(3, 4, 2), torch.zeros(3, 4, dtype=torch.bool)])


def case_layer_norm():
    assert kernels(right(nn.LayerNorm(8), [R(4, 8)], [R(5, 8)])) == 1
    right(nn.LayerNorm((3, 5)), [R(2, 4, 3, 5)])
    right(nn.LayerNorm(8).half(), [R(4, 8).half()])


def case_rms_norm_with_a_residual():
    def forward(x, residual, weight):
        x = x + residual
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * weight, x

    right(forward, [R(2, 3, 8), R(2, 3, 8), R(8)], [R(1, 5, 6), R(1, 5, 6), R(6)])
    right(nn.RMSNorm(8, dtype=torch.bfloat16), [R(4, 8).bfloat16()])


def case_group_norm_and_what_follows_in_one_kernel():
    text = right(lambda x, r: F.relu(F.group_norm(x, 2)) + r, [R(2, 4, 3, 5)] * 2, [R(3, 4, 2, 2)] * 2)
    assert kernels(text) == 1, text
    right(nn.GroupNorm(2, 4), [R(2, 4, 6)])


def case_batch_norm():
    right(nn.BatchNorm2d(4), [R(2, 4, 3, 5)], [R(3, 4, 2, 2)])
    right(nn.BatchNorm1d(4).eval(), [R(3, 4)], [R(5, 4)])
    right(nn.InstanceNorm2d(4, affine=True), [R(2, 4, 3, 5)], [R(3, 4, 2, 2)])


def case_norms():
    right(lambda x: (x.norm(), x.norm(p=1, dim=1), torch.linalg.vector_norm(x, ord=math.inf, dim=0)), [R(4, 6)])
    right(lambda x: (x.norm(p=3, dim=1), torch.linalg.vector_norm(x, ord=0, dim=1)), [R(4, 6)])
    right(lambda x, y: (F.normalize(x, dim=1), F.cosine_similarity(x, y)), [R(4, 6), R(4, 6)])


def case_losses():
    for loss in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.soft_margin_loss, F.hinge_embedding_loss):
        right(loss, [R(4, 6), R(4, 6).sign()], forms=1)
    right(F.binary_cross_entropy_with_logits, [R(4, 6), R(4, 6).sigmoid()], forms=1)
    right(lambda x, y: F.kl_div(x, y, reduction="batchmean"), [R(4, 6).log_softmax(1), R(4, 6).softmax(1)])
    right(nn.TripletMarginLoss(), [R(4, 6), R(4, 6), R(4, 6)])
    right(nn.CosineEmbeddingLoss(), [R(4, 6), R(4, 6), torch.tensor([1.0, -1.0, 1.0, 1.0])], forms=1)


def labels(*shape, classes=6):
    return torch.randint(0, classes, shape)


def case_cross_entropy():
    right(F.cross_entropy, [R(4, 6), labels(4)], [R(7, 6), labels(7)])
    right(lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1, ignore_index=2), [R(5, 6), labels(5)])
    right(lambda x, y, w: F.cross_entropy(x, y, w), [R(4, 6), labels(4), torch.rand(6)], forms=1)
    right(lambda x, y: F.cross_entropy(x, y, reduction="none"), [R(2, 6, 3), labels(2, 3)], [R(1, 6, 4), labels(1, 4)])
    right(lambda x, y: F.nll_loss(x, y, reduction="sum"), [R(4, 6), labels(4)], forms=1)


def case_labels_that_are_none_read_nothing():
    """Out of bounds is an error in the interpreter."""
    module, inputs = F.cross_entropy, [R(4, 6), labels(4)]
    match = harness.RECIPE.match(contract_of(module, inputs))
    run = harness.load(harness.RECIPE.render(match, harness.RECIPE.configurations(match)[0]))
    loss = run(R(4, 6), torch.tensor([0, 10**9, -5, 3]))
    assert loss.isfinite()


def case_one_element_of_each_row():
    right(lambda x, i: x.gather(1, i[:, None]).squeeze(1), [R(4, 6), labels(4)], [R(3, 5), labels(3, classes=5)])


def case_several_domains():
    right(lambda x: (x - x.mean(1, keepdim=True)).abs().amax(0), [R(5, 7)], [R(3, 4)])
    right(lambda x: x.sum(0) + x.sum(1), [R(5, 5)], [R(3, 3)])
    right(lambda x: x / x.sum(0, keepdim=True) / x.sum(1, keepdim=True), [R(5, 5).exp()])
    right(lambda x: x.softmax(-1).sum(0), [R(3, 4)], [R(2, 5)])


def case_a_quantised_row():
    def forward(x):
        scale = x.abs().amax(-1, keepdim=True).clamp(min=1e-5) / 127
        return (x / scale).round().clamp(-127, 127).to(torch.int8), scale

    right(forward, [R(4, 6)], [R(3, 5)])


def case_rows_longer_than_a_block():
    text = right(lambda x: (x.softmax(1), x.argmax(1)), [R(2, 5000)])
    assert "for start in range(0, columns, BLOCK):" in text


def case_long_rows_are_shared():
    for module in (lambda x: (x.sum(), x.argmax()), nn.LayerNorm((80, 1000))):
        text = right(module, [R(80, 1000)], forms=1)
        assert "columns, parts * BLOCK):" in text, text


def case_shared_rows_take_two_kernels():
    """One for what each program leaves of a row, one that joins it and writes the result."""
    x = [R(3, 70000)]
    for module in (
        lambda x: (x / 0.7).softmax(-1),
        lambda x: F.layer_norm(x, x.shape[1:]),
        lambda x: x / x.norm(dim=1)[:, None],
    ):
        text = right(module, x, [R(2, 5000)], forms=1)
        assert kernels(text) == 2, text
        assert text.count("tl.load(x_ptr") == 2, text
    assert kernels(right(lambda x: x.logsumexp(1), x, forms=1)) == 2
    assert kernels(right(lambda x: (x.logsumexp((0, 1)), x.std()), x, forms=1)) == 2


def case_softmax_reads_a_row_twice_where_it_does_not_fit_a_program():
    text = right(lambda x: x.softmax(1), [R(2, 5000)])
    assert kernels(text) == 1 and text.count("tl.load(") == 2, text


def case_infinities_in_long_rows():
    """A block of -inf alone, a row of -inf alone, +inf and NaN."""
    x = R(4, 70000)
    x[0, :20000] = x[1] = -math.inf
    x[2, 33333], x[3, 44444] = math.inf, math.nan
    for module in (lambda x: x.softmax(1), lambda x: x.logsumexp(1), lambda x: F.log_softmax(x, 1)):
        right(module, [x], [x[:, 15000:25000]])


def accurate(module, x):
    """Every form is as right as eager is, against float64."""
    match = harness.RECIPE.match(contract_of(module, [x]))
    truth, eager = module(x.double()), module(x)
    for way in harness.RECIPE.shapes(match):
        got = harness.load(harness.RECIPE.render(match, way))(x)
        bound = 4 * max((eager - truth).abs().max().item(), 5e-6)
        assert (got - truth).abs().max() <= bound, f"{way.label}: {(got - truth).abs().max()}, not {bound}"


def case_a_mean_far_from_zero_costs_no_digits():
    for columns in (1000, 5000, 70000):
        accurate(lambda x: x.var(1), R(2, columns) + 1000)
        accurate(lambda x: F.layer_norm(x, x.shape[1:]), R(2, columns) + 100)


def case_equal_kernels_are_written_once():
    def forward(query, key, query_weight, key_weight):
        query = F.rms_norm(query, query.shape[-1:], query_weight)
        return query, F.rms_norm(key, key.shape[-1:], key_weight)

    text = right(forward, [R(4, 6), R(5, 6), R(6), R(6)], [R(2, 3), R(2, 3), R(3), R(3)])
    assert kernels(text) == 1, text
    assert "weight_ptr" in text and "query_weight_ptr" not in text, text
    assert text.count("_kernel[(") == 2, text
    assert kernels(right(lambda x, y: (x.softmax(1), F.log_softmax(y, 1)), [R(4, 6), R(5, 6)])) == 2


def case_what_needs_no_reduction_comes_along():
    text = right(lambda x, y: (F.layer_norm(x + y, (6,)), x + y), [R(4, 6), R(4, 6)])
    assert kernels(text) == 1, text


def case_running_sums_and_products():
    right(lambda x: (x.cumsum(1), x.cumsum(0), x.cumprod(1)), [R(4, 6)], [R(3, 5)])
    whole = torch.randint(-9, 9, (2, 5000)).float()
    right(lambda x, keep: (x * keep).cumsum(-1) / (1 + x.amax(-1, keepdim=True)), [whole, torch.rand(2, 5000) > 0.3])
    right(lambda x: (x.flip(1).cumsum(1).flip(1), x.amax(1)), [whole], [R(3, 7)])
    right(lambda x: x.cumsum(1), [torch.randint(-9, 9, (4, 7))])


def case_logits_far_from_zero():
    """The trace of this loss loses all digits here; eager does not."""
    right(F.binary_cross_entropy_with_logits, [R(4, 6) + 30, torch.ones(4, 6)], forms=1)


def case_strided_inputs():
    right(lambda x, y: (x + y).softmax(-1), [R(6, 5).t(), R(5, 12)[:, ::2]], [R(4, 3).t(), R(3, 4)])
    right(lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (4,)), [R(2, 4, 3, 5)])


def case_changed_in_place():
    right(lambda x: (x.div_(x.norm(dim=1, keepdim=True)), x.sum()), [R(3, 4)], [R(2, 5)])


def case_double():
    right(lambda x: (x.softmax(1), x.var(1), x.mean(), F.layer_norm(x, (6,))), [R(4, 6).double()])


def case_positions_without_a_reduction():
    right(lambda x: (torch.tril(x), torch.triu(x, 1), x + torch.arange(x.shape[1])), [R(4, 6)], [R(3, 3)], forms=1)
    right(lambda i: F.one_hot(i, 5).float(), [labels(4, classes=5)], forms=1)
