"""Teachers and students. All end in logits and have a layer named `"embedding"`."""

from tfkd.networks import weights
from tfkd.networks.bn_inception import bn_inception
from tfkd.networks.causal import causal_student, forget, memory_of, streaming
from tfkd.networks.fusion import fused_teacher
from tfkd.networks.graph import graph_teacher
from tfkd.networks.images import gaf_student, resnet18
from tfkd.networks.imu import imu_student, imu_teacher
from tfkd.networks.skeleton import skeleton_teacher
from tfkd.networks.video import light_frames, trn_teacher

__all__ = [
    "bn_inception",
    "causal_student",
    "forget",
    "fused_teacher",
    "gaf_student",
    "graph_teacher",
    "imu_student",
    "imu_teacher",
    "light_frames",
    "memory_of",
    "resnet18",
    "skeleton_teacher",
    "streaming",
    "trn_teacher",
    "weights",
]
