"""The recipe that each data set has by default."""

from pathlib import Path

MODELS = Path(__file__).resolve().parent.parent / "models"
DEFAULT_RECIPES = {
    "utd": "utd-imu",
    "berkeley": "berkeley-wrist",
    "mmact": "mmact-watch",
    "openpack": "openpack-packing",
    "synthetic": "synthetic-imu",
    "synthetic_packing": "synthetic-packing",
}
