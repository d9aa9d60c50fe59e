"""Making a student smaller."""

from tfkd.compress.channels import ChannelError, Channels
from tfkd.compress.importance import activation_importance, gradient_importance, weight_importance
from tfkd.compress.pruning import Pruning, polynomial, sparsity_of

__all__ = [
    "ChannelError",
    "Channels",
    "Pruning",
    "activation_importance",
    "gradient_importance",
    "polynomial",
    "sparsity_of",
    "weight_importance",
]
