"""Adam whose momentum drops when the learning rate begins to decay."""

from typing import Any

import keras
from keras import ops

from keras_vat import arguments
from keras_vat.keras_internals import moments_of


@keras.saving.register_keras_serializable(package="keras_vat")
class BetaSwitchAdam(keras.optimizers.Adam):
    """Adam with another beta_1 from a given update on.

    The VAT authors lower beta_1 from 0.9 to 0.5 at the update where the learning rate begins to
    fall. Up to there it is Keras's Adam to the last bit. The switch is part of the compiled
    step, which is not traced again.

    Formula, at update t = 1, 2, ... with the gradient g:

        b_t   = beta_1 if t <= switch_step else decay_beta_1
        m     = b_t m + (1 - b_t) g
        v     = beta_2 v + (1 - beta_2) g^2
        theta = theta - lr * m sqrt(1 - beta_2^t) / (1 - b_1 b_2 ... b_t) / (sqrt(v) + epsilon)

    1 - b_1 ... b_t is the sum of the weights of all gradients in m, which makes m unbiased across
    the switch too.

    Args:
        learning_rate: Number or schedule. Defaults to `0.001`.
        beta_1: Decay of m before the switch, in [0, 1). Defaults to `0.9`.
        decay_beta_1: Decay of m after it, in [0, 1). Defaults to `0.5`.
        switch_step: Updates made with `beta_1`. `None` (default): no switch, ever. With
            `gradient_accumulation_steps` count updates of the weights; Keras's schedules count
            batches.
        **kwargs: Other arguments of `keras.optimizers.Adam` (`beta_2`, `epsilon`, ...).

    Raises:
        TypeError, ValueError: If a beta is not in [0, 1), or `switch_step` not an integer of at
            least 0.

    Example:

    ```python
    from keras_vat.optimizers import BetaSwitchAdam, ConstantThenLinearDecay

    schedule = ConstantThenLinearDecay(0.001, total_steps=48_000, decay_steps=16_000)
    optimizer = BetaSwitchAdam(schedule, switch_step=32_000)
    ```

    Reference: Miyato et al., "Virtual Adversarial Training" (arXiv:1704.03976), appendix D, and the
    authors' published code.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        decay_beta_1: float = 0.5,
        switch_step: int | None = None,
        **kwargs,
    ):
        kwargs.setdefault("name", "beta_switch_adam")
        super().__init__(learning_rate, beta_1=beta_1, **kwargs)
        for name, beta in (("beta_1", beta_1), ("decay_beta_1", decay_beta_1)):
            if arguments.non_negative(name, beta) >= 1.0:
                raise ValueError(f"`{name}` must be below 1. Received: {name}={beta}")
        self.decay_beta_1 = float(decay_beta_1)
        if switch_step is not None:
            switch_step = arguments.whole_number("switch_step", switch_step, 0)
        self.switch_step = switch_step

    def update_step(self, gradient, variable, learning_rate):
        if self.switch_step is None:
            return super().update_step(gradient, variable, learning_rate)
        dtype = variable.dtype
        learning_rate = ops.cast(learning_rate, dtype)
        gradient = ops.cast(gradient, dtype)
        step = self.iterations + 1
        switched = step > self.switch_step

        def after_switch(then, before):
            return ops.where(switched, ops.cast(then, dtype), ops.cast(before, dtype))

        def power(beta, exponent):
            return ops.power(ops.cast(beta, dtype), ops.cast(exponent, dtype))

        # 1 - beta in Python's double precision, as Keras's Adam has it.
        share = after_switch(1 - self.decay_beta_1, 1 - self.beta_1)
        steps_after = ops.maximum(step - self.switch_step, 0)
        beta_1_product = power(self.beta_1, step - steps_after) * after_switch(
            power(self.decay_beta_1, steps_after), 1.0
        )

        m, v, v_hat = moments_of(self, variable)
        alpha = learning_rate * ops.sqrt(1 - power(self.beta_2, step)) / (1 - beta_1_product)
        self.assign_add(m, (gradient - m) * share)
        self.assign_add(v, (ops.square(gradient) - v) * (1 - self.beta_2))
        if self.amsgrad:
            self.assign(v_hat, ops.maximum(v_hat, v))
            v = v_hat
        self.assign_sub(variable, m * alpha / (ops.sqrt(v) + self.epsilon))

    def get_config(self):
        return {
            **super().get_config(),
            "decay_beta_1": self.decay_beta_1,
            "switch_step": self.switch_step,
        }
