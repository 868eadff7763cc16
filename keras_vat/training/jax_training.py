"""The training step on JAX."""

import warnings

import jax
import keras
from jax import numpy as jnp

from keras_vat import keras_internals
from keras_vat.keras_internals import raw_value, set_raw_value


class JAXTraining:
    """Mix-in of `VATModel`: one gradient of the total loss by `jax.value_and_grad`."""

    def train_step(self, state, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        trainable, non_trainable, optimizer_variables, metrics_variables = state

        def mapping(trainable, non_trainable, metrics_variables):
            values = (
                (self.trainable_variables, trainable),
                (self.non_trainable_variables, non_trainable),
                (self.metrics_variables, metrics_variables),
                (self.optimizer.variables, optimizer_variables),
            )
            return [pair for lists in values for pair in zip(*lists, strict=True)]

        def total_loss(trainable):
            before = mapping(trainable, non_trainable, metrics_variables)
            with keras.StatelessScope(before, collect_losses=True) as scope:
                step = self._compute_step(x, y, sample_weight)
                for variable, value in step.moved:
                    variable.assign(value)
                total = step.supervised_loss
                for regularizer, penalty in zip(self.regularizers, step.penalties, strict=True):
                    weight = jnp.asarray(regularizer.weight.value, total.dtype)
                    total += weight * jnp.asarray(penalty, total.dtype)
                scaled = self.optimizer.scale_loss(total)
            moved = [
                [scope.get_current_value(variable) for variable in variables]
                for variables in (self.non_trainable_variables, self.metrics_variables)
            ]
            return scaled, (step, total, *moved)

        if not trainable:
            warnings.warn("The classifier has no trainable weights.", stacklevel=2)
        (_, found), gradients = jax.value_and_grad(total_loss, has_aux=True)(trainable)
        step, total, moved, metrics_variables = found
        values = (step.supervised_loss, *step.penalties)
        finite = jnp.all(jnp.asarray([jnp.isfinite(value) for value in values]))
        usable = self._usable(gradients)
        finite &= usable
        with keras.StatelessScope(mapping(trainable, moved, metrics_variables)) as scope:
            finite &= self._finite_before()
            total = jnp.where(usable, total, jnp.nan)
            logs = self._update_metrics(step, y, sample_weight, total, finite)
            logs |= {**self._mistakes.extremes(step.x), **self._inputs(x), **self._flag(finite)}
        metrics_variables = [scope.get_current_value(v) for v in self.metrics_variables]
        non_trainable = [
            jnp.where(finite, now, before) if jnp.issubdtype(now.dtype, jnp.floating) else now
            for now, before in zip(moved, non_trainable, strict=True)
        ]

        def apply():
            return self.optimizer.stateless_apply(optimizer_variables, gradients, trainable)

        # An update that would spoil the weights is left out.
        trainable, optimizer_variables = jax.lax.cond(
            finite, apply, lambda: (list(trainable), list(optimizer_variables))
        )
        return logs, (trainable, non_trainable, optimizer_variables, metrics_variables)

    def _usable(self, gradients):
        """Whether all gradients are finite: those of a finite loss may be not.

        Where losses are scaled, the optimizer looks itself, and lowers the scale.
        """
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            return True
        return jnp.all(jnp.isfinite(jnp.asarray([_sum(gradient) for gradient in gradients])))

    def make_train_function(self, force=False):
        if self.train_function is not None and not force:
            return
        super().make_train_function(force=force)
        run = self.train_function

        numbers = self._numbers()

        def check_and_run(state, iterator):
            self._check_last_step()
            for place, variable in numbers:
                if raw_value(variable) is not None:  # assigned since the step before
                    state[1][place] = raw_value(variable)
            logs, state = run(state, iterator)
            for place, variable in numbers:
                set_raw_value(variable, state[1][place])
            self._mistakes.look_at_inputs(logs)
            self._take_inputs(logs)
            self._take_flag(logs)
            return logs, state

        self.train_function = check_and_run

    def _numbers(self):
        """What may be assigned in the middle of `fit`, with its place in the state.

        There Keras holds the newest values and leaves the variables empty; these are kept up to
        date, so that they can be read and assigned as ever.
        """
        found = set()
        for regularizer in self.regularizers:
            for layer in (regularizer, getattr(regularizer, "perturbation", None)):
                if layer is not None:
                    found |= {id(variable) for variable in keras_internals.own_state(layer)}
        variables = enumerate(self.non_trainable_variables)
        return [(place, variable) for place, variable in variables if id(variable) in found]

    def test_step(self, state, data):
        logs, state = super().test_step(state, data)
        return self._of_evaluation(logs), state


def _sum(gradient):
    """The sum of all numbers, by a product with ones: XLA on a CPU takes far longer to add."""
    if gradient.ndim:
        ones = jnp.ones(gradient.shape[-1], gradient.dtype)
        gradient = jnp.matmul(gradient, ones, preferred_element_type="float32")
    return jnp.sum(gradient, dtype="float32")
