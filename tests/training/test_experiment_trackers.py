"""A `VATModel` in the hands of MLflow, Weights & Biases, TensorBoard, KerasTuner and Optuna."""

import keras
import pytest

from keras_vat import VATModel, regularizers

LOGGED = ("loss", "supervised_loss", "vat", "accuracy")


@pytest.fixture
def model(make_vat_model):
    vat = regularizers.VirtualAdversarialTraining(epsilon=0.5, weight=2.0)
    return make_vat_model([vat, "entropy"], metrics=["accuracy"])


def fit(model, rows, *callbacks):
    return model.fit(rows.x, rows.y, epochs=2, verbose=0, callbacks=list(callbacks)).history


def test_numbers_of_all_methods_to_log(make_classifier):
    fat = regularizers.FastAdversarialTraining(1.5, radius=2.0)
    model = VATModel(make_classifier(), [fat, "entropy"])
    model.regularizers[1].weight = 0.25
    assert model.parameters_to_log == {
        "fat_epsilon": 1.5,
        "fat_radius": 2.0,
        "fat_threshold": pytest.approx(0.01),
        "fat_bad_sample_weight": 1.0,
        "fat_num_power_iterations": 1,
        "fat_weight": 1.0,
        "entropy_weight": 0.25,
    }


@pytest.mark.filterwarnings("default")
def test_mlflow(model, rows, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    pytest.importorskip("sqlalchemy", reason="MLflow's store is not installed")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    with mlflow.start_run() as run:
        mlflow.log_params(model.parameters_to_log)
        fit(model, rows, mlflow.keras.MlflowCallback())
    mlflow.flush_async_logging()
    data = mlflow.get_run(run.info.run_id).data
    assert (data.params["vat_epsilon"], data.params["vat_weight"]) == ("0.5", "2.0")
    assert set(LOGGED) <= set(data.metrics)


@pytest.mark.filterwarnings("default")
def test_weights_and_biases(model, rows, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb", reason="Weights & Biases is not installed")
    from wandb.integration.keras import WandbMetricsLogger

    monkeypatch.setenv("WANDB_SILENT", "true")
    run = wandb.init(mode="offline", dir=tmp_path, config=model.parameters_to_log)
    fit(model, rows, WandbMetricsLogger())
    config, summary = dict(run.config), dict(run.summary)
    run.finish()
    assert (config["vat_epsilon"], config["vat_weight"]) == (0.5, 2.0)
    assert {f"epoch/{name}" for name in LOGGED} <= set(summary)


def test_tensorboard(tf, model, rows, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    fit(model, rows, keras.callbacks.TensorBoard(tmp_path))
    events = [
        value.tag
        for path in tmp_path.rglob("events*")
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    assert {f"epoch_{name}" for name in LOGGED} <= set(events)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_keras_tuner(make_classifier, rows, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard, which it logs by, is not installed")
    keras_tuner = pytest.importorskip("keras_tuner", reason="KerasTuner is not installed")

    def build(hp):
        epsilon = hp.Float("epsilon", 0.1, 1.0)
        model = VATModel(make_classifier(), regularizers.get("vat", epsilon=epsilon))
        model.compile("sgd", "mse", jit_compile=False)
        return model

    tuner = keras_tuner.RandomSearch(
        build, keras_tuner.Objective("val_loss", "min"), max_trials=1, directory=tmp_path
    )
    y = keras.utils.to_categorical(rows.y)
    tuner.search(rows.x, y, validation_data=(rows.x, y), verbose=0)
    best = tuner.get_best_models()[0]
    chosen = tuner.get_best_hyperparameters()[0].get("epsilon")
    assert float(best.regularizers[0].epsilon) == pytest.approx(chosen)
    assert best.predict(rows.x, verbose=0).shape == (12, 3)


@pytest.mark.filterwarnings("default")
def test_optuna(make_vat_model, rows):
    optuna = pytest.importorskip("optuna", reason="Optuna is not installed")
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial):
        epsilon = trial.suggest_float("epsilon", 0.1, 1.0, log=True)
        model = make_vat_model(regularizers.get("vat", epsilon=epsilon))
        trial.set_user_attr("parameters", model.parameters_to_log)
        return fit(model, rows)["supervised_loss"][-1]

    study = optuna.create_study()
    study.optimize(objective, n_trials=2)
    logged = study.best_trial.user_attrs["parameters"]
    assert logged["vat_epsilon"] == pytest.approx(study.best_params["epsilon"])
