"""BVH files against positions computed by hand, and what a broken one is told to be."""

import numpy as np
import pytest

from tfkd.data import DataError, bvh

TEXT = """HIERARCHY
ROOT hips
{
    OFFSET 5 5 5
    CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
    JOINT arm
    {
        OFFSET 0 0 1
        CHANNELS 2 Xrotation Zrotation
        End Site
        {
            OFFSET 1 0 0
        }
    }
    JOINT leg
    {
        OFFSET 0 -2 0
        CHANNELS 3 Xrotation Yrotation Zrotation
    }
}
MOTION
Frames: 4
Frame Time: 0.008333
10 20 30  0 0 0    0 0   0 0 0
10 20 30  90 90 0  0 0   0 0 0
10 20 30  90 90 0  90 90 0 0 0
0 0 0     0 0 90  0 90  7 8 9
"""


def read(text):
    return bvh.read_bvh(text.encode(), "walk.bvh")


def test_what_a_file_holds():
    motion = read(TEXT)
    assert motion.joints == ("hips", "arm", "arm.end", "leg") and motion.parents == (-1, 0, 1, 0)
    assert motion.offsets.tolist() == [[5, 5, 5], [0, 0, 1], [1, 0, 0], [0, -2, 0]]
    assert motion.channels[1] == (("rotation", 0), ("rotation", 2)) and motion.channels[2] == ()
    assert motion.frame_seconds == 0.008333 and motion.values.shape == (4, 11)


def test_forward_kinematics_in_the_order_of_the_channels():
    """By hand. Rx(90) takes y to z and z to -y, Ry(90) z to x and x to -z, Rz(90) x to y and y to -x.

    Second frame: the hips' matrix is Rz Rx, and Rz Rx (0,0,1) = Rz (0,-1,0) = (1,0,0); in the other order it were
    (0,-1,0). Third: the arm's own is Rx Rz, and Rx Rz (1,0,0) = Rx (0,1,0) = (0,0,1), which the hips take to (1,0,0).
    Fourth: Ry (0,0,1) = (1,0,0), and the arm's Rz takes its end to (0,1,0), which Ry leaves.
    """
    found = bvh.positions(read(TEXT))
    expected = [
        [(10, 20, 30), (10, 20, 31), (11, 20, 31), (10, 18, 30)],
        # Rz Rx (1,0,0) = (0,1,0) and Rz Rx (0,-2,0) = Rz (0,0,-2) = (0,0,-2)
        [(10, 20, 30), (11, 20, 30), (11, 21, 30), (10, 20, 28)],
        [(10, 20, 30), (11, 20, 30), (12, 20, 30), (10, 20, 28)],
        [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, -2, 0)],
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_position_channel_stands_instead_of_the_offset():
    text = TEXT.replace("CHANNELS 3 Xrotation Yrotation Zrotation", "CHANNELS 1 Yposition")
    text = text.replace("   0 0 0\n", " -3\n").replace("  7 8 9\n", " -4\n").replace("90 90 0 0 0\n", "90 90 -3\n")
    legs = bvh.positions(read(text))[:, 3]
    np.testing.assert_allclose(legs, [(10, 17, 30), (10, 20, 27), (10, 20, 27), (0, -4, 0)], atol=1e-12)


def test_other_ways_to_write_the_same():
    plain = read(TEXT)
    braces = TEXT.replace("\n    {", " {").replace("\n{", " {").replace("JOINT", "joint").replace("\n", "\r\n")
    other = read(braces.replace("Frame Time:", "Frame time:\t").replace("arm", "left arm"))
    assert other.joints == ("hips", "left arm", "left arm.end", "leg")
    np.testing.assert_array_equal(bvh.positions(other), bvh.positions(plain))


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("MOTION", "MOVES", "no line MOTION"),
        (TEXT[TEXT.index("MOTION") :], "", "no line MOTION among its 20: cut off, or not BVH"),
        ("OFFSET 0 -2 0", "OFFSET 0 -2", "line 17: 'OFFSET 0 -2'"),
        ("OFFSET 0 -2 0", "OFFSET 0 -2,5 0", "line 17: 'OFFSET 0 -2,5 0'"),
        ("CHANNELS 2 X", "CHANNELS 3 X", "line 9: 'CHANNELS 3"),
        ("Yrotation Zrotation\n    }\n}", "Yrotation Wrotation\n    }\n}", "line 18: 'CHANNELS 3"),
        ("    }\n}\nMOTION", "    }\nMOTION", "hierarchy before MOTION is not complete"),
        ("JOINT leg", "ROOT leg", "line 15: 'ROOT leg' is in the wrong place"),
        ("Frames: 4", "Frames: four", "line 22: expected 'Frames:' and a number, got 'Frames: four'"),
        ("Frame Time: 0.008333", "Frame Time: 0", "line 23: Frame Time: must be above 0"),
        ("Frames: 4", "Frames: 6", "line 27: ends after 4 of 6 frames"),
        ("90  0 90  7 8 9", "90  0 90", "line 27 has 8 cells"),
        ("0 90  7 8 9", "0 90  7 8 nan", "line 27, column 11 (leg.Zrotation): 'nan' is no finite number"),
        (TEXT[TEXT.index("Frames") :], "", "line 21: ends before 'Frames:'"),
        (TEXT[TEXT.index("10 20") :], "", "has no rows"),
    ],
)
def test_a_fault_is_named_with_its_line(old, new, message):
    assert old in TEXT
    with pytest.raises(DataError, match=r"walk\.bvh") as raised:
        read(TEXT.replace(old, new, 1))
    assert message in str(raised.value)
