"""Teachers and students. All end in logits and have a layer named `"embedding"`."""

from tfkd.networks.fusion import fused_teacher
from tfkd.networks.imu import imu_student
from tfkd.networks.skeleton import skeleton_teacher
from tfkd.networks.video import light_frames, trn_teacher

__all__ = ["fused_teacher", "imu_student", "light_frames", "skeleton_teacher", "trn_teacher"]
