"""Perturbation in the latent space of a generator, as a layer."""

from typing import Any

import keras
from keras import tree

from keras_vat.autodiff.inner_scope import InnerScope
from keras_vat.generators.check_generator import check_decoded, same_example_shape, tensors_of
from keras_vat.generators.frozen_generator_layer import FrozenGeneratorLayer
from keras_vat.keras_internals import call_context


@keras.saving.register_keras_serializable(package="keras_vat")
class LatentPerturbation(FrozenGeneratorLayer):
    """Moves images through the latent space of a frozen generator.

    A small step in a latent space can be a large one between images, and still ends at an image.
    The layer takes images and a step, both tensors of any origin, and works in any functional
    model; gradients flow to both. The generator is frozen by the layer and stays so: it runs in
    inference mode, nothing in it moves, and none of its weights is among the trainable ones.
    It is saved with the layer if its class has `get_config` and `from_config` and is registered, as
    `VAE` and `Glow` are; `BijectorGenerator` and other objects can't be.

    Formula:

        x' = Dec(Enc(x) + r)

    Args:
        generator: A `VAE`, `Glow` or `BijectorGenerator`, or any object with `encode` and
            `decode`. Train it first.
        name: Name of the layer.

    Input: `[x, r]`, with images `x` and a step `r` shaped like `generator.encode(x)`: one tensor
    `(batch, ...)` or, for several latent parts, a list of them. Output: images shaped like `x`.

    Raises:
        TypeError: If the generator has no `encode` or no `decode`; where a model is saved whose
            generator has no config; in a call with two arguments in the place of one list.
        ValueError: In a call, if `r` is not shaped like the latent, or what is decoded not like
            `x`.

    Example:

    >>> vae.fit(x_train, epochs=10)
    >>> images, step = keras.Input((32, 32, 3)), keras.Input((128,))
    >>> moved = keras_vat.layers.LatentPerturbation(vae)([images, step])
    >>> model = keras.Model([images, step], classifier(moved))

    Reference:
        Osada et al., "Regularization with Latent Space Virtual Adversarial Training"
        (arXiv:2011.13181), eq. 16 and figure 2.
    """

    def __init__(self, generator: Any, name: str | None = None):
        super().__init__(generator, name=name, autocast=False, trainable=False)

    def __call__(self, inputs, *others, **kwargs):
        if others:
            raise TypeError(
                "`inputs` must be one list, as Keras layers take them: call it on `[x, r]`. "
                f"Received: {1 + len(others)} positional arguments"
            )
        # Layers of the generator inherit inference mode from here; so would layers that a model
        # calls after this one, since Keras keeps the mode of the last call.
        context = call_context(self)
        mode_outside = getattr(context, "training", None)
        try:
            return super().__call__(inputs, **{**kwargs, "training": False})
        finally:
            context.training = mode_outside

    def call(self, inputs, training=False):
        x, r = as_pair(inputs)
        with InnerScope():
            z = tensors_of(self.generator, "encode", x)
            decoded = tensors_of(self.generator, "decode", shifted(z, r))
        check_decoded(decoded, x)
        return decoded

    def get_config(self):
        return {
            "name": self.name,
            "generator": self.serialized_generator(),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        generator = keras.saving.deserialize_keras_object(
            config["generator"], custom_objects=custom_objects
        )
        return cls(generator, name=config["name"])


def as_pair(inputs):
    """Images and step of the layer's inputs."""
    if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:
        if isinstance(inputs, (list, tuple)):
            received = f"a list of {len(inputs)}"
        else:
            shape = getattr(inputs, "shape", None)
            received = f"one {type(inputs).__name__}"
            received += "" if shape is None else f" of shape {tuple(shape)}"
        raise ValueError(
            "`inputs` must be `[x, r]`: images and a step in the latent space, which is a list in "
            f"turn if the latent has several parts. Received: {received}"
        )
    return inputs


def shifted(z, r):
    """`z + r`, where each may be a structure of parts."""
    parts, steps = tree.flatten(z), tree.flatten(r)
    if len(parts) != len(steps) or not all(map(same_example_shape, parts, steps)):
        raise ValueError(
            "`r` must have the parts and shapes of the generator's latent. Received: "
            f"r.shape={_shapes(steps)} for a latent of {_shapes(parts)}"
        )
    moved = [
        part + keras.ops.cast(step, part.dtype) for part, step in zip(parts, steps, strict=True)
    ]
    return tree.pack_sequence_as(z, moved)


def _shapes(parts):
    shapes = [tuple(part.shape) for part in parts]
    return shapes[0] if len(shapes) == 1 else shapes
