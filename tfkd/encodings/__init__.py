"""From a standardised window to what an image network sees."""

from tfkd.encodings.gaf import CONVENTIONS, ENCODINGS, Gaf, GramianAngularField, gramian_angular_field
from tfkd.encodings.pyts_encodings import markov_transition_field, recurrence_plot

__all__ = [
    "CONVENTIONS",
    "ENCODINGS",
    "Gaf",
    "GramianAngularField",
    "gramian_angular_field",
    "markov_transition_field",
    "recurrence_plot",
]
