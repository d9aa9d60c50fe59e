"""The papers' methods: each function returns a `tfkd.Distiller` that is ready to compile."""

from tfkd.methods.vskd import vskd

__all__ = ["vskd"]
