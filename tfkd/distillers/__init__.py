"""Keras models that train a student with a teacher's help, or several teachers'."""

from tfkd.distillers.adaptive import AdaptiveDistillation
from tfkd.distillers.cross_fitted import cross_fitted, fold_of
from tfkd.distillers.distiller import Distiller
from tfkd.distillers.feature import FeatureDistillation, LabelDistillation, LogitsLoss
from tfkd.distillers.judging import judge_teachers
from tfkd.distillers.progressive import Progressive, Stage
from tfkd.distillers.teacher_cache import TeacherCache, TeacherCacheError

__all__ = [
    "AdaptiveDistillation", "Distiller", "FeatureDistillation", "LabelDistillation", "LogitsLoss", "Progressive",
    "Stage", "TeacherCache", "TeacherCacheError", "cross_fitted", "fold_of", "judge_teachers",
]  # fmt: skip
