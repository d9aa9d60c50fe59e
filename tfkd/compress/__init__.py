"""Making a student smaller."""

from tfkd.compress.pruning import Pruning, polynomial, sparsity_of

__all__ = ["Pruning", "polynomial", "sparsity_of"]
