"""Networks from their papers, as people write them in PyTorch. Widths are a parameter, so that tests can be quick."""

from __future__ import annotations

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional


def conv_bn(into: int, out: int, kernel: Any = 1, stride: int = 1, padding: Any = 0, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(into, out, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(out), nn.ReLU(True)
    )


# SqueezeNet 1.1 (Iandola et al. 2016).


class Fire(nn.Module):
    def __init__(self, into: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(into, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x), inplace=True)
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, 2),
            nn.ReLU(True),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(64, 16, 64),
            Fire(128, 16, 64),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(128, 32, 128),
            Fire(256, 32, 128),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            Fire(512, 64, 256),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.5), nn.Conv2d(512, classes, 1), nn.ReLU(True), nn.AdaptiveAvgPool2d((1, 1))
        )

    def forward(self, x):
        return torch.flatten(self.classifier(self.features(x)), 1)


# ShuffleNet v2 x1.0 (Ma et al. 2018).


def channel_shuffle(x, groups: int):
    n, c, h, w = x.size()
    x = x.view(n, groups, c // groups, h, w)
    return torch.transpose(x, 1, 2).contiguous().view(n, c, h, w)


class ShuffleUnit(nn.Module):
    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        branch = out // 2
        if stride > 1:
            self.branch1 = nn.Sequential(
                nn.Conv2d(into, into, 3, stride, 1, groups=into, bias=False),
                nn.BatchNorm2d(into),
                nn.Conv2d(into, branch, 1, bias=False),
                nn.BatchNorm2d(branch),
                nn.ReLU(True),
            )
        self.branch2 = nn.Sequential(
            nn.Conv2d(into if stride > 1 else branch, branch, 1, bias=False),
            nn.BatchNorm2d(branch),
            nn.ReLU(True),
            nn.Conv2d(branch, branch, 3, stride, 1, groups=branch, bias=False),
            nn.BatchNorm2d(branch),
            nn.Conv2d(branch, branch, 1, bias=False),
            nn.BatchNorm2d(branch),
            nn.ReLU(True),
        )

    def forward(self, x):
        if self.stride == 1:
            x1, x2 = x.chunk(2, dim=1)
            out = torch.cat((x1, self.branch2(x2)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        return channel_shuffle(out, 2)


class ShuffleNetV2(nn.Module):
    def __init__(self, widths=(24, 116, 232, 464, 1024), repeats=(4, 8, 4)) -> None:
        super().__init__()
        self.conv1 = conv_bn(3, widths[0], 3, 2, 1)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        into = widths[0]
        for number, (n, out) in enumerate(zip(repeats, widths[1:], strict=False), start=2):
            units = [ShuffleUnit(into, out, 2), *(ShuffleUnit(out, out, 1) for _ in range(n - 1))]
            setattr(self, f"stage{number}", nn.Sequential(*units))
            into = out
        self.conv5 = conv_bn(into, widths[-1])
        self.fc = nn.Linear(widths[-1], 1000)

    def forward(self, x):
        x = self.maxpool(self.conv1(x))
        x = self.stage4(self.stage3(self.stage2(x)))
        return self.fc(self.conv5(x).mean([2, 3]))


# MobileNet v3 small (Howard et al. 2019).


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        scale = F.hardsigmoid(self.fc2(F.relu(self.fc1(self.avgpool(x)))))
        return scale * x


class Bneck(nn.Module):
    def __init__(self, into: int, kernel: int, wide: int, out: int, se: int, hs: bool, stride: int) -> None:
        super().__init__()
        act = nn.Hardswish if hs else nn.ReLU
        layers: list[nn.Module] = []
        if wide != into:
            layers += [nn.Conv2d(into, wide, 1, bias=False), nn.BatchNorm2d(wide), act()]
        layers += [nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False), nn.BatchNorm2d(wide)]
        layers += [act()]
        layers += [SqueezeExcite(wide, se)] if se else []
        layers += [nn.Conv2d(wide, out, 1, bias=False), nn.BatchNorm2d(out)]
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and into == out

    def forward(self, x):
        y = self.block(x)
        if self.residual:
            y += x
        return y


class MobileNetV3Small(nn.Module):
    def __init__(self, depth: int = 11, hidden: int = 1024) -> None:
        super().__init__()
        rows = [
            (3, 16, 16, 8, False, 2),
            (3, 72, 24, 0, False, 2),
            (3, 88, 24, 0, False, 1),
            (5, 96, 40, 24, True, 2),
            (5, 240, 40, 64, True, 1),
            (5, 240, 40, 64, True, 1),
            (5, 120, 48, 32, True, 1),
            (5, 144, 48, 40, True, 1),
            (5, 288, 96, 72, True, 2),
            (5, 576, 96, 144, True, 1),
            (5, 576, 96, 144, True, 1),
        ]
        layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish()]
        into = 16
        for kernel, wide, out, se, hs, stride in rows[:depth]:
            layers.append(Bneck(into, kernel, wide, out, se, hs, stride))
            into = out
        last = 6 * into
        layers += [nn.Conv2d(into, last, 1, bias=False), nn.BatchNorm2d(last), nn.Hardswish()]
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(last, hidden), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(hidden, 1000)
        )

    def forward(self, x):
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


# ResNeXt-50 32x4d (Xie et al. 2017), Wide-ResNet-50-2 (Zagoruyko, Komodakis 2016), SE-ResNet-50 (Hu et al. 2018).


class Bottleneck(nn.Module):
    def __init__(self, into: int, planes: int, stride: int, groups: int, base: int, se: int) -> None:
        super().__init__()
        width = int(planes * (base / 64.0)) * groups
        self.conv1 = nn.Conv2d(into, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, planes * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * 4)
        self.relu = nn.ReLU(inplace=True)
        self.se = ChannelGate(planes * 4, se) if se else None
        self.downsample = None
        if stride != 1 or into != planes * 4:
            self.downsample = nn.Sequential(
                nn.Conv2d(into, planes * 4, 1, stride, bias=False), nn.BatchNorm2d(planes * 4)
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.se is not None:
            out = self.se(out)
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ChannelGate(nn.Module):
    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // reduction, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(channels // reduction, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x):
        b, c, _, _ = x.size()
        y = F.adaptive_avg_pool2d(x, 1).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)


class ResNet(nn.Module):
    def __init__(self, layers=(3, 4, 6, 3), groups: int = 1, base: int = 64, se: int = 0, narrow: int = 1) -> None:
        super().__init__()
        self.into = 64 // narrow
        self.conv1 = nn.Conv2d(3, self.into, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(self.into)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for number, n in enumerate(layers):
            planes = 64 * 2**number // narrow
            blocks = []
            for index in range(n):
                stride = 2 if index == 0 and number else 1
                blocks.append(Bottleneck(self.into, planes, stride, groups, base, se))
                self.into = planes * 4
            setattr(self, f"layer{number + 1}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(self.into, 1000)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        x = torch.flatten(self.avgpool(x), 1)
        return self.fc(x)


# Inception v3 (Szegedy et al. 2015), as torchvision builds it, without the auxiliary classifier.


class BasicConv2d(nn.Module):
    def __init__(self, into: int, out: int, **window: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, bias=False, **window)
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class InceptionA(nn.Module):
    def __init__(self, into: int, pool: int) -> None:
        super().__init__()
        self.branch1x1 = BasicConv2d(into, 64, kernel_size=1)
        self.branch5x5_1 = BasicConv2d(into, 48, kernel_size=1)
        self.branch5x5_2 = BasicConv2d(48, 64, kernel_size=5, padding=2)
        self.branch3x3dbl_1 = BasicConv2d(into, 64, kernel_size=1)
        self.branch3x3dbl_2 = BasicConv2d(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = BasicConv2d(96, 96, kernel_size=3, padding=1)
        self.branch_pool = BasicConv2d(into, pool, kernel_size=1)

    def forward(self, x):
        five = self.branch5x5_2(self.branch5x5_1(x))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        pool = self.branch_pool(F.avg_pool2d(x, kernel_size=3, stride=1, padding=1))
        return torch.cat([self.branch1x1(x), five, three, pool], 1)


class InceptionB(nn.Module):
    def __init__(self, into: int) -> None:
        super().__init__()
        self.branch3x3 = BasicConv2d(into, 384, kernel_size=3, stride=2)
        self.branch3x3dbl_1 = BasicConv2d(into, 64, kernel_size=1)
        self.branch3x3dbl_2 = BasicConv2d(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = BasicConv2d(96, 96, kernel_size=3, stride=2)

    def forward(self, x):
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), three, F.max_pool2d(x, kernel_size=3, stride=2)], 1)


class InceptionC(nn.Module):
    def __init__(self, into: int, c7: int) -> None:
        super().__init__()
        row, column = {"kernel_size": (1, 7), "padding": (0, 3)}, {"kernel_size": (7, 1), "padding": (3, 0)}
        self.branch1x1 = BasicConv2d(into, 192, kernel_size=1)
        self.branch7x7_1 = BasicConv2d(into, c7, kernel_size=1)
        self.branch7x7_2 = BasicConv2d(c7, c7, **row)
        self.branch7x7_3 = BasicConv2d(c7, 192, **column)
        self.branch7x7dbl_1 = BasicConv2d(into, c7, kernel_size=1)
        self.branch7x7dbl_2 = BasicConv2d(c7, c7, **column)
        self.branch7x7dbl_3 = BasicConv2d(c7, c7, **row)
        self.branch7x7dbl_4 = BasicConv2d(c7, c7, **column)
        self.branch7x7dbl_5 = BasicConv2d(c7, 192, **row)
        self.branch_pool = BasicConv2d(into, 192, kernel_size=1)

    def forward(self, x):
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        pool = self.branch_pool(F.avg_pool2d(x, kernel_size=3, stride=1, padding=1))
        return torch.cat([self.branch1x1(x), seven, double, pool], 1)


class InceptionD(nn.Module):
    def __init__(self, into: int) -> None:
        super().__init__()
        self.branch3x3_1 = BasicConv2d(into, 192, kernel_size=1)
        self.branch3x3_2 = BasicConv2d(192, 320, kernel_size=3, stride=2)
        self.branch7x7x3_1 = BasicConv2d(into, 192, kernel_size=1)
        self.branch7x7x3_2 = BasicConv2d(192, 192, kernel_size=(1, 7), padding=(0, 3))
        self.branch7x7x3_3 = BasicConv2d(192, 192, kernel_size=(7, 1), padding=(3, 0))
        self.branch7x7x3_4 = BasicConv2d(192, 192, kernel_size=3, stride=2)

    def forward(self, x):
        three = self.branch3x3_2(self.branch3x3_1(x))
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([three, seven, F.max_pool2d(x, kernel_size=3, stride=2)], 1)


class InceptionE(nn.Module):
    def __init__(self, into: int) -> None:
        super().__init__()
        self.branch1x1 = BasicConv2d(into, 320, kernel_size=1)
        self.branch3x3_1 = BasicConv2d(into, 384, kernel_size=1)
        self.branch3x3_2a = BasicConv2d(384, 384, kernel_size=(1, 3), padding=(0, 1))
        self.branch3x3_2b = BasicConv2d(384, 384, kernel_size=(3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = BasicConv2d(into, 448, kernel_size=1)
        self.branch3x3dbl_2 = BasicConv2d(448, 384, kernel_size=3, padding=1)
        self.branch3x3dbl_3a = BasicConv2d(384, 384, kernel_size=(1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = BasicConv2d(384, 384, kernel_size=(3, 1), padding=(1, 0))
        self.branch_pool = BasicConv2d(into, 192, kernel_size=1)

    def forward(self, x):
        three = self.branch3x3_1(x)
        three = torch.cat([self.branch3x3_2a(three), self.branch3x3_2b(three)], 1)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        double = torch.cat([self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)], 1)
        pool = self.branch_pool(F.avg_pool2d(x, kernel_size=3, stride=1, padding=1))
        return torch.cat([self.branch1x1(x), three, double, pool], 1)


class InceptionV3(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = BasicConv2d(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = BasicConv2d(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = BasicConv2d(32, 64, kernel_size=3, padding=1)
        self.maxpool1 = nn.MaxPool2d(3, stride=2)
        self.Conv2d_3b_1x1 = BasicConv2d(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = BasicConv2d(80, 192, kernel_size=3)
        self.maxpool2 = nn.MaxPool2d(3, stride=2)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = InceptionA(192, 32), InceptionA(256, 64), InceptionA(288, 64)
        self.Mixed_6a = InceptionB(288)
        self.Mixed_6b, self.Mixed_6c = InceptionC(768, 128), InceptionC(768, 160)
        self.Mixed_6d, self.Mixed_6e = InceptionC(768, 160), InceptionC(768, 192)
        self.Mixed_7a = InceptionD(768)
        self.Mixed_7b, self.Mixed_7c = InceptionE(1280), InceptionE(2048)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout()
        self.fc = nn.Linear(2048, 1000)

    def forward(self, x):
        x = self.maxpool1(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        x = self.maxpool2(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))
        x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        x = torch.flatten(self.dropout(self.avgpool(x)), 1)
        return self.fc(x)


# VGG-19 with batch norm (Simonyan, Zisserman 2014).


class VGG19BN(nn.Module):
    def __init__(self, narrow: int = 1, hidden: int = 4096) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        into = 3
        for n, out in ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)):
            for _ in range(n):
                layers += [nn.Conv2d(into, out // narrow, 3, padding=1), nn.BatchNorm2d(out // narrow), nn.ReLU(True)]
                into = out // narrow
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(into * 49, hidden), nn.ReLU(True), nn.Dropout(), nn.Linear(hidden, hidden), nn.ReLU(True),
            nn.Dropout(), nn.Linear(hidden, 1000),
        )  # fmt: skip

    def forward(self, x):
        x = self.avgpool(self.features(x))
        return self.classifier(x.view(x.size(0), -1))


# DeepLab v3's head (Chen et al. 2017) on a small backbone.


class ASPPPooling(nn.Sequential):
    def forward(self, x):
        size = x.shape[-2:]
        for module in self:
            x = module(x)
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class DeepLab(nn.Module):
    def __init__(self, width: int = 32, rates=(6, 12, 18), classes: int = 21) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            conv_bn(3, width, 3, 2, 1), conv_bn(width, 2 * width, 3, 2, 1), conv_bn(2 * width, 4 * width, 3, 2, 1)
        )
        into = 4 * width
        self.branches = nn.ModuleList([conv_bn(into, width)])
        for rate in rates:
            conv = nn.Conv2d(into, width, 3, padding=rate, dilation=rate, bias=False)
            self.branches.append(nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU()))
        conv = nn.Conv2d(into, width, 1, bias=False)
        self.branches.append(ASPPPooling(nn.AdaptiveAvgPool2d(1), conv, nn.BatchNorm2d(width), nn.ReLU()))
        self.project = nn.Sequential(conv_bn(width * len(self.branches), width), nn.Dropout(0.5))
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        size = x.shape[-2:]
        x = self.backbone(x)
        x = torch.cat([branch(x) for branch in self.branches], dim=1)
        x = self.head(self.project(x))
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


# SegNet (Badrinarayanan, Kendall, Cipolla 2015), three levels deep.


class SegNet(nn.Module):
    def __init__(self, widths=(16, 32, 64), classes: int = 12) -> None:
        super().__init__()
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        into = 3
        for width in widths:
            self.down.append(nn.Sequential(conv_bn(into, width, 3, 1, 1), conv_bn(width, width, 3, 1, 1)))
            into = width
        for width in (*widths[-2::-1], classes):
            self.up.append(nn.Sequential(conv_bn(into, into, 3, 1, 1), nn.Conv2d(into, width, 3, padding=1)))
            into = width
        self.pool = nn.MaxPool2d(2, 2, return_indices=True)
        self.unpool = nn.MaxUnpool2d(2, 2)

    def forward(self, x):
        places = []
        for stage in self.down:
            x, indices = self.pool(stage(x))
            places.append(indices)
        for stage in self.up:
            x = stage(self.unpool(x, places.pop()))
        return x


# DCGAN's discriminator (Radford, Metz, Chintala 2015), as in PyTorch's tutorial.


class Discriminator(nn.Module):
    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(3, width, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width * 2, width * 4, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width * 4),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width * 4, width * 8, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width * 8),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width * 8, 1, 4, 1, 0, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.main(x)


# A small ViT (Dosovitskiy et al. 2020), its attention written out.


class SelfAttention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        b, n, c = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        attn = (q @ k.transpose(-2, -1)) * (c // self.heads) ** -0.5
        x = (attn.softmax(dim=-1) @ v).transpose(1, 2).reshape(b, n, c)
        return self.proj(x)


class EncoderBlock(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim), SelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, size: int = 32, patch: int = 8, dim: int = 48, depth: int = 4, heads: int = 3) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, dim, patch, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, dim))
        self.blocks = nn.ModuleList([EncoderBlock(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls_token.expand(x.shape[0], -1, -1), x), dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


# A Transformer's encoder and a classifier (Vaswani et al. 2017), by PyTorch's own modules.


class TextTransformer(nn.Module):
    def __init__(self, words: int = 1000, dim: int = 64, heads: int = 4, depth: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, dim)
        layer = nn.TransformerEncoderLayer(dim, heads, 4 * dim, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, nn.LayerNorm(dim), enable_nested_tensor=False)
        self.classifier = nn.Linear(dim, 5)
        self.scale = math.sqrt(dim)

    def forward(self, tokens):
        x = self.encoder(self.embedding(tokens) * self.scale)
        return self.classifier(x.mean(dim=1))


# CRNN (Shi, Bai, Yao 2015): convolutions, then LSTMs along the width.


class BidirectionalLSTM(nn.Module):
    def __init__(self, into: int, hidden: int, out: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(into, hidden, bidirectional=True, batch_first=True)
        self.embedding = nn.Linear(hidden * 2, out)

    def forward(self, x):
        recurrent, _ = self.rnn(x)
        return self.embedding(recurrent)


class CRNN(nn.Module):
    def __init__(self, width: int = 64, hidden: int = 256, classes: int = 37) -> None:
        super().__init__()
        w = width
        self.cnn = nn.Sequential(
            nn.Conv2d(1, w, 3, 1, 1), nn.ReLU(True), nn.MaxPool2d(2, 2),
            nn.Conv2d(w, 2 * w, 3, 1, 1), nn.ReLU(True), nn.MaxPool2d(2, 2),
            nn.Conv2d(2 * w, 4 * w, 3, 1, 1), nn.BatchNorm2d(4 * w), nn.ReLU(True),
            nn.Conv2d(4 * w, 4 * w, 3, 1, 1), nn.ReLU(True), nn.MaxPool2d((2, 2), (2, 1), (0, 1)),
            nn.Conv2d(4 * w, 8 * w, 3, 1, 1), nn.BatchNorm2d(8 * w), nn.ReLU(True),
            nn.Conv2d(8 * w, 8 * w, 3, 1, 1), nn.ReLU(True), nn.MaxPool2d((2, 2), (2, 1), (0, 1)),
            nn.Conv2d(8 * w, 8 * w, 2, 1, 0), nn.BatchNorm2d(8 * w), nn.ReLU(True),
        )  # fmt: skip
        self.rnn = nn.Sequential(BidirectionalLSTM(8 * w, hidden, hidden), BidirectionalLSTM(hidden, hidden, classes))

    def forward(self, x):
        x = self.cnn(x)
        x = x.squeeze(2).permute(0, 2, 1)
        return F.log_softmax(self.rnn(x), dim=2)


# U-Net with bilinear upsampling and padding of what comes up, as people write it for sizes of every kind.


class DoubleConv(nn.Module):
    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(conv_bn(into, out, 3, 1, 1), conv_bn(out, out, 3, 1, 1))

    def forward(self, x):
        return self.double_conv(x)


class Up(nn.Module):
    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.conv = DoubleConv(into, out)

    def forward(self, x1, x2):
        x1 = self.up(x1)
        dy = x2.size()[2] - x1.size()[2]
        dx = x2.size()[3] - x1.size()[3]
        x1 = F.pad(x1, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return self.conv(torch.cat([x2, x1], dim=1))


class UNet(nn.Module):
    def __init__(self, width: int = 8, classes: int = 2) -> None:
        super().__init__()
        self.inc = DoubleConv(3, width)
        self.down1 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(width, 2 * width))
        self.down2 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(2 * width, 4 * width))
        self.up1 = Up(6 * width, 2 * width)
        self.up2 = Up(3 * width, width)
        self.outc = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        return self.outc(self.up2(self.up1(x3, x2), x1))


# WaveNet's causal convolutions (van den Oord et al. 2016), padded by F.pad.


class CausalStack(nn.Module):
    def __init__(self, channels: int = 16, depth: int = 6) -> None:
        super().__init__()
        self.start = nn.Conv1d(1, channels, 1)
        self.filters = nn.ModuleList(nn.Conv1d(channels, channels, 2, dilation=2**i) for i in range(depth))
        self.gates = nn.ModuleList(nn.Conv1d(channels, channels, 2, dilation=2**i) for i in range(depth))

    def forward(self, x):
        x = self.start(x)
        total = 0
        for filt, gate in zip(self.filters, self.gates, strict=True):
            padded = F.pad(x, (filt.dilation[0], 0))
            y = torch.tanh(filt(padded)) * torch.sigmoid(gate(padded))
            total = total + y
            x = x + y
        return total


# An autoencoder that shares one decoder between two inputs (weights used twice).


class TwoHeads(nn.Module):
    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.encoder = nn.Sequential(conv_bn(1, width, 3, 2, 1), conv_bn(width, 2 * width, 3, 2, 1))
        self.head = nn.Linear(2 * width, 4)

    def forward(self, left, right):
        one, two = (self.head(self.encoder(x).mean((2, 3))) for x in (left, right))
        return one - two, torch.stack([one, two], dim=1)
