"""The papers' methods: each function returns a training that is ready to compile and fit."""

from tfkd.methods.packing import packing
from tfkd.methods.pskd import pskd
from tfkd.methods.vskd import vskd

__all__ = ["packing", "pskd", "vskd"]
