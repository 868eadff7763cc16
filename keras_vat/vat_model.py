"""The front door: a Keras model that trains a classifier with regularizers."""

from typing import Any

import keras
from keras import ops

from keras_vat import arguments
from keras_vat.as_in_keras import as_in_keras
from keras_vat.autodiff import num_replicas
from keras_vat.data.first_rows import first_rows
from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.forward.batch_statistics import BATCH_STATISTICS
from keras_vat.forward.forward import Forward
from keras_vat.forward.has_forward import HasForward
from keras_vat.forward.output_meaning import OUTPUT_KINDS
from keras_vat.forward.penalized_output import PenalizedOutput
from keras_vat.forward.perturbable import as_tensors
from keras_vat.forward.weighted_batches import count_rows
from keras_vat.keras_internals import as_default, clear_losses, make_global_seed_generator
from keras_vat.keras_model import KerasModel
from keras_vat.regularizers.regularizer_list import regularizer_list
from keras_vat.saving.model_contents import ModelContents
from keras_vat.training import Training
from keras_vat.training.check_training_data import (
    all_class_weights,
    check_end,
    check_halves,
    check_one_input,
    check_rows,
    check_validation_split,
    has_its_order,
)
from keras_vat.training.checked_data import CheckedData
from keras_vat.training.finite_steps import FiniteSteps
from keras_vat.training.newest_averages import NewestAverages
from keras_vat.training.split_inputs import split_inputs
from keras_vat.training.step import Step, count_true, mean_over
from keras_vat.training.step_metrics import StepMetrics
from keras_vat.training.usual_mistakes import UsualMistakes, look_at_classifier


@keras.saving.register_keras_serializable(package="keras_vat")
class VATModel(
    ModelContents,
    CheckedData,
    FiniteSteps,
    NewestAverages,
    StepMetrics,
    Training,
    HasForward,
    KerasModel,
):
    """A classifier with regularizers: compile and fit it as any Keras model.

    Formula:

        total = compiled loss + layer losses + sum over regularizers of weight * penalty

    `fit` takes `(x, y)`, and then the regularizers see the labelled batch; or, for
    semi-supervised training, a dataset or generator of `(SemiSupervisedInputs(labeled, unlabeled),
    y)` (see `keras_vat.data.semi_supervised`), and then methods without labels see the unlabelled
    batch, methods with labels the labelled one. `evaluate`, `predict`, `export` and calls do what
    the classifier alone would do. Logs have `loss` (the total), `supervised_loss` (to compare with
    `val_loss`), one entry for each regularizer under its name (unweighted), what a regularizer
    counts besides (as `fat_kept`) and the compiled metrics.

    All passes of a step use the same dropout masks and begin in the same state, as that of a
    stateful recurrent layer; only the labelled pass moves seeds and states. What a layer draws past
    Keras, from `tf.random` or NumPy, can't be held: it differs between passes.

    Padding, where Keras's layers find a mask in the run, is not perturbed and counts in no penalty.
    Sparse inputs are trained as they are without regularizers, and made dense for these.

    Args:
        classifier: A Keras model: Sequential, functional or subclassed. It is trained in place.
        regularizers: One regularizer or a list of them, with different names. One that needs no
            number may be given by its name: `"entropy"`.
        from_logits: `True`: the classifier returns logits; `False`: probabilities; `None`: found
            out from what returned its outputs in the run, then from the compiled loss.
        output: `"categorical"` (softmax over the last axis), `"bernoulli"` (independent
            sigmoids), `"gaussian"` (regression with unit variance) or `"auto"` (from the compiled
            loss and the last layer).
        batch_statistics: Normalisation layers in the passes of the penalties. `"auto"`: batch
            statistics; `fit` measures the averages over its last labelled and unlabelled rows, up
            to 1,024, before each validation, at the end of each epoch and of training. In between,
            in `train_on_batch` and on several replicas of `tf.distribute`, both move the averages
            alike, unperturbed, and faster than Keras does, so that few labels and few updates are
            enough.
            `"batch"`: batch statistics, and labelled rows alone move the averages (the papers'
            policy, for which there is `callbacks.BatchNormReestimation`); `"moving"`: moving
            averages, as at inference; `"update"`: batch statistics, and perturbed passes move
            the averages, too.
        nonfinite_penalty: What to do when a penalty, the supervised loss or a gradient is NaN or
            infinite; the weights and moving averages are left alone in that step in any case (on
            several replicas by gradients of zero, so that momentum goes on). `"raise"`: stop, and
            say which; `"skip"`: go on, and count such steps in the logs as `skipped_steps`.
        penalized_output: Of a classifier with several outputs, the name or the number of the one
            that regularizers look at, and that `output` and `from_logits` are about. All outputs
            train by their compiled losses, and labels, sample weights and losses go by the same
            names as in Keras. `None`: the only one.
        name: Name of the model.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if an argument has an unknown value.
        FloatingPointError: in `fit` and `train_on_batch`, for a penalty, a supervised loss or a
            gradient that is not finite.

    Example:

    >>> classifier = keras.Sequential([keras.layers.Dense(32, "relu"), keras.layers.Dense(10)])
    >>> model = keras_vat.VATModel(
    ...     classifier, keras_vat.regularizers.VirtualAdversarialTraining(epsilon=1.0))
    >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> model.fit(x, y)

    Reference:
        Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), eq. 8.
    """

    def __init__(
        self,
        classifier: keras.Model,
        regularizers: Any = (),
        *,
        from_logits: bool | None = None,
        output: str = "auto",
        batch_statistics: str = "auto",
        nonfinite_penalty: str = "raise",
        penalized_output: str | int | None = None,
        name: str | None = None,
    ):
        if not isinstance(classifier, keras.Model):
            raise TypeError(
                "`classifier` must be a keras.Model. "
                f"Received: classifier={classifier!r} (of type {type(classifier).__name__})"
            )
        if isinstance(classifier, VATModel):
            raise TypeError(
                "`classifier` must be the classifier itself. Received: a VATModel; give all "
                "regularizers to one VATModel, as a list"
            )
        if not any(from_logits is choice for choice in (None, True, False)):
            raise ValueError(
                f"`from_logits` must be True, False or None. Received: from_logits={from_logits!r}"
            )
        super().__init__(name=name, dtype=classifier.dtype_policy, autocast=False)
        if num_replicas() == 1:
            make_global_seed_generator()  # not in a step, which would be traced twice for it
        self.classifier = classifier
        self.regularizers = regularizer_list(regularizers)
        self._config = {
            "from_logits": from_logits,
            "output": arguments.one_of("output", output, OUTPUT_KINDS),
            "batch_statistics": arguments.one_of(
                "batch_statistics", batch_statistics, BATCH_STATISTICS
            ),
            "nonfinite_penalty": arguments.one_of(
                "nonfinite_penalty", nonfinite_penalty, ("raise", "skip")
            ),
        }
        if penalized_output is not None:
            self._config["penalized_output"] = penalized_output
        if self.regularizers or penalized_output is not None:
            PenalizedOutput(penalized_output, classifier).check()
        self._make_trackers(self._penalty_names, skips=nonfinite_penalty == "skip")
        self._mistakes = UsualMistakes(self.regularizers, batch_statistics)
        look_at_classifier(classifier)
        self.built = classifier.built

    @property
    def output_names(self):
        """The classifier's, by which `compile` finds losses and metrics in dictionaries."""
        return self.classifier.output_names

    @property
    def _penalty_names(self):
        """The regularizers' names, in order: their entries in the logs."""
        return [regularizer.name for regularizer in self.regularizers]

    @as_in_keras(KerasModel.fit)
    def fit(self, x=None, y=None, **kwargs):
        """As `keras.Model.fit`.

        An epoch is one pass over `x`. Of `keras_vat.data.semi_supervised` it is one over the
        unlabelled rows, or as many batches as its `steps_per_epoch` says. Such batches, datasets
        and generators come in their own order: `shuffle` is for arrays.
        """
        check_rows(x)
        check_halves(x, self.classifier)
        if kwargs.get("steps_per_epoch") is None:
            check_end(x)
        if kwargs.get("validation_data") is None:
            check_validation_split(x, kwargs.get("validation_split"))
        if kwargs.get("class_weight") is not None:
            kwargs["class_weight"] = all_class_weights(kwargs["class_weight"], self._num_classes)
        if y is not None or hasattr(x, "shape"):
            self._check_labels(y)
            self._check_class_numbers(y)
        if any(regularizer.limits_inputs for regularizer in self.regularizers):
            self._check_inputs(first_rows(x))
        if has_its_order(x):
            kwargs.setdefault("shuffle", False)  # else Keras warns that it ignores its own default
        kwargs["callbacks"] = self._mistakes.beside(kwargs.get("callbacks"))
        return super().fit(x, y, **kwargs)

    @as_in_keras(KerasModel.train_on_batch)
    def train_on_batch(self, x, y=None, **kwargs):
        """As `keras.Model.train_on_batch`; the logs are those of this batch alone."""
        check_rows(x)
        self._check_labels(y)
        self._check_class_numbers(y)
        self._check_inputs(x)
        self.reset_metrics()  # before Keras 3.15, logs were means over all batches until then
        return super().train_on_batch(x, y, **kwargs)

    @as_default
    def build(self, input_shape=None):
        """Builds the classifier, unless a run on symbols has done so."""
        if not self.classifier.built:
            semi_supervised = isinstance(input_shape, SemiSupervisedInputs)
            self.classifier.build(input_shape.labeled if semi_supervised else input_shape)
        self.built = self.classifier.built

    def get_build_config(self):
        """What the classifier was built with."""
        return self.classifier.get_build_config()

    def build_from_config(self, config):
        """Builds the classifier as another was built."""
        self.classifier.build_from_config(config)
        self.built = self.classifier.built

    def call(self, inputs, training=None, mask=None):
        """The classifier's outputs."""
        if isinstance(inputs, SemiSupervisedInputs):
            inputs = inputs.labeled
        check_one_input(inputs, self.classifier)
        return self.classifier(inputs, training=training)

    @as_in_keras(KerasModel.export)
    def export(self, **kwargs):
        """Exports the classifier, as `keras.Model.export` does."""
        return self.classifier.export(**kwargs)

    def forward(self, training=False):
        """The `Forward` of one step: the classifier under this model's policies."""
        return Forward(
            self.classifier,
            training=training,
            output=self._config["output"],
            from_logits=self._config["from_logits"],
            batch_statistics=self._config["batch_statistics"],
            loss=getattr(self, "loss", None),
            compiled=self,
            penalized_output=self._config.get("penalized_output"),
            perturb_at=[name for r in self.regularizers for name in r.places],
            updates=getattr(getattr(self, "optimizer", None), "iterations", None),
        )

    def _compute_step(self, x, y, sample_weight):
        """The labelled pass, the compiled loss and the penalties of one batch: a `Step`."""
        self._check_labels(y)
        clear_losses(self)
        labeled, unlabeled = split_inputs(as_tensors(x, dense=bool(self.regularizers)))
        forward = self.forward(training=True)
        if self.regularizers:
            labelled = forward.labelled(labeled)
            y_pred, losses = labelled.outputs, labelled.losses
            forward.weigh(labeled, sample_weight)
        else:
            y_pred, losses = forward.trained(labeled)
        for loss in losses:
            self.add_loss(loss)
        self.built = True  # the pass has built the classifier if need be
        before = {id(v): ops.copy(v.value) for v in self._restored}
        supervised_loss = mean_over(
            count_rows(labeled),
            lambda: self.compute_loss(
                x=labeled, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True
            ),
        )
        tracked = [(v, before.get(id(v), ops.zeros_like(v.value))) for v in self._restored]
        penalties, rows = [], []
        for regularizer in self.regularizers:
            with_labels = regularizer.requires_labels or unlabeled is None
            batch = labeled if with_labels else unlabeled
            targets = y if with_labels else None
            penalties.append(
                mean_over(
                    count_rows(batch),
                    lambda r=regularizer, b=batch, t=targets: r.penalty(forward, b, t),
                )
            )
            counts = None if regularizer.uses_labels(targets) else forward.rows_that_count(batch)
            rows.append(count_rows(batch) if counts is None else count_true(counts))
        if unlabeled is not None:
            forward.feed_averages(unlabeled)
        notes, moved = forward.notes, forward.moved
        return Step(labeled, y_pred, supervised_loss, penalties, rows, moved, notes, tracked)
