"""Operations one by one, with torch's type promotion."""

import math

import torch
import torch.nn.functional as F
from harness import check, refusal, special

UNARY = (
    "abs acos acosh asin asinh atan atanh ceil cos cosh deg2rad erf erfc erfinv exp exp2 expm1 floor frac isfinite "
    "isinf isnan isneginf isposinf lgamma log log10 log1p log2 logical_not logit nan_to_num neg positive rad2deg "
    "reciprocal relu round rsqrt sgn sigmoid sign signbit sin sinc sinh sqrt square tan tanh trunc"
)
BINARY = (
    "add sub mul div floor_divide fmod remainder pow atan2 copysign eq ne lt le gt ge fmax fmin heaviside hypot "
    "logaddexp maximum minimum xlogy logical_and logical_or logical_xor rsub isclose bitwise_and bitwise_or "
    "bitwise_xor bitwise_left_shift"
)
INTEGERS = torch.tensor([[-7, -2, -1, 0, 1, 2, 5, 8]]).repeat(3, 1)
NONZERO = torch.tensor([3, -3, 2, 5, -4, 1, -1, 7])


def inside(*shape):
    """Numbers where every function is defined."""
    return torch.rand(*shape) * 0.8 + 0.1


def together(functions, *inputs):
    """One kernel for all functions that torch has for these types: real ones, with a result that is not complex."""

    def forward(*values):
        return tuple(function(*values) for function in kept)

    kept = [function for function in functions if works(function, inputs)]
    assert kept
    check(forward, list(inputs))


def works(function, inputs):
    try:
        return not function(*inputs).is_complex()
    except (RuntimeError, TypeError):
        return False


def unary(x):
    together([getattr(torch, name) for name in UNARY.split()], x)


def binary(a, b, *, without=""):
    together([getattr(torch, name) for name in BINARY.split() if name not in without.split()], a, b)


def case_functions_of_floats():
    unary(inside(4, 8))
    unary(special(4, 8).clamp(-90, 90))


def case_functions_of_other_types():
    for x in (inside(3, 5).half(), inside(3, 5).bfloat16(), inside(3, 5).double(), INTEGERS, INTEGERS.to(torch.int8)):
        unary(x)
    unary(INTEGERS > 0)


def case_functions_of_one_number():
    unary(torch.tensor(0.3))


def case_two_floats():
    binary(inside(4, 8), inside(8))
    binary(special(4, 8), special(8))


def case_two_integers():
    binary(INTEGERS, NONZERO, without="pow")
    binary(INTEGERS.int(), NONZERO.to(torch.int8), without="pow")
    binary(INTEGERS.abs().to(torch.uint8), NONZERO.abs().to(torch.uint8), without="pow")


def case_promotion_between_types():
    binary(INTEGERS, special(8))
    binary(inside(4, 8).half(), inside(8))
    binary(inside(4, 8).bfloat16(), NONZERO)
    binary(special(4, 8), inside(4, 8).double())
    binary(INTEGERS > 0, special(8))
    binary(INTEGERS > 0, NONZERO > 2, without="pow")


def case_promotion_with_one_number():
    binary(special(4, 8), torch.tensor(2.5, dtype=torch.float64))
    binary(torch.tensor(2), inside(8).half())


def beside(number):
    """Every binary function with a number of the forward's own."""
    functions = [getattr(torch, name) for name in BINARY.split()]
    return [lambda x, function=function: function(x, number) for function in functions]


def case_numbers_in_the_forward():
    together(beside(0.7), special(4, 8))
    together(beside(3), INTEGERS)
    together(beside(2.5), INTEGERS)
    together([lambda x: 2 - x, lambda x: 2 / x, lambda x: 2**x, lambda x: 3 // x, lambda x: 5 % x], special(4, 8))


def case_numbers_as_inputs():
    def forward(x, slope, count):
        return x * slope + count, x.clamp(max=slope), x.int() * count, x * (slope * 2 + 1)

    check(forward, [special(4, 8).clamp(-9, 9), 2.5, 3], [torch.randn(2, 3), -0.5, 1])


def case_numbers_are_rounded_to_a_half_type_as_eager_does():
    def forward(x):
        return x > 0.1, x == 0.1, x.clamp(max=0.1), F.threshold(x, 0.1, 3.0), x // 0.1

    check(forward, [torch.tensor([0.1, 0.2, -0.1, 0.3]).half()])
    check(forward, [torch.tensor([0.1, 0.2, -0.1, 0.3]).bfloat16()])


def case_powers():
    exponents = (0, 1, 2, 3, 4, 0.5, -0.5, -1, -2, 2.5, 7)
    together([lambda x, e=e: x**e for e in exponents], inside(4, 8))
    together([lambda x, e=e: x**e for e in (1, 2, 3, 5)], INTEGERS)


def case_rounding_modes():
    together([lambda x, y, m=m: torch.div(x, y, rounding_mode=m) for m in (None, "floor", "trunc")], INTEGERS, NONZERO)
    together([lambda x, y, m=m: torch.div(x, y, rounding_mode=m) for m in ("floor", "trunc")], special(8), inside(8))
    together([lambda x: torch.round(x, decimals=2), lambda x: torch.round(x, decimals=-1)], 100 * torch.randn(8))


def case_alpha_and_value():
    def forward(x, y):
        return (
            torch.add(x, y, alpha=2), torch.sub(x, y, alpha=0.5), torch.rsub(x, y, alpha=3),
            torch.addcmul(x, x, y, value=0.5), torch.addcdiv(x, x, y, value=-2), torch.addcmul(x, x, y),
        )  # fmt: skip

    check(forward, [torch.randn(4, 8), inside(8)])


def case_choices():
    def forward(m, x, y):
        return (
            torch.where(m, x, y), torch.where(m, x, 0.5), torch.where(m, 1, y), torch.where(m, 1.0, 0.0),
            x.masked_fill(m, -math.inf), x.masked_fill(~m, torch.tensor(2.0)), torch.where(m, 1, 0), m & ~m | (m ^ m),
        )  # fmt: skip

    check(forward, [torch.rand(4, 8) < 0.5, special(4, 8), torch.randn(8)])
    check(lambda m, i: (torch.where(m, i, 5), i.masked_fill(m, 3)), [torch.rand(3, 8) < 0.5, INTEGERS.to(torch.int8)])


def case_bounds():
    def forward(x, low):
        return (
            x.clamp(0.25, 0.5), x.clamp(min=0.1), x.clamp(max=0.3), x.clamp(2, 1), torch.clamp(x, low, low + 1),
            torch.clamp(x, max=low), x.clamp_min(0.2), x.clip(0, 1),
        )  # fmt: skip

    check(forward, [special(4, 8), special(8).clamp(-9, 9)])
    check(lambda x: (x.clamp(-1, 3), x.clamp(max=2), x.relu()), [INTEGERS])


def case_interpolation():
    check(lambda x, y: (torch.lerp(x, y, 0.3), torch.lerp(x, y, 0.8), torch.lerp(x, y, x)), [inside(8), inside(8)])


def case_casts():
    def forward(x):
        return (
            x.int(),
            x.long(),
            x.bool(),
            x.half(),
            x.double(),
            x.half().float() * 3,
            x.to(torch.bfloat16),
            x.type_as(x),
        )

    check(forward, [10 * torch.randn(4, 8)])
    check(lambda i: (i.float() / 3, i.bool(), i.to(torch.int8), i.double()), [INTEGERS])
    check(lambda m: (m.float() * 2, m.long() + 1, m.half()), [INTEGERS > 0])


def case_constants():
    def forward(x):
        return (
            torch.zeros_like(x) + x, torch.ones(8) * x, torch.full((8,), 0.5) * x, torch.full_like(x, 2),
            x.new_zeros(8) + x,
            torch.exp(torch.full((8,), 0.5)) + x, x * torch.tensor(3.0), torch.where(x > 0, x, torch.zeros(())),
        )  # fmt: skip

    check(forward, [torch.randn(4, 8)])


LOSSES = "mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy kl_div soft_margin_loss"


def case_losses_without_reduction():
    losses = [getattr(F, name) for name in LOSSES.split()]
    together([lambda x, y, loss=loss: loss(x, y, reduction="none") for loss in losses], inside(8), inside(8))


def case_integer_results_of_a_half_type_are_rounded_as_in_eager():
    def forward(x):
        return (x * 3 + 1).floor().int(), x * 2 > 1

    text = check(forward, [3 * torch.randn(400).half()])
    assert ".dtype.element_ty).to(tl.float32)  # rounded, as eager" in text


def case_float64_keeps_its_numbers():
    check(lambda x: (x * 0.1, torch.where(x > 0.3, 0.1, x), x.clamp(max=0.7)), [torch.rand(8).double()])


def case_what_is_missing_is_named():
    names = refusal(lambda x: torch.logcumsumexp(x, -1) * x.sort(1).values, [torch.randn(2, 4)]).missing
    assert names == ("aten.logcumsumexp.default", "aten.sort.default"), names
    answer = refusal(lambda x: torch.logcumsumexp(x, 0), [torch.randn(2, 4)])
    assert answer.missing == ("aten.logcumsumexp.default",) and "`aten.logcumsumexp.default`" in answer.reason, answer
    assert refusal(lambda x: torch.flip(x, [0]), [torch.randn(4)]).missing == ("aten.flip.default",)
    assert refusal(lambda i, j: i**j, [NONZERO, NONZERO.abs()]).missing == ("aten.pow.Tensor_Tensor",)
    assert refusal(lambda x: x.view(torch.int32) + 1, [torch.randn(4)]).missing == ("aten.view.dtype",)
    assert refusal(lambda x: torch.complex(x, x), [torch.randn(4)]).missing == ("aten.complex.default",)
