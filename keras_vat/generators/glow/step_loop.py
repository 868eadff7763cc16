"""The loop over the steps of a level."""

from keras import ops

from keras_vat.autodiff import repeat


def run_steps(step, carry, stacks, reverse=False, unroll=False):
    """Applies a step as often as the stacks are long.

    As a loop of the backend, a step is traced once, however many there are, and runs nearly as
    fast as the unrolled loop. But the gradient with respect to the weights then goes through
    whole stacks again and again, and XLA on CPUs copies all activations each time: train unrolled.

    Args:
        step: Callable `(*carry, weights)` that returns the next carry, as a tuple.
        carry: Tuple of tensors; their shapes and dtypes stay the same from step to step.
        stacks: List of tensors `(num_steps, ...)`: the weights of all steps.
        reverse: Whether to begin with the last step.
        unroll: Whether to trace every step.

    Returns:
        The last carry.
    """
    num_steps = stacks[0].shape[0]
    if unroll:
        steps = list(zip(*[ops.unstack(stack, num_steps) for stack in stacks], strict=True))
        for weights in reversed(steps) if reverse else steps:
            carry = step(*carry, weights)
        return carry

    def body(count, carry):
        index = num_steps - 1 - count if reverse else count
        return step(*carry, [stack[index] for stack in stacks])

    return repeat(body, num_steps, carry)
