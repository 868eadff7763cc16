"""The learning rate of the papers' semi-supervised experiments."""

import keras
from keras import ops

from keras_vat import arguments


@keras.saving.register_keras_serializable(package="keras_vat")
class ConstantThenLinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A constant learning rate that falls linearly to zero at the end of training.

    Formula:

        rate(t) = initial_learning_rate * min(1, max(0, total_steps - t) / decay_steps)

    Args:
        initial_learning_rate: The rate before the decay, a number above 0.
        total_steps: Step at which the rate is zero, and stays so.
        decay_steps: Length of the decay, from 1 to `total_steps`.

    Returns:
        Called on a step, scalar or any shape: the rate, of Keras's float type.

    Raises:
        TypeError, ValueError: If a number is of the wrong kind or out of range.

    Example:

    ```python
    from keras_vat.optimizers import ConstantThenLinearDecay

    schedule = ConstantThenLinearDecay(0.001, total_steps=48_000, decay_steps=16_000)
    print(float(schedule(0)), float(schedule(40_000)))  # 0.001 0.0005
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), appendices C and D.
    """

    def __init__(self, initial_learning_rate: float, total_steps: int, decay_steps: int):
        super().__init__()
        self.initial_learning_rate = arguments.positive(
            "initial_learning_rate", initial_learning_rate
        )
        self.total_steps = arguments.whole_number("total_steps", total_steps, 1)
        self.decay_steps = arguments.whole_number("decay_steps", decay_steps, 1)
        if self.decay_steps > self.total_steps:
            raise ValueError(
                "`decay_steps` must be at most `total_steps`. Received: "
                f"decay_steps={decay_steps}, total_steps={total_steps}"
            )

    def __call__(self, step):
        # Counted in the step's own integers: float32 can't tell them apart beyond 16 million.
        remaining = ops.cast(self.total_steps - ops.convert_to_tensor(step), keras.config.floatx())
        return self.initial_learning_rate * ops.clip(remaining / self.decay_steps, 0.0, 1.0)

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "total_steps": self.total_steps,
            "decay_steps": self.decay_steps,
        }
