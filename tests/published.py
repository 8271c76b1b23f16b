"""What the published models are: parameters, and sizes of landmark layers at the usual input.

Sources: torchvision's model pages (https://pytorch.org/vision/stable/models.html), keras.applications' table,
the papers named in each example, and PyTorch's DCGAN tutorial.
"""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """Parameters, those of them that are not trained, and landmark shapes by layer."""

    params: int
    fixed: int
    shapes: dict[str, tuple[int, ...]]


PUBLISHED = {
    "alexnet": Published(61_100_840, 0, {"conv1": (64, 55, 55), "pool5": (256, 6, 6)}),
    "alexnet_v2": Published(50_303_912, 0, {"conv1": (54, 54, 64), "pool5": (5, 5, 256), "fc8": (1, 1, 1000)}),
    "autoencoder": Published(9_569, 0, {"code": (32, 7, 7), "out": (1, 28, 28)}),
    "c3d": Published(79_991_015, 0, {"pool5": (512, 1, 4, 4)}),
    "conv1d_stack": Published(1_581_642, 2_016, {"features": (512,)}),
    "dcgan_generator": Published(3_576_704, 0, {"image": (3, 64, 64)}),
    "densenet121": Published(7_978_856, 0, {"dense4": (1024, 7, 7)}),
    "efficientnet_b0": Published(5_288_548, 0, {"head": (1280, 7, 7)}),
    "fcn8s": Published(134_489_759, 0, {"score": (21, 16, 16), "out": (21, 500, 500)}),
    "googlenet": Published(6_624_904, 0, {"inception5b": (1024, 7, 7)}),
    "gpt2": Published(124_439_808, 0, {"wte": (1024, 768), "logits": (1024, 50257)}),
    "inception_v3": Published(23_851_784, 34_432, {"mixed2": (35, 35, 288), "mixed10": (8, 8, 2048)}),
    "keras1": Published(1_041_953, 0, {"lstm1": (124, 64)}),
    "lenet5": Published(61_706, 0, {"s4": (16, 5, 5)}),
    "lstm_classifier": Published(2_757_761, 0, {"lstm1": (200, 128)}),
    "mnist": Published(135_924, 0, {"conv1": (8, 8, 32), "conv2": (2, 2, 64), "flatten1": (256,)}),
    "mnist_nobias": Published(135_468, 0, {"conv2": (2, 2, 64)}),
    "mobilenet_v1": Published(4_253_864, 21_888, {"stage5": (7, 7, 1024)}),
    "mobilenet_v2": Published(3_504_872, 0, {"stage6": (320, 7, 7)}),
    "parallel_filters": Published(146, 0, {"features": (6,)}),
    "resnet101": Published(44_707_176, 105_344, {"conv5": (7, 7, 2048)}),
    "resnet152": Published(60_192_808, 0, {"layer4": (2048, 7, 7)}),
    "resnet18": Published(11_689_512, 0, {"layer4": (512, 7, 7)}),
    "resnet50": Published(25_557_032, 0, {"layer4": (2048, 7, 7)}),
    "resnet50_keras": Published(25_636_712, 53_120, {"conv5": (7, 7, 2048)}),
    "siamese": Published(38_951_745, 0, {"one.conv4": (6, 6, 256), "two": (4096,)}),
    "transformer_encoder": Published(18_914_304, 0, {"out": (128, 512)}),
    "unet": Published(31_031_810, 0, {"d4": (512, 72, 72), "out": (2, 576, 576)}),
    "unet_572": Published(31_030_658, 0, {"out": (2, 388, 388)}),
    "vgg16": Published(138_357_544, 0, {"pool5": (512, 7, 7)}),
    "vit_b16": Published(86_567_656, 0, {"patches": (196, 768), "cls": (768,)}),
    "wavenet": Published(81_248, 0, {"out": (16000, 256)}),
}
