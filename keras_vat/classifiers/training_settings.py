"""What a published experiment was trained with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingSettings:
    """The numbers of one experiment, under the names that this package gives them.

    Args:
        labeled_batch_size: Rows of the likelihood term per update.
        unlabeled_batch_size: Rows of the regulariser per update; `None`: the labelled batch.
        num_updates: Updates in all.
        learning_rate: Adam's, at first.
        decay_start: Update from which the learning rate falls linearly to 0 (and beta_1
            changes); `None`: exponential decay from the start.
        epsilon: Norm of the virtual adversarial perturbation.
        num_labels: Labelled rows; `None`: all.
        beta_1: Adam's, until `decay_start`. Defaults to `0.9`.
        decay_beta_1: Adam's beta_1 from `decay_start` on. Defaults to `0.9`.
        noise: Standard deviation of the noise on hidden layers. Defaults to `0.0`.
        augmentation: Name for `keras_vat.data.augmentation`, or `None` (default).
        zca: Whether images are whitened. Defaults to `False`.
        weight: Weight of the regulariser, the paper's alpha. Defaults to `1.0`.
        entropy_weight: Weight of the entropy term in the runs that have one ("VAT+EntMin").
            Defaults to `1.0`.
        num_power_iterations: The paper's K. Defaults to `1`.

    Example:

    ```python
    from keras_vat.classifiers.published_settings import SVHN

    print(SVHN.epsilon, SVHN.decay_steps)  # 2.5 16000
    ```
    """

    labeled_batch_size: int
    unlabeled_batch_size: int | None
    num_updates: int
    learning_rate: float
    decay_start: int | None
    epsilon: float
    num_labels: int | None = None
    beta_1: float = 0.9
    decay_beta_1: float = 0.9
    noise: float = 0.0
    augmentation: str | None = None
    zca: bool = False
    weight: float = 1.0
    entropy_weight: float = 1.0
    num_power_iterations: int = 1

    @property
    def decay_steps(self):
        """Updates of linear decay, `None` without one."""
        return None if self.decay_start is None else self.num_updates - self.decay_start
