"""Knowledge distillation from multimodal teachers to int8 students on wearable microcontrollers."""

from tfkd import compress, data, deploy, distillers, encodings, losses, methods, networks
from tfkd.distillers import Distiller

__version__ = "0.1.0"

__all__ = ["Distiller", "compress", "data", "deploy", "distillers", "encodings", "losses", "methods", "networks"]
