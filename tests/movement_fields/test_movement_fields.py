"""The families on their lattices, against the definitions and a search over phi."""

import copy
import json

import keras
import numpy as np
import pytest

import keras_vat
from keras_vat import movement_fields
from keras_vat.movement_fields import MovementField, RotationField, ScaleField, ShiftField

LATTICES = [(7,), (6, 6), (5, 9), (4, 5, 3)]
NUM_DIRECTIONS = {ShiftField: (1, 2, 2, 3), RotationField: (0, 1, 1, 3), ScaleField: (1, 2, 2, 3)}
every_field = pytest.mark.parametrize("field", NUM_DIRECTIONS)


@every_field
@pytest.mark.parametrize("number", range(len(LATTICES)))
def test_unit_combinations_have_mean_squared_length_one(field, number):
    basis = field().basis(LATTICES[number])
    assert len(basis) == NUM_DIRECTIONS[field][number]
    for _ in range(5 if len(basis) else 0):
        phi = np.random.default_rng(number).normal(size=len(basis))
        movement = np.tensordot(phi / np.linalg.norm(phi), basis, axes=1)
        assert np.mean(np.sum(movement**2, axis=-1)) == pytest.approx(1, abs=1e-12)


def normalized(movement):
    return movement / np.sqrt(np.mean(np.sum(movement**2, axis=-1)))


def image_fields(lattice, phi):
    """Eq. 11, 14 and 15 as they are written, normalised by eq. 2 afterwards."""
    height, width = lattice
    rows, columns = np.meshgrid(np.arange(1.0, height + 1), np.arange(1.0, width + 1))
    rows, columns = rows.T - (height + 1) / 2, columns.T - (width + 1) / 2
    return {
        "shift": np.stack([np.full(lattice, np.cos(phi)), np.full(lattice, np.sin(phi))], -1),
        "rotation": normalized(np.stack([-columns, rows], -1)),
        "scale": normalized(np.stack([rows * np.cos(phi), columns * np.sin(phi)], -1)),
    }


@pytest.mark.parametrize("name", ["shift", "rotation", "scale"])
@pytest.mark.parametrize("lattice", [(6, 6), (5, 12)])
def test_maximum_equals_a_search_over_phi(name, lattice):
    slopes = np.random.default_rng(3).normal(size=(*lattice, 2))
    searched = max(
        abs(np.sum(slopes * image_fields(lattice, phi)[name]))
        for phi in np.linspace(0, 2 * np.pi, 20_001)
    )
    basis = movement_fields.get(name).basis(lattice)
    closed = np.linalg.norm(np.tensordot(basis, slopes, axes=3))
    assert closed == pytest.approx(searched, rel=1e-6)


def test_the_scale_fields_maximum_on_a_lattice_that_is_not_square():
    """sqrt(sum_k a_k^2 / m_k), unlike the square root over one common Z of the paper's table."""
    height, width = lattice = (5, 12)
    slopes = np.random.default_rng(4).normal(size=(*lattice, 2))
    a = [
        np.sum(slopes[..., 0] * (np.arange(height) - 2)[:, None]),
        np.sum(slopes[..., 1] * (np.arange(width) - 5.5)),
    ]
    m = [(height**2 - 1) / 12, (width**2 - 1) / 12]
    closed = np.linalg.norm(np.tensordot(ScaleField().basis(lattice), slopes, axes=3))
    assert closed == pytest.approx(np.sqrt(a[0] ** 2 / m[0] + a[1] ** 2 / m[1]))
    common = np.sqrt((a[0] ** 2 + a[1] ** 2) / (sum(m) / 2))
    assert abs(closed - common) > 0.1 * closed


def test_rotations_of_a_volume_are_cross_products():
    lattice = (3, 5, 4)
    positions = np.stack(np.indices(lattice), -1) - (np.array(lattice) - 1) / 2
    basis = RotationField().basis(lattice).reshape(3, -1)
    for axis in np.eye(3):
        turned = np.cross(axis, positions).reshape(-1)
        coefficients, *_ = np.linalg.lstsq(basis.T, turned, rcond=None)
        np.testing.assert_allclose(basis.T @ coefficients, turned, atol=1e-12)


def test_an_axis_of_one_position_can_not_be_scaled():
    assert ScaleField().basis((1, 5)).shape == (1, 1, 5, 2)


@keras.saving.register_keras_serializable(package="tests.movement_fields")
class Shear(MovementField):
    def __init__(self, copies=1):
        self.copies = copies

    def directions(self, lattice):
        shear = np.zeros((self.copies, *lattice, 2))
        shear[..., 1] = np.arange(lattice[0])[:, None]
        return shear


def test_arguments_of_the_constructor_are_saved_where_a_file_can_hold_them():
    for field, config in (
        (Shear(), {}),
        (Shear(3), {"copies": 3}),
        (Shear(copies=[2, "a"]), {"copies": [2, "a"]}),
        (copy.deepcopy(Shear(3)), {"copies": 3}),
        (ScaleField(), {}),
    ):
        assert field.get_config() == config
        saved = json.loads(json.dumps(keras.saving.serialize_keras_object(field)))
        loaded = keras.saving.deserialize_keras_object(saved)
        assert type(loaded) is type(field) and loaded.get_config() == config
    assert loaded.name == "scale"
    with pytest.raises(NotImplementedError, match="Shear must implement `get_config`: arguments"):
        Shear(np.ones(3)).get_config()


def test_arguments_by_position_and_by_any_name():
    class Named(Shear):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)

    class Listed(Shear):
        def __init__(self, *args):
            super().__init__(*args)

    assert Named(copies=2).get_config() == {"copies": 2}
    assert Listed().get_config() == {}
    with pytest.raises(NotImplementedError, match="Listed must implement `get_config`"):
        Listed(2).get_config()
    with pytest.raises(TypeError, match="argument"):
        ScaleField(2)
    with pytest.raises(TypeError, match="unexpected keyword argument 'times'"):
        Shear(times=2)


def test_a_family_of_ones_own_is_normalised_and_freed_of_dependent_directions():
    basis = Shear(copies=3).basis((4, 5))
    assert basis.shape == (1, 4, 5, 2)
    np.testing.assert_allclose(np.abs(basis), np.abs(normalized(Shear().directions((4, 5)))))
    assert Shear().name == "Shear"


def test_directions_of_another_shape_are_refused():
    class Wrong(MovementField):
        def directions(self, lattice):
            return np.zeros((2, *lattice))

    with pytest.raises(ValueError, match=r"`directions` of Wrong .* Received: shape \(2, 4, 5\)"):
        Wrong().basis((4, 5))
    with pytest.raises(NotImplementedError, match="MovementField must implement `directions`"):
        MovementField().basis((4, 5))


@pytest.mark.parametrize(
    ("direction", "error", "message"),
    [
        (lambda: np.full((1, 4, 5, 2), np.nan), ValueError, "of Own must be finite. Received"),
        (lambda: np.zeros((1, 4, 5, 2)), ValueError, r"as \(4, 5\), .* not all zero.*Received"),
        pytest.param(  # JAX makes constants with their numbers, also in a compiled step
            lambda: keras.ops.ones((1, 4, 5, 2)),
            TypeError,
            "of Own .* a NumPy array.* Received",
            marks=pytest.mark.backend("tensorflow"),
        ),
    ],
)
def test_directions_without_numbers_are_refused(direction, error, message):
    class Own(MovementField):
        def directions(self, lattice):
            return direction()

    classifier = keras.Sequential([keras.Input((4, 5, 1)), keras.layers.Flatten()])
    classifier.add(keras.layers.Dense(3))
    model = keras_vat.VATModel(
        classifier, keras_vat.regularizers.VirtualMovementTraining(fields=Own())
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=False)
    with pytest.raises(error, match=f"(?s){message}"):
        model.fit(np.ones((2, 4, 5, 1), "float32"), np.arange(2), verbose=0)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="`fields` must be among .* Received: 'shear'"):
        movement_fields.get("shear")
    with pytest.raises(TypeError, match="`fields` must be names, or objects .* Received: 3"):
        movement_fields.get(3)
