"""The operations that pointwise problems are made of, as text with holes."""

from __future__ import annotations

LAYOUTS = (
    {"width": (64, 3000)},
    {"tokens": (16, 200), "features": (16, 300)},
    {"batch_size": (1, 6), "seq_len": (8, 60), "features": (8, 100)},
    {"batch_size": (1, 5), "channels": (2, 12), "height": (4, 20), "width": (4, 20)},
)
"""The named sizes of a problem, each with its range."""

UNARY = (
    ("torch.relu({x})", 1.0), ("F.gelu({x})", 1.0), ('F.gelu({x}, approximate="tanh")', 1.0), ("F.silu({x})", 1.0),
    ("torch.tanh({x})", 0.0), ("torch.sigmoid({x})", 0.0), ("F.elu({x}, alpha=0.7)", 1.0), ("F.mish({x})", 1.0),
    ("F.leaky_relu({x}, 0.1)", 1.0), ("F.softplus({x})", 1.2), ("F.hardswish({x})", 1.0), ("F.hardsigmoid({x})", 0.0),
    ("F.hardtanh({x}, -2.0, 1.5)", 0.0), ("F.softsign({x})", 0.0), ("F.logsigmoid({x})", 1.2), ("F.selu({x})", 1.8),
    ("F.softshrink({x}, 0.3)", 1.0), ("F.tanhshrink({x})", 1.0), ("F.relu6({x})", 1.0), ("F.celu({x})", 1.0),
    ("torch.abs({x})", 1.0), ("torch.sin({x})", 0.0), ("torch.cos({x})", 0.0), ("torch.atan({x})", 0.0),
    ("torch.erf({x})", 0.0), ("torch.exp({x}.clamp(max=2.0))", 0.0), ("torch.log1p({x}.abs())", 0.5), ("-{x}", 1.0),
    ("torch.sqrt({x}.abs() + 0.1)", 0.8), ("torch.rsqrt({x} * {x} + 1.0)", 0.0), ("{x}.square()", 3.0),
    ("{x}.clamp({low}, {high})", 0.0), ("{x} * {c}", 2.0), ("{x} + {c}", 1.3), ("{c} - {x}", 1.3), ("{x} / {c}", 2.0),
    ("{x} ** 3", 9.0),
    ("torch.reciprocal({x}.abs() + 1.0)", 0.0), ("torch.expm1({x}.clamp(max=1.5))", 0.0), ("torch.asinh({x})", 0.5),
    ("torch.where({x} > {c}, {x}, {x} * 0.5)", 1.0), ("torch.nan_to_num({x})", 1.0),
    ("{x}.masked_fill({x} < 0, 0.25)", 1.0),
)  # fmt: skip
"""A form, and by about what it multiplies magnitudes above 1; 0 where its result is small whatever comes in."""

BINARY = (
    ("{x} + {y}", 1.5), ("{x} - {y}", 1.5), ("{x} * {y}", 3.0), ("torch.maximum({x}, {y})", 1.0),
    ("torch.minimum({x}, {y})", 1.0), ("{x} / ({y}.abs() + 0.5)", 2.0), ("torch.lerp({x}, {y}, 0.3)", 1.0),
    ("torch.where({x} > {y}, {x}, 0.5 * {y})", 1.0), ("torch.hypot({x}, {y})", 1.4), ("torch.atan2({x}, {y})", 0.0),
    ("torch.addcmul({x}, {x}, {y}, value=0.5)", 3.0), ("torch.sub({x}, {y}, alpha=0.5)", 1.3),
    ("torch.sigmoid({x}) * {y}", 1.0), ("F.silu({x}) * {y}", 3.0), ("{x} * torch.sigmoid({y})", 1.0),
)  # fmt: skip

INTEGER = ("{i} + 3", "{i} * 2", "{i}.abs()", "{i} % 5", "{i} // 3", "{i}.clamp(-3, 4)", "{i} & 6", "-{i}")
WITH_TRUTH = (
    "torch.where({m}, {x}, 0.1)", "torch.where(~{m}, {x}, 2 * {x})", "{x}.masked_fill({m}, 0.5)", "{x} * {m}",
    "torch.where({m}, {x}, -{x})",
)  # fmt: skip
TO_TRUTH = ("{x} > {c}", "{x} <= {c}", "{x}.abs() < 1.0")
