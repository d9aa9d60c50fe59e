"""The writer of models under the name by which the tests know it."""

from tfkd.deploy.model_writer import MemoryWriter, ModelWriter

__all__ = ["MemoryWriter", "ModelWriter"]
