"""Distillation losses: `keras.losses.Loss` with `y_true` = teacher and `y_pred` = student."""

from tfkd.losses.adaptive import AdaptiveConfidence, adaptive_confidence, adaptive_shares
from tfkd.losses.dask import DASK, dask
from tfkd.losses.relational import AngleWise, DistanceWise, angle_wise, distance_wise
from tfkd.losses.semantic import Semantic, semantic
from tfkd.losses.soft_targets import SoftTargets, soft_targets

__all__ = [
    "AdaptiveConfidence", "AngleWise", "DASK", "DistanceWise", "Semantic", "SoftTargets",
    "adaptive_confidence", "adaptive_shares", "angle_wise", "dask", "distance_wise", "semantic", "soft_targets",
]  # fmt: skip
