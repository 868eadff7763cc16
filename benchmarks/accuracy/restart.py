"""Many trainings of one compiled model: what differs are variables."""

import keras


def restart(model, make_classifier, seed):
    """Brings a compiled `VATModel` back to where it was before training, with a seed of its own.

    Epsilon and weights of regularizers are variables, so that trainings which differ in them
    alone need not be compiled anew.

    Args:
        model: A compiled `VATModel` whose regularizers perturb.
        make_classifier: Makes its classifier.
        seed: Integer, for the initial weights and the perturbations.

    Returns:
        The new classifier whose initial weights the model has now.
    """
    keras.utils.set_random_seed(seed)
    classifier = make_classifier()
    model.classifier.set_weights(classifier.get_weights())
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    for regularizer in model.regularizers:
        regularizer.perturbation.seed_generator.state.assign([seed, 0])
    return classifier
