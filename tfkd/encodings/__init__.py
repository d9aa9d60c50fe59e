"""From a standardised window to what an image network sees."""

from tfkd.encodings.gaf import CONVENTIONS, ENCODINGS, Gaf, GramianAngularField, gramian_angular_field

__all__ = ["CONVENTIONS", "ENCODINGS", "Gaf", "GramianAngularField", "gramian_angular_field"]
