"""The contractions that matmul problems are made of: each with the sizes and the shapes of its operands."""

from __future__ import annotations

from dataclasses import dataclass

RANGES = {
    "m": (5, 140), "k": (7, 210), "n": (6, 150), "batch_size": (2, 4), "heads": (2, 3), "seq_len": (5, 60),
    "in_features": (9, 180), "out_features": (7, 150), "rank": (4, 24),
}  # fmt: skip
"""Of every named size; few are multiples of 16."""


@dataclass(frozen=True)
class Product:
    """text: with {a}, {b}, {c} for the operands. a, b, c: their shapes, by names of sizes, or empty. out: the result's.

    held: which operands are state at times (weights).
    """

    text: str
    a: str
    b: str
    out: str
    c: str = ""
    held: str = ""


PRODUCTS = (
    Product("{a} @ {b}", "m k", "k n", "m n", held="b"),
    Product("torch.mm({a}, {b})", "m k", "k n", "m n"),
    Product("{a}.t() @ {b}", "k m", "k n", "m n"),
    Product("{a} @ {b}.T", "m k", "n k", "m n", held="b"),
    Product("{a}.T @ {b}.T", "k m", "n k", "m n"),
    Product("torch.matmul({a}, {b}.transpose(0, 1))", "m k", "n k", "m n"),
    Product("torch.addmm({c}, {a}, {b})", "m k", "k n", "m n", c="n"),
    Product("torch.addmm({c}, {a}, {b}, beta=0.5, alpha=2.0)", "m k", "k n", "m n", c="m n"),
    Product("F.linear({a}, {b})", "batch_size in_features", "out_features in_features",
            "batch_size out_features", held="b"),
    Product("F.linear({a}, {b}, {c})", "batch_size seq_len in_features", "out_features in_features",
            "batch_size seq_len out_features", c="out_features", held="bc"),
    Product("F.linear({a}, {b}, {c})", "batch_size in_features", "out_features in_features",
            "batch_size out_features", c="out_features", held="bc"),
    Product("torch.mv({a}, {b})", "m k", "k", "m"),
    Product("{a} @ {b}", "batch_size m k", "k", "batch_size m"),
    Product("{a} @ {b}", "k", "k n", "n"),
    Product("torch.tril({a}) @ {b}", "m k", "k n", "m n"),
    Product("torch.triu({a}, 1) @ {b}", "m k", "k n", "m n"),
    Product("{a} @ torch.tril({b}, -1)", "m k", "k n", "m n"),
    Product("torch.triu({a}) @ torch.triu({b})", "m k", "k n", "m n"),
    Product("torch.tril({a} @ {b})", "m k", "k n", "m n"),
    Product("torch.triu({a} @ {b}.T)", "m k", "n k", "m n"),
    Product("torch.diag({a}) @ {b}", "k", "k n", "k n"),
    Product("{a} @ torch.diag({b})", "m k", "k", "m k"),
    Product("torch.bmm({a}, {b})", "batch_size m k", "batch_size k n", "batch_size m n"),
    Product("torch.bmm({a}, {b}.transpose(1, 2))", "batch_size m k", "batch_size n k", "batch_size m n"),
    Product("torch.bmm({a}.transpose(1, 2), {b})", "batch_size k m", "batch_size k n", "batch_size m n"),
    Product("torch.baddbmm({c}, {a}, {b})", "batch_size m k", "batch_size k n", "batch_size m n", c="batch_size m n"),
    Product("torch.baddbmm({c}, {a}, {b}, beta=0.5, alpha=0.3)", "batch_size m k", "batch_size k n",
            "batch_size m n", c="n"),
    Product("{a} @ {b}", "batch_size m k", "k n", "batch_size m n", held="b"),
    Product("{a} @ {b}", "m k", "batch_size k n", "batch_size m n"),
    Product("{a} @ {b}", "batch_size heads m k", "batch_size 1 k n", "batch_size heads m n"),
    Product("{a} @ {b}.transpose(-2, -1)", "batch_size heads m k", "batch_size heads n k", "batch_size heads m n"),
    Product("{a} @ {b}", "heads m k", "batch_size heads k n", "batch_size heads m n"),
    Product('torch.einsum("ki,kj->ij", {a}, {b})', "k m", "k n", "m n"),
    Product('torch.einsum("ik,jk->ij", {a}, {b})', "m k", "n k", "m n"),
    Product('torch.einsum("ij,j->i", {a}, {b})', "m k", "k", "m"),
    Product('torch.einsum("bik,kj->bij", {a}, {b})', "batch_size m k", "k n", "batch_size m n", held="b"),
    Product('torch.einsum("bik,bjk->bij", {a}, {b})', "batch_size m k", "batch_size n k", "batch_size m n"),
    Product('torch.einsum("bhik,bhjk->bhij", {a}, {b})', "batch_size heads m k", "batch_size heads n k",
            "batch_size heads m n"),
    Product('torch.einsum("bhik,bhkj->bihj", {a}, {b})', "batch_size heads m k", "batch_size heads k n",
            "batch_size m heads n"),
    Product('torch.einsum("bik,bil->bkl", {a}, {b})', "batch_size k m", "batch_size k n", "batch_size m n"),
    Product("({a}.reshape(-1, {a}.shape[-1]) @ {b}).view({a}.shape[0], {a}.shape[1], -1)", "batch_size seq_len k",
            "k n", "batch_size seq_len n", held="b"),
    Product("{a} @ {b} @ {c}", "m k", "k rank", "m n", c="rank n", held="bc"),
)  # fmt: skip

ROW_EPILOGUES = (
    "torch.softmax({x}, dim=-1)", "F.log_softmax({x}, dim=-1)", "torch.logsumexp({x}, dim=-1)", "{x}.sum(-1)",
    "{x}.mean(-1, keepdim=True)", "torch.amax({x}, -1)", "F.layer_norm({x}, {x}.shape[-1:])",
    "F.rms_norm({x}, {x}.shape[-1:], eps=1e-6)", "F.normalize({x}, dim=-1)", "torch.softmax({x} * {c}, dim=-1)",
    "torch.linalg.vector_norm({x}, 2, -1)",
)  # fmt: skip
