"""Making a student smaller."""

from tfkd.compress.pruning import Pruning, polynomial, sparsity_of
from tfkd.compress.quantization import quantization_aware, ranges_of, strip
from tfkd.compress.quantization_error import LayerError, layer_errors

__all__ = [
    "LayerError",
    "Pruning",
    "layer_errors",
    "polynomial",
    "quantization_aware",
    "ranges_of",
    "sparsity_of",
    "strip",
]
