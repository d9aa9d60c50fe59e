"""The finished teachers of a seed, as its students hear them: live or stored, cross-fitted, or shuffled."""

import zipfile

import keras
import numpy as np

from tfkd.distillers import TeacherCache
from tfkd.distillers.cross_fitted import cross_fitted, fold_of
from tfkd.recipe_check import RecipeError


class Teaching:
    """Gives the students of one seed their teachers.

    Args:
        trainer: `Trainer`.
        folder: the seed's folder, where `teacher.keras` and its like are.

    Attributes:
        kinds: stage, `"teacher"` or `"teacher_<kind>"`, -> the teacher's kind.
    """

    def __init__(self, trainer, folder):
        self.trainer, self.folder, self.recipe = trainer, folder, trainer.recipe
        first = self.recipe.teacher.kind
        self.kinds = {"teacher" if kind == first else f"teacher_{kind}": kind for kind in self.recipe.teachers}

    def persons(self, kind):
        """People each of whom a teacher is trained without, for cross-fitting; none, if the recipe has none."""
        if not self.recipe.teachers[kind].cross_fitted:
            return []
        return sorted({int(person) for person in self.trainer.labelled().subjects})

    def fold_path(self, stage, person):
        """Where the teacher that never saw `person` is kept."""
        return self.folder / f"{stage}_without{person}.keras"

    def teachers(self, method=None, shuffle=False):
        """Kind -> Keras model, of those that a student hears.

        Args:
            method: `"pskd"`, for all that its stages name; anything else has the first teacher.
            shuffle: whether they speak of other samples than asked for: the control.
        """
        teachers = {self.kinds[stage]: self._teacher(stage) for stage in self._heard(method)}
        if shuffle and self.recipe.distillation.teacher == "live":
            return {kind: shuffled(teacher) for kind, teacher in teachers.items()}
        return teachers

    def assistant(self, stage, network):
        """A `Distiller` for an assistant that its own teacher teaches, and its batches."""
        pupil = self.recipe.teachers[self.kinds[stage]]
        above = next(name for name, kind in self.kinds.items() if kind == pupil.taught_by)
        distiller = self.trainer.taught({pupil.taught_by: self._teacher(above)}, network, "single")
        return distiller, self._live_batches([above, stage], [], self.recipe.teacher_training)

    def batches(self, training, method=None, shuffle=False):
        """`Batches` with all that those teachers and the student see, or with the teachers' stored outputs."""
        student, train = self.trainer.student_input, self.trainer.prepared.train
        heard = self._heard(method)
        if self.recipe.distillation.teacher == "stored":
            stored = {}
            for stage in heard:
                prefix = f"{self.kinds[stage]}_" if method == "pskd" else ""
                stored |= {prefix + name: values for name, values in self._stored_outputs(stage).items()}
            if shuffle:
                order = np.random.default_rng(self.trainer.seed).permutation(len(train))
                stored = {name: values[order] for name, values in stored.items()}
            return self.trainer.batches([student], training, teacher_outputs=stored)
        return self._live_batches(heard, [student], training)

    def _live_batches(self, stages, more, training):
        subjects = self.trainer.prepared.train.subjects
        persons = max((self.persons(self.kinds[stage]) for stage in stages), key=len)
        extras = {"fold": fold_of(subjects, persons)} if persons else None
        seen = [modality for stage in stages for modality in self.recipe.teachers[self.kinds[stage]].modalities]
        return self.trainer.batches(list(dict.fromkeys([*seen, *more])), training, extras=extras)

    def _heard(self, method):
        named = {kind for stage in self.recipe.pskd.stages for kind in stage}
        return [
            stage for stage, kind in self.kinds.items() if (kind in named if method == "pskd" else stage == "teacher")
        ]

    def _teacher(self, stage):
        teacher = load(self.folder / f"{stage}.keras")
        persons = self.persons(self.kinds[stage])
        if not persons:
            return teacher
        return cross_fitted({person: load(self.fold_path(stage, person)) for person in persons}, teacher)

    def _stored_outputs(self, stage):
        """Outputs for the training windows, from a file of the seed's folder or computed and kept there."""
        path = self.folder / f"{stage}_outputs.npz"
        arguments = (load(self.folder / f"{stage}.keras"), self.trainer.prepared.train)
        if path.exists():
            cache = TeacherCache.load(path)
        else:
            cache = TeacherCache.compute(*arguments, normalisation=self.trainer.seen)
            cache.save(path)
        return cache.outputs(*arguments, normalisation=self.trainer.seen)


def load(path):
    """A network that a stage left.

    Raises:
        RecipeError: the file cannot be read.
    """
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, zipfile.BadZipFile) as error:  # in Keras' words a damaged file is not found
        said = str(error).split("\n")[0]
        raise RecipeError(
            f"{path} is no Keras model that can be read ({said}). Take it from a backup, or delete it and the .json of "
            "its name in a run's folder, and run again."
        ) from error


@keras.saving.register_keras_serializable("tfkd")
class NextSample(keras.layers.Layer):
    """Gives each sample of a batch the next one's output: a teacher that speaks of somebody else."""

    def call(self, inputs):
        return keras.ops.roll(inputs, 1, axis=0)


def shuffled(teacher):
    """The teacher with its outputs shuffled within the batch, for the control experiment."""
    reader = keras.Model(teacher.input, [teacher.outputs[0], teacher.get_layer("embedding").output])
    inputs = keras.tree.map_structure(lambda tensor: keras.Input(tensor.shape[1:], name=tensor.name), teacher.input)
    logits, embedding = reader(inputs)
    outputs = [NextSample(name="logits")(logits), NextSample(name="embedding")(embedding)]
    return keras.Model(inputs, outputs, name="shuffled_teacher")
