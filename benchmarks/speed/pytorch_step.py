"""A step of VAT on Conv-Small in PyTorch, with no gradient that is not used.

A program of its own, as PyTorch need not be where Keras is: `beside_pytorch.py` runs it by a Python
that has PyTorch and nothing else. Prints the milliseconds of each repeat as JSON.

    python -m benchmarks.speed.pytorch_step
"""

import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional

FILTERS = (96, 96, 96, 192, 192, 192, 192, 192, 192)


def conv_small():
    """`keras_vat.classifiers.conv_small("cifar10")`."""
    layers, channels = [], 3
    for number, width in enumerate(FILTERS, start=1):
        kernel = 3 if number <= 7 else 1
        padding = 1 if number < 7 else 0
        layers += [
            nn.Conv2d(channels, width, kernel, padding=padding, bias=False),
            nn.BatchNorm2d(width, eps=1e-6, momentum=0.01),
            nn.LeakyReLU(0.1),
        ]
        if number in (3, 6):
            layers += [nn.MaxPool2d(2, 2), nn.Dropout(0.5)]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def unit(r):
    return r / r.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


def divergence(target, logits):
    p = target.softmax(dim=1)
    return (p * (target.log_softmax(dim=1) - logits.log_softmax(dim=1))).sum(dim=1).mean()


def make_step(labeled, unlabeled, channels_last):
    """The step as a function of no arguments: the passes that `keras_vat` makes."""
    memory = torch.channels_last if channels_last else torch.contiguous_format
    net = conv_small().to(memory_format=memory).train()
    optimizer = torch.optim.Adam(net.parameters(), 1e-4, eps=1e-7)
    x = torch.rand(labeled, 3, 32, 32).to(memory_format=memory)
    y = torch.randint(10, (labeled,))
    more = torch.rand(unlabeled, 3, 32, 32).to(memory_format=memory)

    def step():
        loss = functional.cross_entropy(net(x), y)
        with torch.no_grad():
            target = net(more)
        d = unit(torch.randn_like(more)).requires_grad_()
        (slope,) = torch.autograd.grad(divergence(target, net(more + d)), d)
        loss = loss + divergence(target, net(more + unit(slope)))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs=2, default=[32, 32], help="default: 32 32")
    parser.add_argument("--repeats", type=int, default=5, help="default: 5")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    found = {}
    for name, channels_last in {"channels first": False, "channels last": True}.items():
        step = make_step(*arguments.rows, channels_last)
        step(), step()
        found[name] = []
        for _ in range(arguments.repeats):
            start = time.perf_counter()
            step()
            found[name].append(1e3 * (time.perf_counter() - start))
    print(json.dumps({"PyTorch": torch.__version__, "ms": found}))


if __name__ == "__main__":
    main()
