"""Vectors computed by hand (float64, from the papers' equations), and slow forms that follow them to
the letter."""

import numpy as np

TEACHER = np.array([[0, 0], [3, 4], [6, 0]], "float32")
STUDENT = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0]], "float32")
DISTANCE = 0.02793683297
ANGLE = 0.01757954657

TEACHER_LOGITS = np.array([[4, 1, 0], [0, 2, -2]], "float32")
STUDENT_LOGITS = np.array([[2, 2, 0], [1, 0, 0]], "float32")
SOFT_TARGETS_T4 = 1.18185282271


def huber(x):
    return np.where(np.abs(x) <= 1, 0.5 * x * x, np.abs(x) - 0.5)


def distance_wise(teacher, student):
    """Mean over all N x N pairs, by the definition."""

    def relative(f):
        d = np.linalg.norm(f[:, None] - f[None], axis=-1)
        return d / d[d > 0].mean() if (d > 0).any() else d

    return huber(relative(student) - relative(teacher)).mean()


def angle_wise(teacher, student):
    """Mean over all N x N x N triplets, by the table of differences."""

    def cosines(f):
        e = f[None] - f[:, None]  # e[j, i] = f_i - f_j
        norm = np.linalg.norm(e, axis=-1, keepdims=True)
        e = np.divide(e, norm, out=np.zeros_like(e), where=norm > 0)
        return np.einsum("jid,jkd->jik", e, e)

    return huber(cosines(student) - cosines(teacher)).mean()
