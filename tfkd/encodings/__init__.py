"""From a standardised window to what an image network sees."""

from tfkd.encodings.gaf import ENCODINGS, Gaf, gramian_angular_field

__all__ = ["ENCODINGS", "Gaf", "gramian_angular_field"]
