"""The learning rate of the papers' supervised MNIST experiments."""

import keras

from keras_vat import arguments


def mnist_decay(
    initial_learning_rate: float = 0.002,
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Makes the schedule of the supervised MNIST experiments: times 0.9 every 600 updates.

    Formula:

        rate(t) = initial_learning_rate * 0.9 ^ floor(t / 600)

    Args:
        initial_learning_rate: The rate of the first 600 updates. Defaults to `0.002`.

    Returns:
        A `keras.optimizers.schedules.ExponentialDecay`.

    Raises:
        TypeError, ValueError: If the rate is no finite number above 0.

    Example:

    ```python
    import keras
    from keras_vat.optimizers import mnist_decay

    optimizer = keras.optimizers.Adam(mnist_decay())
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), appendix A.
    """
    return keras.optimizers.schedules.ExponentialDecay(
        arguments.positive("initial_learning_rate", initial_learning_rate),
        decay_steps=600,
        decay_rate=0.9,
        staircase=True,
    )
