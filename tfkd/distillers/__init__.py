"""Keras models that train a student with a teacher's help."""

from tfkd.distillers.distiller import Distiller
from tfkd.distillers.feature import FeatureDistillation, LabelDistillation, LogitsLoss
from tfkd.distillers.teacher_cache import TeacherCache, TeacherCacheError

__all__ = [
    "Distiller", "FeatureDistillation", "LabelDistillation", "LogitsLoss", "TeacherCache", "TeacherCacheError",
]  # fmt: skip
