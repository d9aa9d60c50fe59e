"""Making a student smaller."""

from tfkd.compress.channels import ChannelError, Channels
from tfkd.compress.importance import activation_importance, gradient_importance, weight_importance
from tfkd.compress.pruning import Pruning, polynomial, prunable_layers, sparsity_by_layer, sparsity_of
from tfkd.compress.quantization import quantization_aware, ranges_of, strip
from tfkd.compress.quantization_error import LayerError, layer_errors
from tfkd.compress.sparsity import sparsity_per_layer
from tfkd.compress.sparsity_pattern import Pattern

__all__ = [
    "ChannelError",
    "Channels",
    "LayerError",
    "Pattern",
    "Pruning",
    "activation_importance",
    "gradient_importance",
    "layer_errors",
    "polynomial",
    "prunable_layers",
    "quantization_aware",
    "ranges_of",
    "sparsity_by_layer",
    "sparsity_of",
    "sparsity_per_layer",
    "strip",
    "weight_importance",
]
