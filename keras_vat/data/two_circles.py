"""A circle inside another."""

import numpy as np

from keras_vat import arguments


def two_circles(
    n: int = 1000, noise: float = 0.1, factor: float = 0.5, seed: int | None = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draws points of two concentric circles: class 0 the outer one, class 1 the inner one.

    Args:
        n: Number of points. Defaults to `1000`.
        noise: Standard deviation of the Gaussian noise on each coordinate. Defaults to `0.1`.
        factor: Radius of the inner circle, in (0, 1); the outer one's is 1. Defaults to `0.5`.
        seed: Integer. Defaults to `0`.

    Returns:
        `(x, y)`: points `(n, 2)` of `float32`, classes 0 and 1, `(n,)` of `int32`.

    Raises:
        TypeError, ValueError: If a number is of the wrong kind or out of range.
        ImportError: If scikit-learn is not installed.

    Example:

    ```python
    from keras_vat.data import two_circles

    x, y = two_circles(n=500, factor=0.3)
    ```
    """
    n = arguments.whole_number("n", n, 2)
    noise = arguments.non_negative("noise", noise)
    seed = arguments.whole_number("seed", seed, 0)
    if arguments.positive("factor", factor) >= 1.0:
        raise ValueError(f"`factor` must be below 1. Received: factor={factor}")
    try:
        from sklearn.datasets import make_circles
    except ImportError as error:
        raise ImportError(
            "`two_circles` needs scikit-learn. Install it with `pip install scikit-learn`."
        ) from error
    x, y = make_circles(n, noise=noise, factor=factor, random_state=seed)
    return x.astype("float32"), y.astype("int32")
