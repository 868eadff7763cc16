"""What makes an object a generator: two methods."""

import keras
from keras import ops, tree

from keras_vat.arguments import shapes_agree
from keras_vat.autodiff import NOT_AN_ARRAY
from keras_vat.keras_internals import sublayers


def check_generator(generator, name="generator"):
    """Raises unless an object can `encode` and `decode`; returns it.

    Args:
        generator: Any object with `encode(x) -> z` and `decode(z) -> x`; z is one tensor or a
            structure of tensors.
        name: Name of the argument, for the message.
    """
    if isinstance(generator, type):
        raise TypeError(
            f"`{name}` must be an object: make one, train it, and hand that over. "
            f"Received: the class {generator.__name__}"
        )
    missing = missing_methods(generator, "encode", "decode")
    if missing:
        raise TypeError(
            f"`{name}` must have the methods `encode(x) -> z` and `decode(z) -> x`, as `VAE`, "
            "`Glow` and `BijectorGenerator` of keras_vat.generators have. "
            f"Received: {name}={generator!r} (of type {type(generator).__name__}), without "
            f"{' and '.join(missing)}"
        )
    return generator


def missing_methods(given, *names):
    """Those of some methods that an object lacks, each in backticks."""
    return [f"`{name}`" for name in names if not callable(getattr(given, name, None))]


def freeze_generator(generator, name="generator"):
    """Checks a generator and freezes it, as it does itself and as a Keras layer; returns it."""
    check_generator(generator, name)
    if callable(getattr(generator, "freeze", None)):
        generator.freeze()
    if isinstance(generator, keras.layers.Layer):
        # Each by itself: where `trainable` is False already, Keras does not hand it down.
        for part in (*sublayers(generator), *generator.weights):
            part.trainable = False
    return generator


def tensors_of(generator, method, given):
    """What `encode` or `decode` of a generator returns; raises unless it computes in tensors.

    Args:
        generator: Object with the method.
        method: `"encode"` or `"decode"`.
        given: Its argument.
    """
    expected = (
        f"`{method}` of `generator` must compute and return tensors (keras.ops), through which "
        f"gradients flow. Received: a {type(generator).__name__} that"
    )
    try:
        returned = getattr(generator, method)(given)
    except NOT_AN_ARRAY as error:
        if "numpy" not in str(error).lower():
            raise
        raise TypeError(f"{expected} computes in NumPy") from error
    for part in tree.flatten(returned):
        if not ops.is_tensor(part):
            raise TypeError(f"{expected} returns {type(part).__name__}")
    return returned


def check_encoded(generator, x):
    """Raises for images that a generator of the package can't encode; outside of any trace."""
    if hasattr(generator, "check_images"):
        generator.check_images(x)


def check_decoded(decoded, x):
    """Raises where what a generator decodes can't be images like `x`."""
    if not same_example_shape(decoded, x):
        raise ValueError(
            "`generator` must decode to the shape of its inputs. Received: "
            f"decoded.shape={tuple(decoded.shape)}, x.shape={tuple(x.shape)}"
        )


def same_example_shape(a, b):
    """Whether two tensors agree in every dimension but the first, as far as it is known."""
    return shapes_agree(a.shape[1:], b.shape[1:])
