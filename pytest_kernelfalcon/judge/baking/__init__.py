"""Baking: an accepted kernel's plan as a module without its author's Python, for the judged sizes alone."""

from pytest_kernelfalcon.judge.baking.check import difference
from pytest_kernelfalcon.judge.baking.module import HANGS_ON_VALUES, baked, named
from pytest_kernelfalcon.judge.baking.words import NotBakeable, Words

__all__ = ["HANGS_ON_VALUES", "NotBakeable", "Words", "baked", "difference", "named"]
