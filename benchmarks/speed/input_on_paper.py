"""What 10^9 unlabelled rows on 64 accelerators ask of processors, disks and network, on paper."""

import time

import keras
import numpy as np
import tensorflow as tf

import keras_vat
from benchmarks.speed.distribution import operations_and_bytes

ROWS, ACCELERATORS, OF_A_MACHINE = 10**9, 64, 8
BATCH = 32, 128  # labelled and unlabelled rows of one accelerator
SPEEDS = {  # operations a second in fact
    "20 TFLOP/s": 2e13,
    "400 TFLOP/s": 4e14,  # four tenths of what a card of 2024 promises in bfloat16
}
LINK = 400e9 / 8  # bytes a second between machines
SHUFFLED = 50_000  # rows in the buffer of a machine
PHOTOGRAPH = (375, 500, 3)


def photograph():
    """A JPEG of the size of ImageNet's, and the seconds that reading it to 224 x 224 takes."""
    coarse = np.random.default_rng(0).uniform(0, 255, (25, 32, 3))
    fine = np.random.default_rng(1).normal(0, 20, PHOTOGRAPH)
    image = np.clip(tf.image.resize(coarse, PHOTOGRAPH[:2]) + fine, 0, 255).astype("uint8")
    encoded = tf.io.encode_jpeg(image, quality=90)
    start = time.process_time()
    for _ in range(100):
        tf.image.resize(tf.io.decode_jpeg(encoded), (224, 224))
    return len(encoded.numpy()), (time.process_time() - start) / 100


def on_paper(row_seconds):
    """A row for each kind of rows and speed of accelerator.

    Args:
        row_seconds: A processor's seconds for reading one small image.
    """
    jpeg_bytes, jpeg_seconds = photograph()
    resnet = keras.applications.ResNet50(weights=None)
    kinds = {
        "32 x 32, conv_large": (
            operations_and_bytes(keras_vat.classifiers.conv_large()),
            3_100,
            row_seconds,
        ),
        "photographs, ResNet-50": (operations_and_bytes(resnet), jpeg_bytes, jpeg_seconds),
    }
    machines = ACCELERATORS // OF_A_MACHINE
    found = []
    for kind, ((forward, weights), row_bytes, seconds) in kinds.items():
        for name, speed in SPEEDS.items():
            # VAT: 3 passes over labelled rows, 6 over unlabelled ones.
            computing = (3 * BATCH[0] + 6 * BATCH[1]) * forward / speed
            sent = 2 * (ACCELERATORS - 1) / ACCELERATORS * weights  # bytes of gradients, in a ring
            step = computing + sent / LINK
            rate = ACCELERATORS * BATCH[1] / step  # unlabelled rows a second
            found.append(
                {
                    "rows, net": kind,
                    "accelerator": name,
                    "TB": ROWS * row_bytes / 1e12,
                    "files of 200 MB": round(ROWS * row_bytes / 2e8),
                    "hours of a pass": ROWS / rate / 3600,
                    "GB/s from disks": rate * row_bytes / 1e9,
                    "Gbit/s into a machine": 8e-9 * rate * row_bytes / machines,
                    "Gbit/s of gradients": 8e-9 * sent / step,
                    "cores of a machine": rate * seconds / machines,
                    "% in shuffle buffers": 100 * SHUFFLED * machines / ROWS,
                }
            )
    return found
