"""Methods, grids and networks under the names that `tables/` calls them by."""

from benchmarks.accuracy import generators
from keras_vat import classifiers, regularizers
from keras_vat.callbacks import EpsilonWarmup, LambdaWarmup


def method(name, **fixed):
    """Makes one regularizer from the hyper-parameters of a row; `start` is `epsilon_warmup`'s."""
    return lambda start=None, **chosen: [regularizers.get(name, **fixed, **chosen)]


def none(**_):
    return []


rpt, vat, fat = method("rpt"), method("vat"), method("fat")
at_l2, at_linf = method("at", norm="l2"), method("at", norm="linf")
# VAT as its authors compute it, and with the true curvature at r = 0; `vat` has neither.
papers_vat = method("vat", curvature="finite_difference", xi=1e-6)
papers_fat = method("fat", curvature="finite_difference", xi=1e-6)
true_vat = method("vat", curvature="logit_difference")
vmt_shift, vmt_rotation, vmt_scale = (
    method("vmt", fields=field) for field in ("shift", "rotation", "scale")
)
vmt_all = method("vmt", fields=("shift", "rotation", "scale"))


def fat_beyond(epsilon, **chosen):
    """FAT along the gradient of D at a random point that is epsilon away, as `vat` has it."""
    more = {"curvature": "finite_difference", "xi": epsilon}
    return [regularizers.get("fat", epsilon=epsilon, **more, **chosen)]


def vat_entropy(**chosen):
    return [*vat(**chosen), regularizers.get("entropy", weight=1.0)]


def vat_iterations(count):
    return method("vat", num_power_iterations=count)


def lvat(recipe, **fixed):
    """LVAT through the generator of a recipe, which is trained if it is not there."""
    return lambda **chosen: [
        regularizers.get("lvat", generator=generators.trained(recipe), **fixed, **chosen)
    ]


def epsilon_warmup(epochs, start, epsilon, **_):
    """Epsilon moves from `start` to `epsilon` over the whole training."""
    return [EpsilonWarmup(start, epsilon, epochs=epochs)]


def fat_warmup(updates_per_pass):
    """FAT's lambda: from 0 to 1 in ten passes over the unlabelled rows, half a training at most."""
    steps = 10 * updates_per_pass
    return lambda updates, **_: [LambdaWarmup(steps=max(1, min(steps, updates // 2)))]


def fat_warmup_by_epoch(**_):
    """In ten passes, 0.1 at a time, where an epoch is one pass."""
    return [LambdaWarmup()]


nothing = ({},)  # the grid of methods without hyper-parameters


def epsilons(*choices):
    return tuple({"epsilon": choice} for choice in choices)


def around(epsilon):
    """Values around a published epsilon."""
    return epsilons(*(round(share * epsilon, 6) for share in (0.5, 0.7, 1.0, 1.4)))


def falling_epsilons(*choices):
    """From pairs: epsilon at first and in the end."""
    return tuple({"start": start, "epsilon": epsilon} for start, epsilon in choices)


def weights(*choices):
    return tuple({"weight": choice} for choice in choices)


def dropouts(*choices):
    return tuple({"dropout": choice} for choice in choices)


def fat_grid(*choices):
    """From triples: epsilon, the radius C and the threshold alpha."""
    names = ("epsilon", "radius", "threshold")
    return tuple(dict(zip(names, choice, strict=True)) for choice in choices)


def mlp(settings, dropout=0.0, **_):
    return classifiers.mnist_mlp(noise=settings.noise, dropout=dropout)


def digits_mlp(settings, **_):
    """The quickstart's net; its module wants matplotlib, which no other row needs."""
    from examples import quickstart

    return quickstart.perceptron()


def sine_wave_mlp(settings, dropout=0.0, **_):
    return classifiers.sine_wave_mlp(dropout=dropout)


def small_cifar10(settings, **_):
    return classifiers.conv_small("cifar10")


def large_cifar10(settings, **_):
    return classifiers.conv_large()


def small_svhn(settings, **_):
    return classifiers.conv_small("svhn")


def large_svhn(settings, **_):
    return classifiers.conv_large(top_batch_norm=True)


def small_movement(settings, **_):
    return classifiers.conv_small("svhn", top_batch_norm=False)
