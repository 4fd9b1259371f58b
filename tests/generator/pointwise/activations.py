"""Every activation of torch.nn that is pointwise, on ordinary and on special values, in four types."""

import math

import torch
from harness import check, special
from torch import nn

DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


class Side(nn.Module):
    """Several activations of one input."""

    def __init__(self, modules):
        super().__init__()
        self.activations = nn.ModuleList(modules)

    def forward(self, x):
        return [activation(x) for activation in self.activations]


def right(*modules, shape=(6, 8), other=(7, 8), largest=math.inf):
    """Alike in every type, on numbers with NaN and, below `largest`, infinities."""
    for dtype in DTYPES:
        x = special(*shape).clamp(-largest, largest)
        check(Side(modules).to(dtype), [x.to(dtype)], [torch.randn(other).to(dtype)])


def case_bounded():
    right(nn.ReLU(), nn.ReLU6(), nn.Hardtanh(), nn.Hardtanh(-0.3, 0.7), nn.Threshold(0.1, 20))


def case_shrinking():
    right(nn.Hardshrink(), nn.Hardshrink(0.7), nn.Softshrink(), nn.Softshrink(0.7), nn.Tanhshrink())


def case_hard():
    right(nn.Hardsigmoid(), nn.Hardswish())


def case_leaky():
    right(nn.LeakyReLU(), nn.LeakyReLU(0.3), nn.RReLU().eval(), nn.PReLU())


def case_prelu_with_a_slope_for_each_channel():
    right(nn.PReLU(8))
    right(nn.PReLU(3), shape=(2, 3, 5), other=(4, 3, 2))


def case_exponential():
    right(nn.ELU(), nn.ELU(0.5), nn.CELU(), nn.CELU(0.7), nn.SELU())


def case_sigmoid():
    right(nn.Sigmoid(), nn.LogSigmoid(), nn.SiLU(), nn.Mish())


def case_gelu():
    """Of an infinity it is NaN in torch on the CPU, and not on a GPU."""
    right(nn.GELU(), nn.GELU(approximate="tanh"), largest=1e4)


def case_soft():
    right(nn.Softplus(), nn.Softplus(2.0, 5.0), nn.Softsign(), nn.Tanh())


def case_glu():
    right(nn.GLU(), other=(4, 12))
    right(nn.GLU(0), other=(4, 12))


def case_softplus_of_large_numbers_neither_overflows_nor_loses_small_ones():
    check(nn.Softplus(), [torch.tensor([-100.0, -20.0, 19.9, 20.1, 500.0])])
