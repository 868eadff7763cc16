"""`keras.Model` as editors and type checkers should see it.

Keras's methods have no annotations, so that checkers guess types from defaults and take `verbose=0`
or `optimizer=Adam()` for a mistake. While a program runs, this is `keras.Model` itself.
"""

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:

    class KerasModel(keras.Model):
        """The methods that are typed most, with Keras's arguments and defaults."""

        def compile(
            self,
            optimizer: Any = "rmsprop",
            loss: Any = None,
            loss_weights: Any = None,
            metrics: Any = None,
            weighted_metrics: Any = None,
            run_eagerly: bool = False,
            steps_per_execution: int = 1,
            jit_compile: bool | str = "auto",
            auto_scale_loss: bool = True,
        ) -> None: ...

        def fit(
            self,
            x: Any = None,
            y: Any = None,
            batch_size: int | None = None,
            epochs: int = 1,
            verbose: int | str = "auto",
            callbacks: Any = None,
            validation_split: float = 0.0,
            validation_data: Any = None,
            shuffle: bool = True,
            class_weight: dict[int, float] | None = None,
            sample_weight: Any = None,
            initial_epoch: int = 0,
            steps_per_epoch: int | None = None,
            validation_steps: int | None = None,
            validation_batch_size: int | None = None,
            validation_freq: Any = 1,
        ) -> Any: ...

        def evaluate(
            self,
            x: Any = None,
            y: Any = None,
            batch_size: int | None = None,
            verbose: int | str = "auto",
            sample_weight: Any = None,
            steps: int | None = None,
            callbacks: Any = None,
            return_dict: bool = False,
            **kwargs: Any,
        ) -> Any: ...

        def predict(
            self,
            x: Any,
            batch_size: int | None = None,
            verbose: int | str = "auto",
            steps: int | None = None,
            callbacks: Any = None,
        ) -> Any: ...

        def train_on_batch(
            self,
            x: Any,
            y: Any = None,
            sample_weight: Any = None,
            class_weight: dict[int, float] | None = None,
            return_dict: bool = False,
        ) -> Any: ...

        def export(
            self,
            filepath: Any,
            format: str = "tf_saved_model",
            verbose: bool | None = None,
            input_signature: Any = None,
            **kwargs: Any,
        ) -> None: ...

        def load_weights(
            self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any
        ) -> None: ...

else:
    KerasModel = keras.Model
