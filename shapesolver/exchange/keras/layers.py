"""Keras' layers as ours, by their configurations. What the registry spells as Keras does needs nothing here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shapesolver.exchange.keras import sequences
from shapesolver.exchange.keras.activations import activate, activation_name, relu
from shapesolver.exchange.keras.config import LAYOUTS, Call
from shapesolver.exchange.keras.pen import Config, Draw, Inexpressible, Pen, move_channels, only
from shapesolver.layers.registry import parameter_names, spellings
from shapesolver.model.graph import Wire

_WITHOUT_SIZE = """
name trainable dtype batch_input_shape batch_shape input_shape input_dtype data_format dim_ordering activation
epsilon momentum synchronized seed noise_shape autocast virtual_batch_size renorm fused lora_rank lora_alpha
quantization_config mask_zero input_length weights init inner_init forget_bias_init inner_activation
recurrent_activation recurrent_dropout stateful unroll go_backwards implementation time_major use_cudnn
zero_output_for_mask W_regularizer U_regularizer b_regularizer W_constraint b_constraint dropout_W dropout_U p
rate sparse unit_forget_bias gptq_unpacked_column_size align_corners consume_less mode alpha_initializer
weight_format dropout scale_attention inputs_names build_config ragged optional fill_mode
"""
WITHOUT_SIZE = frozenset(_WITHOUT_SIZE.split())
"""Keys of configurations that change no size and no weight."""

_INIT = ("_initializer", "_regularizer", "_constraint")


def draw_known(pen: Pen, class_name: str, config: Config, inputs: list[Wire], call: Call) -> list[Wire] | None:
    """Draw a call of a layer of Keras' own; ``None`` where the layer is not known."""
    special = SPECIAL.get(class_name)
    if special is not None:
        drawn = special(pen, config, inputs, call)
    elif class_name in spellings():
        drawn = by_registry(pen, class_name, config, inputs)
    else:
        return None
    return drawn if isinstance(drawn, list) else [drawn]


def by_registry(pen: Pen, class_name: str, config: Config, inputs: list[Wire], **changed: Any) -> Wire:
    """A layer whose class and parameters the registry spells as Keras does, and the activation behind it."""
    kind = spellings()[class_name].kind
    parameters = {**read_parameters(pen, class_name, config), **changed}
    layout = layout_of(config)
    other = layout is not None and (layout == "channels_last") != pen.channels_last and pen.tensor(inputs[0]).rank > 1
    wires = [move_channels(pen, wire) for wire in inputs] if other else inputs
    wire = pen.layer(kind.op, wires, **parameters)
    if other and pen.tensor(wire).rank > 1:
        wire = move_channels(pen, wire, back=True)
    return activate(pen, wire, config.get("activation"))


def read_parameters(pen: Pen, class_name: str, config: Config) -> dict[str, Any]:
    """The parameters of ours that a configuration states; what it states besides is warned of."""
    kind = spellings()[class_name].kind
    names = parameter_names(kind.op)
    found: dict[str, Any] = {}
    for key, value in config.items():
        canonical = names.get(key)
        if canonical is None:
            if key not in WITHOUT_SIZE and not key.endswith(_INIT) and value:
                pen.sketch.warn(f"{pen.sketch.source}: {class_name} `{pen.name}`: `{key}` is not known and left out")
            continue
        name, _, part = canonical.partition("[")
        value = tuple(_tuple(item) for item in value) if isinstance(value, list) else value
        found[name] = (*found.get(name, ()), value) if part else value
    if "stride" in found and found["stride"] == found.get("kernel") and kind.parameters["stride"].optional:
        # A pool's stride is its kernel when left out.
        del found["stride"]
    for name, default in (("padding", "valid"), ("keepdims", False), ("activation", None)):
        if name in found and found[name] == default:
            del found[name]
    return kind.spelled(class_name, found)


def layout_of(config: Config) -> str | None:
    """The layout that a layer's configuration names."""
    layout = config.get("data_format", config.get("dim_ordering"))
    return LAYOUTS.get(layout, layout) if isinstance(layout, str) else None


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


def _axes(config: Config, default: Any = -1) -> list[int]:
    axis = config.get("axis", default)
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    if not all(isinstance(a, int) and not isinstance(a, bool) for a in axes):
        raise Inexpressible(f"its axis {axis} is none")
    return list(axes)


# Layers that need more than other spellings.


def _activation(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    if activation_name(config.get("activation")) is None:
        return pen.layer("identity", inputs)
    return activate(pen, only(inputs), config["activation"])


def _relu(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    return relu(pen, config, only(inputs))


def _softmax(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    axes = _axes(config)
    if len(axes) > 1:
        return pen.layer("pointwise", inputs[:1], function=f"Softmax over {len(axes)} axes")
    return pen.layer("softmax", inputs[:1], axis=None if axes == [-1] else axes[0])


def _at_channels(pen: Pen, wire: Wire, axis: int, draw: Callable[[Wire], Wire]) -> Wire:
    """A layer over channels whose channel axis may be another than the model's."""
    rank = pen.tensor(wire).rank
    number = axis if axis > 0 else rank + 1 + axis
    place = pen.channel_axis(wire)
    if number == place:
        return draw(wire)
    order = [a for a in range(1, rank + 1) if a != number]
    order.insert(place - 1, number)
    back = [order.index(a) + 1 for a in range(1, rank + 1)]
    return pen.helper("permute", [draw(pen.helper("permute", [wire], order=order))], order=back)


def _batch_norm(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    axes = _axes(config)
    if len(axes) != 1:
        raise Inexpressible("it normalises over several axes")
    flags = {key: value for key in ("scale", "center") if (value := config.get(key)) is False}
    return _at_channels(pen, only(inputs), axes[0], lambda wire: pen.layer("batch_norm", [wire], **flags))


def _layer_norm(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    wire = only(inputs)
    rank = pen.tensor(wire).rank
    axes = sorted(a if a > 0 else rank + 1 + a for a in _axes(config))
    if axes != list(range(rank + 1 - len(axes), rank + 1)):
        raise Inexpressible("it normalises over axes that are not the last ones")
    scale, center = config.get("scale", True), config.get("center", True)
    if center and not scale:
        raise Inexpressible("it learns a shift and no scale")
    bias = None if center or not scale else False
    return pen.layer("layer_norm", [wire], axes=len(axes), affine=None if scale else False, bias=bias)


def _group_norm(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    axes = _axes(config)
    groups, scale, center = config.get("groups", 32), config.get("scale", True), config.get("center", True)
    if len(axes) != 1 or scale != center:
        raise Inexpressible("it normalises over several axes, or learns a scale or shift alone")

    def draw(wire: Wire) -> Wire:
        if groups == -1:
            return pen.layer("instance_norm", [wire], affine=bool(scale))
        return pen.layer("group_norm", [wire], groups=groups, affine=None if scale else False)

    return _at_channels(pen, only(inputs), axes[0], draw)


def _standardize(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    axis = config.get("axis", -1)
    axes = [] if axis is None else _axes(config)
    fixed = config.get("mean") is not None
    return pen.layer("standardize", inputs, axis=None if axes == [-1] else axes, fixed=fixed or None)


def _named_function(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    """A layer that changes cells, not sizes, and learns nothing."""
    return pen.layer("pointwise", [only(inputs)], function=pen.name.rstrip("_0123456789"))


def _identity(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    return pen.layer("identity", [only(inputs)])


def _upsampling(class_name: str) -> Draw:
    def draw(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
        mode = config.get("interpolation")
        return by_registry(pen, class_name, config, inputs, mode=None if mode == "nearest" else mode)

    return draw


def _resizing(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    target = (config.get("height"), config.get("width"))
    given = {key: config[key] for key in ("data_format",) if key in config}
    return by_registry(pen, "Resizing", given, inputs, target=target, mode=config.get("interpolation"))


def _center_crop(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    # An image smaller than that is resized, so that the size is always the stated one.
    target = (config.get("height"), config.get("width"))
    return by_registry(pen, "Resizing", {}, inputs, target=target)


def _flatten(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    return pen.layer("flatten", [only(inputs)])


def _reshape(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    target = config.get("target_shape", config.get("dims"))
    if not isinstance(target, (list, tuple)):
        raise Inexpressible("its target_shape is no list of sizes")
    return pen.layer("reshape", [only(inputs)], sizes=[-1 if n is None else n for n in target])


def _repeat_vector(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    wide = pen.helper("unsqueeze", [only(inputs)], axis=1)
    return pen.layer("expand", [wide], sizes=(config.get("n"), -1))


def _concat(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    if len(inputs) == 1:
        return pen.layer("identity", inputs)
    (axis,) = _axes(config)
    tensor = pen.tensor(inputs[0])
    number = axis if axis > 0 else tensor.rank + 1 + axis
    named = 0 < number <= tensor.rank and tensor.axes[number - 1] == "C"
    return pen.layer("concat", inputs, axis=None if named else axis)


def _merging(op: str) -> Draw:
    def draw(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
        return pen.layer(op if len(inputs) > 1 else "identity", inputs)

    return draw


def _dot(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    if len(inputs) != 2:
        raise Inexpressible("it is called with other than two tensors")
    axes = config.get("axes", -1)
    one, two = axes if isinstance(axes, (list, tuple)) and len(axes) == 2 else (axes, axes)
    ranks = [pen.tensor(wire).rank for wire in inputs]
    if not isinstance(one, int) or not isinstance(two, int) or max(ranks) > 2:
        raise Inexpressible("it multiplies tensors of more than two axes")
    one, two = (axis if axis > 0 else rank + 1 + axis for axis, rank in zip((one, two), ranks, strict=True))
    if ranks == [1, 1]:
        return pen.layer("reduce", [pen.helper("mul", inputs)], how="sum", axes=(1,), keepdims=True)
    if ranks != [2, 2]:
        raise Inexpressible("it multiplies tensors of different ranks")
    left = inputs[0] if one == 2 else pen.helper("permute", inputs[:1], order=(2, 1))
    right = inputs[1] if two == 1 else pen.helper("permute", inputs[1:], order=(2, 1))
    return pen.layer("matmul", [left, right])


def _merge(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    """Keras 1's layer for all of them."""
    mode = config.get("mode")
    if mode == "concat":
        return _concat(pen, {"axis": config.get("concat_axis", -1)}, inputs, call)
    op = {"sum": "add", "mul": "mul", "ave": "average", "max": "max"}.get(mode) if isinstance(mode, str) else None
    if op is None:
        raise Inexpressible(f"it merges by {mode!r}")
    return pen.layer(op, inputs)


def _layer_scale(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    """ConvNeXt's learned factor for each channel."""
    factors = pen.layer("parameter", (), bears_name=False, sizes=(config.get("projection_dim"),))
    return pen.layer("mul", [only(inputs), factors])


def _stochastic_depth(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    """ConvNeXt's dropping of whole examples."""
    return pen.layer("dropout", [only(inputs)], rate=config.get("drop_path_rate"))


def _scaled_sum(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    """Inception-ResNet's sum, its second part scaled by a number."""
    return pen.layer("add", inputs)


SPECIAL: Mapping[str, Draw] = {
    "LayerScale": _layer_scale,
    "StochasticDepth": _stochastic_depth,
    "CustomScaleLayer": _scaled_sum,
    "Activation": _activation,
    "ReLU": _relu,
    "Softmax": _softmax,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "GroupNormalization": _group_norm,
    "Normalization": _standardize,
    "Rescaling": _named_function,
    "GaussianNoise": _named_function,
    **dict.fromkeys(["ActivityRegularization", "Masking", "Identity"], _identity),
    **{name: _upsampling(name) for name in ("UpSampling1D", "UpSampling2D", "UpSampling3D")},
    "Resizing": _resizing,
    "CenterCrop": _center_crop,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "RepeatVector": _repeat_vector,
    "Concatenate": _concat,
    "Add": _merging("add"),
    "Subtract": _merging("sub"),
    "Multiply": _merging("mul"),
    "Average": _merging("average"),
    "Maximum": _merging("max"),
    "Minimum": _merging("min"),
    "Dot": _dot,
    "Merge": _merge,
    "Embedding": sequences.embedding,
    "EinsumDense": sequences.einsum_dense,
    "LSTM": sequences.recurrent("lstm"),
    "GRU": sequences.recurrent("gru"),
    "SimpleRNN": sequences.recurrent("rnn"),
    "MultiHeadAttention": sequences.attention,
    "Attention": sequences.dot_attention,
}
