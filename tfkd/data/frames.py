"""Depth and video as frames: uint8 `(frames, size, size, 3)`, and the segments of them that a teacher sees.

Depth maps become pictures of three channels, so that any image network takes them. Lengths are scaled to metres
rather than to the picture, so that a person looks alike wherever they stand:

- 0, depth: how much nearer or further than the middle of the body, 128 at the same distance, 0 for background;
- 1, motion: what channel 0 has gained or lost since about 1/15 s before, 128 where nothing moved;
- 2, pose: what channel 0 has gained or lost against the clip's mean, 128 where the person mostly is.

One frame of depth alone says where the hand is, not where it goes: of two swipes that differ in direction the
motion tells which. Published work on UTD-MHAD puts the same two ideas into depth motion maps (Chen et al., ICIP
2015); the form is chosen here.
"""

import dataclasses

import numpy as np

from tfkd.data.recordings import DataError

SIDE = 2.2  # metres that the picture shows; a raised hand fits
BELOW = 0.1  # metres of it below the feet
REACH = 0.8  # metres nearer or further than the body at which channel 0 is full
FOCAL = 0.9  # focal length in picture widths: 575 of 640 px for the Kinect v1
MOTION_S = 1 / 15  # seconds between the two frames of channel 1
ENCODING = (1, SIDE, BELOW, REACH, FOCAL, MOTION_S)  # what stored pictures depend on; 1 is the form of the channels


def encode_depth(depth, size=64, rate_hz=30.0, most=None):
    """Encodes a clip of depth maps as uint8 pictures.

    A square of 2.2 m about the person, the same for the whole clip, is cut out and averaged down by area; what of
    it lies outside the picture is background.

    Args:
        depth: `(frames, height, width)` in mm, 0 for background.
        size: height and width of the result in pixels.
        rate_hz: frames a second, for the distance in time of channel 1.
        most: keep at most this many frames, evenly chosen; motion is told from the frames before them all the same.

    Returns:
        uint8 `(frames, size, size, 3)`.

    Raises:
        DataError: nothing but background.
    """
    square, middle = _square(depth)
    cover = _cut((depth > 0).astype("float32"), square, size)
    metres = _cut(depth.astype("float32") / 1000, square, size) / np.maximum(cover, 1e-6)
    near = cover * (0.5 + 0.5 * np.clip((middle - metres) / REACH, -1, 1))  # 0 background, 0.5 the body
    chosen = evenly(len(near), min(most or len(near), len(near)))
    before = np.maximum(chosen - max(1, round(rate_hz * MOTION_S)), 0)
    channels = (near[chosen], 0.5 + (near[chosen] - near[before]) / 2, 0.5 + (near[chosen] - near.mean(0)) / 2)
    return np.rint(255 * np.stack(channels, axis=-1)).astype("uint8")


def _square(depth):
    """Top, left and side of the square about the person, in pixels, and how far they are, in metres."""
    if not depth.any():
        raise DataError("nothing but background")
    few = depth[:: max(1, len(depth) // 30)]  # enough of the clip for what are medians
    few = few if few.any() else depth
    _, y, x = np.nonzero(few)
    middle = float(np.median(few[few > 0])) / 1000
    pixels_a_metre = FOCAL * depth.shape[2] / middle
    side = SIDE * pixels_a_metre
    return (np.percentile(y, 99) + BELOW * pixels_a_metre - side, np.median(x) - side / 2, side), middle


def _cut(frames, square, size):
    """A square of float32 `(frames, height, width, ...)`, averaged by area; beyond the picture it is 0."""
    top, left, side = square
    return _averaged(_averaged(frames, 1, top, side, size), 2, left, side, size)


def _averaged(values, axis, start, length, size):
    """Means of `size` equal parts of `[start, start + length)` along an axis, fractions of a pixel included."""
    pixels = values.shape[axis]
    edges = np.clip(start + length * np.arange(size + 1) / size, 0, pixels)
    whole = np.minimum(edges.astype(int), pixels - 1)
    first, last = whole[0], whole[-1] + 1
    values = values[(slice(None),) * axis + (slice(first, last),)]
    # The sum up to an edge: all whole pixels before it, and its share of the pixel that it lies in.
    share = (edges - whole).astype("float32").reshape(-1, *[1] * (values.ndim - axis - 1))
    here = values.take(whole - first, axis)
    sums = np.cumsum(values, axis, out=values.copy()).take(whole - first, axis) + here * (share - 1)
    return np.diff(sums, axis=axis) * np.float32(size / length)


def evenly(frames, count):
    """`count` indices evenly spread over `frames` frames, the first and the last among them."""
    return np.rint(np.linspace(0, frames - 1, count)).astype(int)


@dataclasses.dataclass(frozen=True)
class FrameSampling:
    """Segments of clips as a teacher sees them: sparse in time, cropped at several scales.

    Time is cut into equal segments, and one frame is taken of each (Wang et al., "Temporal segment networks", ECCV
    2016): a random one in training, the middle one in evaluation. In training, a corner or the middle is cut out at a
    random scale, its height and width at most one step of `scales` apart, and brought to `crop` pixels (nearest);
    in evaluation the middle `crop` pixels.

    Args:
        segments: frames that the teacher sees.
        crop: height and width in pixels; `None` is 7/8 of the frames' (as 224 of 256).
        scales: share of the frame's side that a crop has, one drawn for each clip.
        flip: mirror half of the clips. Off by default, unlike in the paper: UTD-MHAD tells a swipe to the left from
            one to the right, and a mirrored clip would carry the wrong label.
        shade: in training, a factor of up to `1 +- shade` on the clip's contrast about mid-grey, and a shift of up to
            `shade` times mid-grey.

    Example:
        `FrameSampling(segments=8)(clips, np.random.default_rng(0))`
    """

    segments: int = 8
    crop: int | None = None
    scales: tuple[float, ...] = (1.0, 0.875, 0.75, 0.66)
    flip: bool = False
    shade: float = 0.0

    def __post_init__(self):
        if self.segments < 1 or (self.crop is not None and self.crop < 1):
            raise ValueError(f"segments and crop must be at least 1, got {self.segments} and {self.crop}.")
        if not self.scales or not all(0 < scale <= 1 for scale in self.scales):
            raise ValueError(f"scales must be shares above 0 and up to 1, got {self.scales}.")
        if not 0 <= self.shade < 1:
            raise ValueError(f"shade must be from 0 to below 1, got {self.shade}.")

    def shape(self, frames):
        """Shape of one sample from frames of shape `(time, size, size, 3)`."""
        crop = self._crop(frames[1])
        return (self.segments, crop, crop, frames[3])

    def __call__(self, clips, rng=None):
        """Samples a batch.

        Args:
            clips: uint8 `(batch, time, height, width, 3)`.
            rng: `numpy.random.Generator` for training; `None` is evaluation.

        Returns:
            float32 `(batch, segments, crop, crop, 3)`, pixel values 0 to 255.

        Raises:
            ValueError: fewer frames than segments, or frames smaller than `crop`.
        """
        batch, time, height, width = clips.shape[:4]
        if time < self.segments:
            raise ValueError(f"The clips have {time} frames, fewer than the {self.segments} segments asked for.")
        crop = self._crop(min(height, width))
        if min(height, width) < crop:
            raise ValueError(f"The frames have {height} x {width} pixels, less than crop={crop}.")
        frames = self._times(batch, time, rng)
        rows, columns = self._places(batch, height, width, crop, rng)
        # Frames and rows are copied in whole stretches, and only of what is left the columns.
        picked = clips[np.arange(batch)[:, None, None], frames[:, :, None], rows[:, None, :]]
        picked = np.stack([clip.take(places, axis=2) for clip, places in zip(picked, columns)])
        picked = picked.astype("float32")
        if rng is not None and self.shade:
            factor, shift = 1 + rng.uniform(-self.shade, self.shade, (2, batch, 1, 1, 1, 1)).astype("float32")
            picked -= 128
            picked *= factor
            picked += 128 * shift
            np.clip(picked, 0, 255, out=picked)
        return picked

    def _crop(self, side):
        return self.crop or max(1, round(0.875 * side))

    def _times(self, batch, time, rng):
        edges = np.arange(self.segments + 1) * time // self.segments
        if rng is None:
            return np.tile((edges[:-1] + edges[1:] - 1) // 2, (batch, 1))
        return rng.integers(edges[:-1], edges[1:], (batch, self.segments))

    def _places(self, batch, height, width, crop, rng):
        """Rows and columns to take, `(batch, crop)` each."""
        if rng is None:
            rows, columns = (np.arange(crop) + (side - crop) // 2 for side in (height, width))
            return np.tile(rows, (batch, 1)), np.tile(columns, (batch, 1))
        tall = rng.integers(len(self.scales), size=batch)
        wide = np.clip(tall + rng.integers(-1, 2, batch), 0, len(self.scales) - 1)
        corner = np.array([(0, 0), (0, 1), (1, 0), (1, 1), (0.5, 0.5)])[rng.integers(5, size=batch)]
        places = []
        for axis, (side, scale) in enumerate(((height, tall), (width, wide))):
            length = np.array(self.scales)[scale] * min(height, width)
            start = corner[:, axis] * (side - length)
            places.append((start[:, None] + (np.arange(crop) + 0.5) * length[:, None] / crop).astype(int))
        if self.flip:
            mirror = rng.random(batch) < 0.5
            places[1] = np.where(mirror[:, None], places[1][:, ::-1], places[1])
        return places
