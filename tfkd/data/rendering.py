"""Depth maps of a skeleton: what a depth camera would roughly see of the body around it."""

import numpy as np

from tfkd.data.frames import FOCAL
from tfkd.data.utd_mhad import BONES, JOINTS

HEIGHT, WIDTH = 96, 96  # pixels; a Kinect's picture is less high, but synthetic people stand where they like
BALLS = 4  # along each bone
_THICK = {"head": 0.11, "shoulder_center": 0.10, "spine": 0.15, "hip_center": 0.14, "shoulder": 0.08, "elbow": 0.05,
          "wrist": 0.045, "hand": 0.05, "hip": 0.11, "knee": 0.07, "ankle": 0.05, "foot": 0.05}  # fmt: skip
RADII = np.array([_THICK.get(joint) or _THICK[joint.split("_")[1]] for joint in JOINTS], "float32")  # metres


def render_depth(skeleton):
    """Draws every bone as a row of balls, seen by a camera in the origin that looks along z, person in the middle.

    Args:
        skeleton: `(frames, 20, 3)` in metres, UTD-MHAD's joints and axes (x right, y up, z away from the camera).

    Returns:
        uint16 `(frames, 96, 96)` in mm, 0 for background.
    """
    skeleton = np.asarray(skeleton, "float32")
    inner, outer = np.array(BONES).T
    share = np.linspace(0, 1, BALLS, dtype="float32")[:, None]
    at = skeleton[:, inner, None] * (1 - share) + skeleton[:, outer, None] * share
    radius = (RADII[inner, None] * (1 - share[:, 0]) + RADII[outer, None] * share[:, 0]).ravel()
    x, y, z = np.maximum(at.reshape(len(at), -1, 3), (-np.inf, -np.inf, 0.5)).astype("float32").transpose(2, 0, 1)
    scale = FOCAL * WIDTH / z  # pixels a metre
    column, row = WIDTH / 2 + x * scale, HEIGHT / 2 - (y - (y.max() + y.min()) / 2) * scale

    reach = int(np.ceil((radius * scale).max()))
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype("float32").reshape(2, -1, 1, 1)
    rows, columns = np.floor(row) + down, np.floor(column) + right
    off_centre = (rows - (row - np.float32(0.5))) ** 2 + (columns - (column - np.float32(0.5))) ** 2
    bulge = radius**2 - off_centre / scale**2  # a ball is nearest in its middle
    hit = (bulge > 0) & (rows >= 0) & (rows < HEIGHT) & (columns >= 0) & (columns < WIDTH)
    frame = np.broadcast_to(np.arange(len(at))[:, None], hit.shape)[hit]
    distance = (1000 * (np.broadcast_to(z, hit.shape)[hit] - np.sqrt(bulge[hit]))).astype("uint16")

    depth = np.zeros((len(at), HEIGHT, WIDTH), "uint16")
    far_to_near = np.argsort(65535 - distance, kind="stable")  # the last one written stays
    pixel = ((frame * HEIGHT + rows[hit]) * WIDTH + columns[hit]).astype(int)
    depth.ravel()[pixel[far_to_near]] = distance[far_to_near]
    return depth
