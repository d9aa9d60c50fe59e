"""What is known of OpenPack beforehand: places, classes, people, faults, protocols.

From the data set's documentation (v1.0.0): operations, sessions and their known recording errors, subjects, and the
splits of its challenge 2022 and pilot challenge.
"""

PLACES = {"atr01": "right_wrist", "atr02": "left_wrist", "atr03": "right_upper_arm", "atr04": "left_upper_arm"}

OPERATIONS = {
    100: "picking", 200: "relocate_item_label", 300: "assemble_box", 400: "insert_items", 500: "close_box",
    600: "attach_box_label", 700: "scan_label", 800: "attach_shipping_label", 900: "put_on_back_table",
    1000: "fill_out_order",
}  # fmt: skip
NULL = (8100, 8200)
"""Operation ids that are no operation; scores leave them out."""

SAME_PERSON = {"U0202": "U0105", "U0203": "U0108", "U0204": "U0110", "U0205": "U0107", "U0210": "U0103"}

FAULTS = {
    ("U0103", "S0300", "atr03"): "worn in the wrong direction",
    ("U0103", "S0400", "atr03"): "worn in the wrong direction",
    ("U0104", "S0200", "atr03"): "seems swapped with atr04",
    ("U0104", "S0200", "atr04"): "seems swapped with atr03",
    ("U0104", "S0400", "atr03"): "seems swapped with atr04",
    ("U0104", "S0400", "atr04"): "seems swapped with atr03",
    # The table of errors names atr03 as the stream and atr01 as the sensor; the pilot challenge leaves the session out.
    ("U0107", "S0400", "atr01"): "worn in the wrong direction",
    ("U0107", "S0400", "atr03"): "worn in the wrong direction",
    ("U0204", "S0100", "atr02"): "worn in the wrong direction",
    ("U0204", "S0500", "atr02"): "worn in the wrong direction",
    ("U0207", "S0100", "atr02"): "worn in the wrong direction",
    ("U0207", "S0200", "atr03"): "worn in the wrong direction",
    ("U0209", "S0400", "atr03"): "worn in the wrong direction",
    ("U0209", "S0500", "atr03"): "worn in the wrong direction",
    **{("U0108", "S0400", sensor): "off for boxes 1 to 10, time stamps inconsistent" for sensor in PLACES},
}
"""(user, session, sensor) -> what is wrong with all of it. Sensors that were off for a while have gaps or no labels."""

AZURE_KINECT = (
    "hip_center", "spine", "chest", "shoulder_center", "left_clavicle", "left_shoulder", "left_elbow", "left_wrist",
    "left_hand", "left_hand_tip", "left_thumb", "right_clavicle", "right_shoulder", "right_elbow", "right_wrist",
    "right_hand", "right_hand_tip", "right_thumb", "left_hip", "left_knee", "left_ankle", "left_foot", "right_hip",
    "right_knee", "right_ankle", "right_foot", "head", "nose", "left_eye", "left_ear", "right_eye", "right_ear",
)  # fmt: skip
"""Joints of the 3D keypoints, J00 to J31, in the order of the Azure Kinect body tracking SDK."""

AZURE_KINECT_BONES = (
    (0, 1), (1, 2), (2, 3), (2, 4), (4, 5), (5, 6), (6, 7), (7, 8), (8, 9), (7, 10), (2, 11), (11, 12), (12, 13),
    (13, 14), (14, 15), (15, 16), (14, 17), (0, 18), (18, 19), (19, 20), (20, 21), (0, 22), (22, 23), (23, 24),
    (24, 25), (3, 26), (26, 27), (26, 28), (26, 29), (26, 30), (26, 31),
)  # fmt: skip

_CHALLENGE_PEOPLE = (
    "U0101", "U0102", "U0103", "U0105", "U0106", "U0107", "U0109", "U0111", "U0202", "U0205", "U0210",
)  # fmt: skip
_UNSEEN = {
    "U0104": (1, 3), "U0108": (1, 2, 3, 5), "U0110": (1, 2, 3, 4, 5), "U0203": (1, 2, 3, 4, 5), "U0204": (2, 3, 4),
    "U0207": (3, 4, 5),
}  # fmt: skip


def _sessions(users, numbers):
    return frozenset((user, f"S0{n}00") for user in users for n in numbers)


CHALLENGE_2022 = {
    "train": _sessions(_CHALLENGE_PEOPLE, (1, 2, 4, 5)),
    "validation": _sessions(("U0101", "U0103", "U0105", "U0107", "U0109", "U0111", "U0205"), (3,)),
    "test": _sessions(("U0102", "U0106", "U0202", "U0210"), (3,)),
    "submission": frozenset((user, f"S0{n}00") for user, numbers in _UNSEEN.items() for n in numbers),
}
PILOT = {
    "train": _sessions(("U0102", "U0103", "U0105"), (1, 2, 3, 4, 5)),
    "validation": _sessions(("U0106",), (2, 4)),
    "test": _sessions(("U0106",), (1, 3, 5)),
    "submission": _sessions(("U0107",), (1, 2, 3, 5)),
}
