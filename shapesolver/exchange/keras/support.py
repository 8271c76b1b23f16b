"""Keras layers that exported networks may need; their text is copied into the exported file."""

# mypy: disable-error-code="misc"

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("shapesolver")
class Learned(layers.Layer):
    """A learned tensor, the same for every example of the batch that it is called with."""

    def __init__(self, sizes, **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(**kwargs)
        self.sizes = tuple(sizes)

    def build(self, input_shape):  # type: ignore[no-untyped-def]
        self.weight = self.add_weight(shape=self.sizes, name="weight")

    def call(self, x):  # type: ignore[no-untyped-def]
        return ops.broadcast_to(self.weight, (ops.shape(x)[0], *self.sizes))

    def compute_output_shape(self, input_shape):  # type: ignore[no-untyped-def]
        return (input_shape[0], *self.sizes)

    def get_config(self):  # type: ignore[no-untyped-def]
        return {**super().get_config(), "sizes": self.sizes}


@keras.saving.register_keras_serializable("shapesolver")
class Fixed(layers.Layer):
    """A tensor of fixed values, zero until they are filled in."""

    def __init__(self, sizes, **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(**kwargs)
        self.sizes = tuple(sizes)

    def call(self, x):  # type: ignore[no-untyped-def]
        return ops.zeros((ops.shape(x)[0], *self.sizes))

    def compute_output_shape(self, input_shape):  # type: ignore[no-untyped-def]
        return (input_shape[0], *self.sizes)

    def get_config(self):  # type: ignore[no-untyped-def]
        return {**super().get_config(), "sizes": self.sizes}


@keras.saving.register_keras_serializable("shapesolver")
class TiedEmbedding(layers.Embedding):
    """An embedding whose table is also the kernel of a dense layer: what it does in reverse."""

    def call(self, inputs, reverse=False):  # type: ignore[no-untyped-def]
        if reverse:
            return ops.matmul(inputs, ops.transpose(self.embeddings))
        return super().call(inputs)

    def compute_output_spec(self, inputs, reverse=False):  # type: ignore[no-untyped-def]
        sizes = (*inputs.shape[:-1], self.input_dim)
        sizes = sizes if reverse else (*inputs.shape, self.output_dim)
        return keras.KerasTensor(sizes, dtype=self.compute_dtype)
