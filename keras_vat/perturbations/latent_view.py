"""A batch in the latent space of a generator."""

from keras import ops, tree

from keras_vat.autodiff.inner_scope import InnerScope
from keras_vat.forward.perturbable import Perturbable
from keras_vat.generators.check_generator import check_decoded, tensors_of


class LatentView:
    """A batch of images as latents, with the classifier as a function of them.

    Attributes:
        z: The latents of the batch, constants: a tensor or a structure of them.
        forward: The `Forward` of `classifier(decode(z))`.

    Args:
        generator: Object with `encode` and `decode`.
        forward: The `Forward` of the classifier.
        x: Images, `(batch, ...)`.
        reference: `"input"` or `"reconstruction"`.
        clip: `(low, high)`, the range that decoded images are cut to, or `None`.
    """

    def __init__(self, generator, forward, x, reference, clip):
        Perturbable(x).check()
        if not ops.is_tensor(x):
            raise TypeError(
                "`x` must be one tensor, the generator's inputs; other inputs of the classifier "
                f"can't be encoded. Received: a structure of {len(tree.flatten(x))} tensors"
            )
        self._generator, self._x, self._clip = generator, x, clip
        with InnerScope():
            self.z = tree.map_structure(ops.stop_gradient, tensors_of(generator, "encode", x))
        self.forward = forward.through(self.decode, x)
        self.forward.weigh(self.z, forward.sample_weight(x))
        self._inputs = forward if reference == "input" else None

    @property
    def reference(self):
        """The clean `LinearizedPass` that perturbed images are compared with."""
        if self._inputs is not None:
            return self._inputs.clean(self._x)
        return self.forward.clean(self.z)

    def decode(self, z):
        """Images like the batch, cut to the range; nothing in the generator moves."""
        with InnerScope():
            decoded = tensors_of(self._generator, "decode", z)
        check_decoded(decoded, self._x)
        decoded = ops.cast(decoded, self._x.dtype)
        return decoded if self._clip is None else ops.clip(decoded, *self._clip)
