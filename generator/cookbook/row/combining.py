"""The helpers that join two parts of a row: what `tl.reduce` is given where tl has no word for the whole."""

from __future__ import annotations

from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Forms

HELPERS = {
    "_product": ["a, b", "return a * b"],
    "_maximum": ["a, b", "return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)"],
    "_minimum": ["a, b", "return tl.minimum(a, b, propagate_nan=tl.PropagateNan.ALL)"],
    "_larger": [
        "a, i, b, j",
        "# NaN before all else; of equals the first",
        "tie = (a == b) | ((a != a) & (b != b))",
        "left = (a > b) | ((a != a) & (b == b)) | (tie & (i < j))",
        "return tl.where(left, a, b), tl.where(left, i, j)",
    ],
    "_smaller": [
        "a, i, b, j",
        "# NaN before all else; of equals the first",
        "tie = (a == b) | ((a != a) & (b != b))",
        "left = (a < b) | ((a != a) & (b == b)) | (tie & (i < j))",
        "return tl.where(left, a, b), tl.where(left, i, j)",
    ],
    "_exponentials": [
        "largest_a, total_a, largest_b, total_b",
        "# of two parts of a row: the largest value, and the sum of all exp(value - largest)",
        "largest = tl.maximum(largest_a, largest_b, propagate_nan=tl.PropagateNan.ALL)",
        'shift = tl.where(largest == float("-inf"), 0.0, largest)',
        "return largest, total_a * EXP(largest_a - shift) + total_b * EXP(largest_b - shift)",
    ],
    "_moments": [
        "count_a, mean_a, squares_a, count_b, mean_b, squares_b",
        "# of two parts of a row: number, mean, and sum of squares about the mean (Chan, Golub and LeVeque, 1979)",
        "count = count_a + count_b",
        "share = tl.where(count_b > 0.0, count_b / count, 0.0)",
        "apart = mean_b - mean_a",
        "squares = squares_a + squares_b + count_a * share * apart * apart",
        "return count, mean_a + share * apart, squares",
    ],
} | {
    word: [
        "count, mean, squares",
        "# of all parts of a row at once; what `near` is off by rounding comes out in the second sum",
        f"total = tl.sum(count, {axis})",
        f"near = tl.sum(count * mean, {axis}) / total",
        f"center = near + tl.sum(count * (mean - near), {axis}) / total",
        "apart = mean - center",
        f"return total, center, tl.sum(squares + count * apart * apart, {axis})",
    ]
    for word, axis in (("_whole_moments", "axis=0"), ("_whole_moments_of_rows", "axis=1, keep_dims=True"))
}
COMBINE = {
    "prod": "_product", "argmax": "_larger", "argmin": "_smaller", "exponentials": "_exponentials",
    "moments": "_moments",
}  # fmt: skip
EXTREMES = {"amax": "_maximum", "amin": "_minimum"}
"""Kind → helper; of floating values, `EXTREMES`: of tl's own words, none keeps NaN."""


def helper(word: str, forms: Forms) -> str:
    """The source of a helper. forms: how it computes exp."""
    signature, *body = (line.replace("EXP", forms.unary("exp", "").removesuffix("()")) for line in HELPERS[word])
    return f"@triton.jit\ndef {word}({signature}):\n" + "".join(f"    {line}\n" for line in body)
