"""From recordings to paired windows."""

from tfkd.data.augment import Augmentation
from tfkd.data.batches import Batches, FollowEpoch
from tfkd.data.frames import FrameSampling, encode_depth
from tfkd.data.normalisation import Normalisation
from tfkd.data.recordings import DataError, Recording, Recordings, Stream
from tfkd.data.splits import Split, cross_subject, cross_subject_reversed, cross_trial, leave_one_subject_out
from tfkd.data.windows import Windows, by_recording, centred_skeletons, stream, whole_trial
from tfkd.data.word_vectors import label_vectors

__all__ = [
    "Augmentation", "Batches", "DataError", "FollowEpoch", "FrameSampling", "Normalisation", "Recording", "Recordings",
    "Split", "Stream", "Windows", "by_recording", "centred_skeletons", "cross_subject",
    "cross_subject_reversed", "cross_trial", "encode_depth",
    "label_vectors", "leave_one_subject_out", "stream", "whole_trial",
]  # fmt: skip
