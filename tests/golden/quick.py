"""What to give to `compile` where the way to compile is not what is tested."""

from golden.precision import ON_TENSORFLOW

# A few steps are quicker than a trace of them on TensorFlow. On JAX single operations compile anew
# wherever they hold a function, as those of a flow do: there a whole step is quicker.
QUICK = {"run_eagerly": True} if ON_TENSORFLOW else {"jit_compile": True}

# For more steps: a compiled one, on TensorFlow without the seconds that XLA takes.
TRACED = {"jit_compile": not ON_TENSORFLOW}
