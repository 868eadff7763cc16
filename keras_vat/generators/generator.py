"""What all generators have in common: the range of images, training, freezing, saving."""

from typing import Any

import keras
from keras import ops

from keras_vat import arguments
from keras_vat.as_in_keras import as_in_keras
from keras_vat.autodiff import is_symbolic, num_replicas
from keras_vat.data.first_rows import first_rows
from keras_vat.data.semi_supervised_inputs import SemiSupervisedInputs
from keras_vat.keras_internals import trainable_flag
from keras_vat.keras_model import KerasModel
from keras_vat.saving import seed_states
from keras_vat.saving.check_settings import check_settings
from keras_vat.saving.whole_files import WholeFiles

_ROUNDING = 1e-3


class Generator(WholeFiles, KerasModel):
    """Base class: images to a latent space of prior N(0, I) and back.

    `generator(x)` is the reconstruction `decode(encode(x))`. Train one by `compile(optimizer)` and
    `fit(images)`: it brings its loss along, and labels in the data are passed over. Then `freeze`
    it, once and for all, and hand it to a method that works in its latent space.

    A subclass implements `encode`, `decode`, `latent_shapes`, `sample` and `loss_terms`, names the
    terms to be logged in `term_names`, calls `check_images` and `check_latents` where it is given
    such, and keeps its variables in layers. Where a frozen generator computes otherwise, it
    overrides `freeze`; where its weights tell that nothing has trained them, `trained`.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        **kwargs: `name` and `dtype` of the model.

    Raises:
        ValueError: If `input_shape` is not three whole numbers above 0; for images of another
            shape, of integers, or outside [0, 1] (where their numbers can be looked at: in calls
            outside compiled functions and at the start of `fit`).
        RuntimeError: If a frozen generator is to be trained.
    """

    term_names = ()
    _frozen = False

    def __init__(self, input_shape: tuple[int, ...], **kwargs):
        # Images stay in full precision, whatever the layers inside compute in.
        super().__init__(autocast=False, **kwargs)
        self.image_shape = _image_shape(input_shape)
        self._term_trackers = [keras.metrics.Mean(name=name) for name in self.term_names]
        self.built = True

    @property
    def latent_shapes(self):
        """Shapes of the parts of z, without the batch."""
        raise NotImplementedError

    @property
    def frozen(self):
        """Whether the weights are fixed for good."""
        return self._frozen

    @property
    def trained(self):
        """Whether the weights come from a training or a file, as far as they tell."""
        return True

    @property
    def images_dtype(self):
        """The dtype images and latents have: `float32`, or `float64` if that is the policy."""
        return "float64" if self.compute_dtype == "float64" else "float32"

    @property
    def trainable(self):
        """Whether weights are trained; of a frozen generator never, whatever is set."""
        return trainable_flag(self)

    @trainable.setter
    def trainable(self, value):
        keras.Model.trainable.fset(self, bool(value) and not self._frozen)

    def encode(self, x: Any) -> Any:
        """Images `(batch, height, width, channels)` to z: one tensor or a list of tensors."""
        raise NotImplementedError

    def decode(self, z: Any) -> Any:
        """z, as `encode` returns it, to images `(batch, height, width, channels)`."""
        raise NotImplementedError

    def loss_terms(self, x, training):
        """What `fit` minimises (`"loss"`) and logs: a dictionary of `(batch,)` tensors."""
        raise NotImplementedError

    def sample(self, n: int, seed: int | None = None) -> Any:
        """Draws n images: z from N(0, I), decoded."""
        raise NotImplementedError

    def call(self, inputs, training=False):
        """The reconstruction; where `fit` trains a generator, the terms of its loss."""
        if training and not self._frozen:
            return self.loss_terms(self.check_images(inputs), training=True)
        return self.decode(self.encode(inputs))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The mean of the loss over the batch; updates the trackers of all terms."""
        terms = y_pred if training else self.loss_terms(self.check_images(x), training=False)
        if isinstance(x, SemiSupervisedInputs):
            sample_weight = None  # they belong to the labelled images
        for tracker in self._term_trackers:
            tracker.update_state(terms[tracker.name], sample_weight)
        loss = terms["loss"]
        if sample_weight is not None:
            loss = loss * ops.cast(sample_weight, loss.dtype)
        # Keras sums the gradients of the replicas.
        return ops.mean(loss) / num_replicas()

    def compile(self, optimizer="adam", loss=None, **kwargs):
        """As `keras.Model.compile`, without a loss."""
        if loss is not None:
            raise ValueError(
                f"`loss` must be left out: a generator brings its own. Received: loss={loss!r}"
            )
        super().compile(optimizer=optimizer, **kwargs)
        # Made here, the optimizer's variables don't cost a second trace of the first step.
        self.optimizer.build(self.trainable_variables)

    def compile_from_config(self, config):
        """As the method of `keras.Model`, which leaves models with their own `compile` out."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    @as_in_keras(KerasModel.fit)
    def fit(self, x=None, **kwargs):
        """As `keras.Model.fit`, on images: arrays, or a `tf.data.Dataset` of batches.

        Of semi-supervised batches it takes the unlabelled images.
        """
        self.begin_training(first_rows(x, kwargs.get("batch_size")))
        return super().fit(x, **kwargs)

    @as_in_keras(KerasModel.train_on_batch)
    def train_on_batch(self, x, **kwargs):
        """As `keras.Model.train_on_batch`, on images."""
        self.begin_training(x)
        return super().train_on_batch(x, **kwargs)

    def begin_training(self, images):
        """Looks at the first images of a training run; they may be `None` if unknown."""
        if self._frozen:
            raise RuntimeError(
                f"A frozen generator can't be trained. Received: '{self.name}', frozen. Train it "
                "before `freeze`, or make a new one by `type(generator)(...)`."
            )
        if images is not None:
            self.check_images(images)

    def freeze(self):
        """Fixes the weights for good, in place; returns the generator itself."""
        self._frozen = True
        self.trainable = False
        # What was compiled would still train, and an optimizer has nothing to hold any more.
        self.compiled = False
        self.optimizer = None
        self.train_function = self.test_function = self.predict_function = None
        return self

    def check_images(self, x, name="x"):
        """Raises unless `x` are images of this generator; returns them as a tensor.

        Of semi-supervised inputs, they are the unlabelled ones.
        """
        x = ops.convert_to_tensor(getattr(x, "unlabeled", x))
        taken = f"as the generator '{self.name}' takes them"
        if len(x.shape) != 4 or tuple(x.shape[1:]) != self.image_shape:
            sizes, cure = ", ".join(map(str, self.image_shape)), ""
            if (*x.shape[1:], 1) == self.image_shape:
                cure = f"Give them an axis of channels by `{name}[..., None]`. "
            elif tuple(x.shape) == self.image_shape:
                cure = f"Make a batch of one image by `{name}[None]`. "
            raise ValueError(
                f"`{name}` must be images of shape (batch, {sizes}), {taken}. {cure}"
                f"Received: {name} of shape {tuple(x.shape)}"
            )
        if not keras.backend.is_float_dtype(x.dtype):
            raise ValueError(
                f"`{name}` must be floating images in [0, 1], {taken}; divide bytes by 255. "
                f"Received: {name} of dtype {keras.backend.standardize_dtype(x.dtype)}"
            )
        low, high = (ops.min(x), ops.max(x)) if x.shape[0] else (0.0, 1.0)
        # A constant's numbers are known, but what is computed of them in a function is not.
        if not is_symbolic(low):
            low, high = float(low), float(high)
            if not (-_ROUNDING <= low and high <= 1 + _ROUNDING):
                raise ValueError(
                    f"`{name}` must be images in [0, 1], {taken}. What the classifier wants done "
                    "to images (scaling, whitening) is a layer of the classifier. "
                    f"Received: {name} with values from {low:.4g} to {high:.4g}"
                )
        return ops.cast(x, self.images_dtype)

    def check_latents(self, z):
        """Raises unless `z` has the latent shapes; returns its parts as a list of tensors."""
        parts = list(z) if isinstance(z, (list, tuple)) else [z]
        parts = [ops.convert_to_tensor(part) for part in parts]
        shapes = [tuple(part.shape[1:]) for part in parts]
        if shapes != [tuple(shape) for shape in self.latent_shapes]:
            raise ValueError(
                "`z` must have parts of shapes "
                f"{[('batch', *shape) for shape in self.latent_shapes]}. "
                f"Received: z of shapes {[tuple(part.shape) for part in parts]}"
            )
        return [ops.cast(part, self.images_dtype) for part in parts]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.image_shape)

    def save_own_variables(self, store):
        seed_states.save(store, "seeds", self)

    def load_own_variables(self, store):
        seed_states.load(store, "seeds", self)

    def get_config(self):
        return {
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "input_shape": self.image_shape,
            "frozen": self._frozen,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        settings = dict(config)
        frozen = settings.pop("frozen", False)
        settings["dtype"] = keras.dtype_policies.deserialize(config.get("dtype"), custom_objects)
        generator = cls(**settings)
        check_settings(cls.__name__, generator.get_config(), config)
        return generator.freeze() if frozen else generator


def _image_shape(input_shape):
    sizes = input_shape if isinstance(input_shape, (tuple, list)) else ()
    if len(sizes) != 3:
        raise ValueError(
            "`input_shape` must be (height, width, channels). "
            f"Received: input_shape={input_shape!r}"
        )
    return arguments.shape("input_shape", input_shape)
