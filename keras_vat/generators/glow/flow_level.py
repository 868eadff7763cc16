"""One level of the flow: steps of actnorm, 1x1 convolution and affine coupling."""

import keras
from keras import ops

from keras_vat.generators.glow import folded_convolution as folding
from keras_vat.generators.glow.actnorm import Actnorm, normalizing_map
from keras_vat.generators.glow.affine_coupling import AffineCoupling
from keras_vat.generators.glow.folded_convolution import FoldedConvolution
from keras_vat.generators.glow.invertible_convolution import InvertibleConvolution
from keras_vat.generators.glow.map_channels import map_channels
from keras_vat.generators.glow.step_loop import run_steps


class FlowLevel(keras.layers.Layer):
    """`num_steps` steps at one resolution; the weights of all steps are stacked.

    In each step, actnorm and convolution act as one linear map of the channels (see
    `FoldedConvolution`): computed from the weights wherever it is needed, until `freeze` computes
    it once and for all.

    Args:
        num_steps: Number of steps.
        channels: Number of channels, even.
        width: Hidden channels of the coupling networks.
        scale: `"sigmoid"` or `"exponential"`.
        rng: NumPy generator that the weights are drawn from.
        flow_dtype: Dtype of everything but the coupling networks.
        **kwargs: `name` and `dtype` of the layer; `dtype` is that of the coupling networks.
    """

    def __init__(self, num_steps, channels, width, scale, rng, flow_dtype, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self._num_steps = num_steps
        self._flow_dtype = flow_dtype
        self._frozen = False
        self.actnorm = Actnorm(num_steps, channels, dtype=flow_dtype)
        self.convolution = InvertibleConvolution(num_steps, channels, rng, dtype=flow_dtype)
        self.coupling = AffineCoupling(
            num_steps, channels, width, scale, rng, dtype=self.dtype_policy
        )
        self.folded = FoldedConvolution(num_steps, channels, dtype=flow_dtype)
        self.built = True

    def forward(self, x, unroll=False):
        """y, shaped like x, and log|det dy/dx|, `(batch,)`."""
        if self._frozen:
            matrix, bias, log_det = self.folded.matrix, self.folded.bias, self.folded.log_det
        else:
            matrix, bias = folding.fold(self.actnorm, self.convolution)
            log_det = folding.log_det_per_pixel(self.actnorm, self.convolution)

        def step(x, log_det, weights):
            matrix, bias, *network = weights
            y, more = self.coupling.forward(map_channels(x, matrix, bias), network)
            return y, log_det + more

        pixels = x.shape[1] * x.shape[2]
        log_dets = ops.zeros_like(x[:, 0, 0, 0]) + pixels * log_det
        return run_steps(step, (x, log_dets), self._stacks(matrix, bias), unroll=unroll)

    def inverse(self, y):
        """x, shaped like y."""
        if self._frozen:
            matrix, bias = self.folded.inverse_matrix, self.folded.inverse_bias
        else:
            matrix, bias = folding.invert(*folding.fold(self.actnorm, self.convolution))

        def step(y, weights):
            matrix, bias, *network = weights
            return (map_channels(self.coupling.inverse(y, network), matrix, bias),)

        return run_steps(step, (y,), self._stacks(matrix, bias), reverse=True)[0]

    def initialize(self, x):
        """Sets the actnorms, so that each one's output is normalised on x; returns y."""
        network = self.coupling.weights_of_steps()
        matrices = self.convolution.matrices(self._flow_dtype)
        maps = []
        for k in range(self._num_steps):
            log_scale, shift = normalizing_map(x)
            maps.append((log_scale, shift))
            x = ops.matmul(x * ops.exp(log_scale) + shift, matrices[k])
            x, _ = self.coupling.forward(x, [weight[k] for weight in network])
        self.actnorm.assign(*[ops.stack(values) for values in zip(*maps, strict=True)])
        return x

    def freeze(self):
        """Folds actnorm and convolution for good."""
        self.folded.store(self.actnorm, self.convolution)
        self._frozen = True

    def _stacks(self, matrix, bias):
        maps = [ops.cast(weight, self._flow_dtype) for weight in (matrix, bias)]
        return maps + self.coupling.weights_of_steps()
