"""Depth and video files in UTD-MHAD's format, of a person of two rectangles who moves a hand to the right.

Depth comes as in the official release (240 x 320, as many frames as the skeleton) or thinned out in all three. Videos
are written by PyAV.
"""

from pathlib import Path

import numpy as np
from scipy.io import loadmat, savemat

BODY_MM, HAND_MM = 2800, 2300


def depth_maps(frames, height=120, width=160, body_mm=BODY_MM, left=0.5):
    """uint16 `(frames, height, width)`: a body 0.5 m wide and 1.7 m high, and a hand 0.5 m before it.

    The pixels are those of a camera with a focal length of 0.9 picture widths; `left` is where in the picture the
    person stands.
    """
    depth = np.zeros((frames, height, width), "uint16")
    pixel = 0.9 * width / (body_mm / 1000)  # pixels a metre
    centre, feet = left * width, 0.5 * height + 0.85 * pixel

    def box(frame, x, y, w, h, mm):
        rows = slice(max(0, round(feet - (y + h) * pixel)), round(feet - y * pixel))
        columns = slice(max(0, round(centre + (x - w / 2) * pixel)), round(centre + (x + w / 2) * pixel))
        depth[frame, rows, columns] = mm

    for frame in range(frames):
        box(frame, 0, 0, 0.5, 1.7, body_mm)
        box(frame, -0.6 + 1.2 * frame / (frames - 1), 1.2, 0.15, 0.15, body_mm - BODY_MM + HAND_MM)
    return depth


def write_depth(path, maps, key="d_depth"):
    """Writes `(frames, height, width)` as the official `(height, width, frames)`."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {key: np.asarray(maps).transpose(1, 2, 0)})
    return Path(path)


def write_avi(path, frames, rate=15):
    """Writes uint8 RGB `(frames, height, width, 3)` as MPEG-4."""
    import av

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return Path(path)


def pictures(frames, height=48, width=64):
    """uint8 RGB `(frames, height, width, 3)`: red grows over time, green to the right, blue downwards."""
    red, blue, green = np.meshgrid(*(np.linspace(0, 240, n) for n in (frames, height, width)), indexing="ij")
    return np.stack([red, green, blue], axis=-1).astype("uint8")


def add_depth(tree, part=4):
    """Adds a depth file, each `part`-th frame, row and column, to every trial of a tree of `tests.formats.utd.build`.

    Returns:
        The paths.
    """
    paths = []
    for path in sorted((Path(tree) / "Skeleton").glob("*.mat")):
        frames = loadmat(path)["d_skel"].shape[2]
        maps = depth_maps(-(-frames // part), 240 // part, 320 // part)
        paths.append(write_depth(depth_path(tree, path.name.removesuffix("_skeleton.mat")), maps))
    return paths


def add_videos(tree, **size):
    """Adds a video to every trial, about as long as its inertial file; returns the paths."""
    paths = []
    for path in sorted((Path(tree) / "Inertial").glob("*.mat")):
        frames = round(len(loadmat(path)["d_iner"]) / 50 * 15)
        trial = path.name.removesuffix("_inertial.mat")
        paths.append(write_avi(Path(tree) / "RGB" / f"{trial}_color.avi", pictures(frames, **size)))
    return paths


def depth_path(tree, trial):
    """Where `add_depth` put a file."""
    return Path(tree) / "Depth" / f"{trial}_depth.mat"
