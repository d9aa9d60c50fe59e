"""Values of every channel brought to the same size, by the training windows."""

import dataclasses

import numpy as np

from tfkd.data.recordings import DataError

STILL = 1e-6
"""Share of its mean that a channel varies by at most which does not vary: some steps of float32."""


@dataclasses.dataclass(frozen=True)
class Normalisation:
    """Per-channel `(x - mean) / scale`, fitted on training windows only.

    Attributes:
        mean, scale: modality -> float32 array over the trailing (channel) axes.
    """

    mean: dict[str, np.ndarray]
    scale: dict[str, np.ndarray]

    @classmethod
    def fit(cls, windows):
        """Fits mean and standard deviation over time and the windows that have a modality; frames (uint8) are left as
        they are.

        Raises:
            DataError: a channel of the IMU is constant over the whole training set; values are not finite; or no window
                has a modality.
        """
        mean, scale = {}, {}
        for modality in windows.arrays:
            if windows.arrays[modality].dtype == np.uint8:
                continue
            mean[modality], scale[modality] = windows.moments(modality)
            if not np.isfinite(scale[modality]).all():
                raise DataError(
                    f"Channel {np.argwhere(~np.isfinite(scale[modality])).tolist()} of {modality} has values that are "
                    "not finite in the training windows. Interpolate them, or leave these recordings out."
                )
            # Resampling leaves rounding errors of what was constant.
            still = scale[modality] <= STILL * np.abs(mean[modality])
            if modality != "imu":
                scale[modality][still] = 1  # a joint in the middle, a confidence that never changes
            elif still.any():
                raise DataError(
                    f"Channel {np.argwhere(still).tolist()} of {modality} is constant over all training windows: a "
                    "dead sensor? Leave the channel out."
                )
        return cls(mean, scale)

    def __call__(self, modality, values):
        """Normalised `values` of one modality; modalities it was not fitted on pass unchanged."""
        if modality not in self.mean:
            return values
        normal = values - self.mean[modality]
        normal /= self.scale[modality]
        return normal
