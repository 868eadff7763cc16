import keras

from keras_vat.data import SemiSupervisedInputs


def test_survives_nested_structure_functions():
    inputs = SemiSupervisedInputs(labeled={"a": 1}, unlabeled={"a": 2})
    doubled = keras.tree.map_structure(lambda v: 2 * v, inputs)
    assert doubled == SemiSupervisedInputs({"a": 2}, {"a": 4})
    assert isinstance(doubled, SemiSupervisedInputs)


def test_passes_through_tf_data(tf):
    dataset = tf.data.Dataset.from_tensors((SemiSupervisedInputs([1.0], [2.0, 3.0]), [0]))
    inputs, _ = next(iter(dataset))
    assert isinstance(inputs, SemiSupervisedInputs)
    assert inputs.unlabeled.numpy().tolist() == [2.0, 3.0]
