"""The operations that row problems are made of, as text with holes: {x} a tensor, {d} dimensions, {k} keepdim."""

from __future__ import annotations

LAYOUTS = (
    {"batch_size": (3, 40), "features": (17, 700)},
    {"batch_size": (2, 6), "seq_len": (5, 40), "features": (16, 260)},
    {"batch_size": (2, 5), "channels": (4, 12), "length": (9, 90)},
    {"batch_size": (2, 4), "channels": (4, 12), "height": (4, 18), "width": (4, 18)},
    {"batch_size": (2, 3), "heads": (2, 4), "seq_len": (5, 24), "head_dim": (8, 40)},
)
LONG = ({"rows": (2, 6), "width": (8200, 70000)}, {"batch_size": (2, 3), "channels": (2, 4), "length": (5000, 20000)})
"""Rows that do not fit a block."""

REDUCE = (
    "{x}.sum({d}, keepdim={k})", "{x}.mean({d}, keepdim={k})", "torch.var({x}, {d}, correction=1, keepdim={k})",
    "torch.var({x}, {d}, correction=0, keepdim={k})", "torch.std({x}, {d}, keepdim={k})",
    "torch.std({x}, {d}, correction=0, keepdim={k})", "torch.amax({x}, {d}, keepdim={k})",
    "torch.amin({x}, {d}, keepdim={k})", "torch.logsumexp({x}, {d}, keepdim={k})",
    "torch.linalg.vector_norm({x}, 2, {d}, keepdim={k})", "torch.linalg.vector_norm({x}, 1, {d}, keepdim={k})",
    'torch.norm({x}, p="fro", dim={d}, keepdim={k})', "{x}.abs().mean({d}, keepdim={k})",
    "{x}.square().mean({d}, keepdim={k})",
)  # fmt: skip
"""Over one dimension or several."""

REDUCE_ALL = (
    "{x}.sum()", "{x}.mean()", "{x}.square().mean()", "torch.var({x})", "torch.std({x})", "{x}.max()", "{x}.min()",
    "torch.norm({x})", "{x}.abs().sum()", "torch.amax({x})",
)  # fmt: skip

PAIRS = ("{a} - {b}", "{a} + {b}", "torch.maximum({a}, {b})", "{a} / ({b}.abs() + 1.0)", "0.3 * {a} + {b}")
"""Two reductions of one tensor, put together."""

NORMALISE = (
    "torch.softmax({x}, dim={d})", "F.log_softmax({x}, dim={d})", "torch.softmax({x} / {c}, dim={d})",
    "F.softmin({x}, dim={d})", "{x} - {x}.mean({d}, keepdim=True)", "{x} / ({x}.abs().sum({d}, keepdim=True) + 1e-6)",
    "{x} / ({x}.norm(dim={d}, keepdim=True) + 1e-6)", "F.normalize({x}, dim={d})", "F.normalize({x}, p=1, dim={d})",
    "{x} - torch.logsumexp({x}, {d}, keepdim=True)", "{x} - torch.amax({x}, {d}, keepdim=True)",
    "{x} * torch.rsqrt({x}.pow(2).mean({d}, keepdim=True) + 1e-6)", "{x} / {x}.abs().amax({d}, keepdim=True)",
    "({x} - {x}.mean({d}, keepdim=True)) / ({x}.std({d}, keepdim=True) + 1e-5)",
)  # fmt: skip
"""Along one dimension, the shape kept."""

NORMALISE_ALL = (
    "{x} / torch.norm({x})", '{x} / torch.norm({x}, p="fro")', "{x} - {x}.mean()",
    "({x} - {x}.mean()) / ({x}.std() + 1e-5)", "{x} / {x}.abs().max()",
)  # fmt: skip

PICK = (
    ("torch.argmax({x}, dim={d}, keepdim={k})",), ("torch.argmin({x}, dim={d}, keepdim={k})",),
    ("*torch.max({x}, dim={d}, keepdim={k})",), ("*torch.min({x}, dim={d}, keepdim={k})",),
    ("torch.any({x} > {c} + 1.0, dim={d}, keepdim={k})",), ("torch.all({x} < {c} + 1.5, dim={d}, keepdim={k})",),
    ("torch.amax({x}, {d}, keepdim={k})", "torch.argmax({x}, dim={d}, keepdim={k})"),
    ("torch.argmin({x}, dim={d}, keepdim={k})", "{x}.mean({d}, keepdim={k})"),
    ("({x} > {c}).sum({d}, keepdim={k})",), ("*torch.var_mean({x}, dim={d}, keepdim={k})",),
)  # fmt: skip
"""What is returned: indices, truths, counts, several at once."""

ELEMENT_LOSSES = (
    "F.mse_loss({x}, {y}, reduction={r})", "F.smooth_l1_loss({x}, {y}, beta={c}, reduction={r})",
    "F.l1_loss({x}, {y}, reduction={r})", "F.huber_loss({x}, {y}, delta={c}, reduction={r})",
    "F.binary_cross_entropy(torch.sigmoid({x}), torch.sigmoid({y}), reduction={r})",
    "F.binary_cross_entropy_with_logits({x}, torch.sigmoid({y}), reduction={r})",
    "F.kl_div(F.log_softmax({x}, dim=-1), torch.softmax({y}, dim=-1), reduction={r})",
    "F.kl_div(F.log_softmax({x}, dim=-1), F.log_softmax({y}, dim=-1), reduction={r}, log_target=True)",
    "F.soft_margin_loss({x}, torch.sign({y}), reduction={r})", "torch.clamp(1 - {x} * {y}, min=0).mean(-1)",
    "F.cosine_similarity({x}, {y}, dim=-1)", "1 - F.cosine_similarity({x}, {y}, dim=1).mean()",
    "(({x} - {y}) ** 2).sum(-1).sqrt().mean()",
)  # fmt: skip

CLASS_LOSSES = (
    "F.cross_entropy({x}, {t}, reduction={r})", "F.cross_entropy({x}, {t}, label_smoothing=0.1, reduction={r})",
    "F.nll_loss(F.log_softmax({x}, dim=1), {t}, reduction={r})", "F.cross_entropy({x} / {c}, {t}, reduction={r})",
)  # fmt: skip
