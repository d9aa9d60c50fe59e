"""From a trained Keras student to what firmware includes: int8 `.tflite`, contract, C files.

Its modules load TensorFlow and the interpreter only where they need them.
"""

from tfkd.deploy.arena import TflmError
from tfkd.deploy.check import check_exportable
from tfkd.deploy.contract import Contract, ContractError
from tfkd.deploy.cost import Cost, cost_of
from tfkd.deploy.encoding import encode_for
from tfkd.deploy.export import export_student
from tfkd.deploy.exported import ExportResult, c_files, load_export, replay
from tfkd.deploy.four_bit import FourBitError, in_four_bits
from tfkd.deploy.interface import ExportError
from tfkd.deploy.plain_c import PlainCError, plain_c_files
from tfkd.deploy.tflite import balanced_calibration, convert_int8
from tfkd.deploy.tflm import TflmModel
from tfkd.deploy.variants import Variant, VariantError, make_variants

__all__ = [
    "Contract",
    "ContractError",
    "Cost",
    "ExportError",
    "ExportResult",
    "FourBitError",
    "PlainCError",
    "TflmError",
    "TflmModel",
    "Variant",
    "VariantError",
    "balanced_calibration",
    "c_files",
    "check_exportable",
    "convert_int8",
    "cost_of",
    "encode_for",
    "export_student",
    "in_four_bits",
    "load_export",
    "make_variants",
    "plain_c_files",
    "replay",
]
