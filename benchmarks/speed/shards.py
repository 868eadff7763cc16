"""Sharded TFRecord files of images of CIFAR-10's size, and semi-supervised batches of them."""

import pathlib

import numpy as np
import tensorflow as tf

from keras_vat.data import semi_supervised

IMAGE = (32, 32, 3)
LABELED, UNLABELED = 32, 128  # rows of a batch
ROWS = 50_000  # in memory
SOURCES = ("arrays", "shards", "shards, decoded one by one", "shards, two servers")
FEATURES = {"image": tf.io.FixedLenFeature((), tf.string)}


def write(folder, gigabytes, shards=32):
    """Writes random images as `tf.train.Example`; returns the files' paths, and how many rows."""
    random = np.random.default_rng(0)
    examples = []
    for _ in range(1000):  # what is in them doesn't matter
        image = tf.train.BytesList(value=[random.bytes(int(np.prod(IMAGE)))])
        features = tf.train.Features(feature={"image": tf.train.Feature(bytes_list=image)})
        examples.append(tf.train.Example(features=features).SerializeToString())
    rows = int(1e9 * gigabytes / shards / len(examples[0]))
    paths = [str(pathlib.Path(folder) / f"{shard:03}.tfrecord") for shard in range(shards)]
    for path in paths:
        with tf.io.TFRecordWriter(path) as writer:
            for row in range(rows):
                writer.write(examples[row % len(examples)])
    return paths, rows * shards


def read(paths, repeat=True):
    """The rows as they are written, from eight files at a time; of ever new passes, or of one."""
    files = tf.data.Dataset.from_tensor_slices(paths).shuffle(len(paths), seed=0)
    return (files.repeat() if repeat else files).interleave(
        tf.data.TFRecordDataset, cycle_length=8, num_parallel_calls=tf.data.AUTOTUNE
    )


def decode(serialized):
    """The pixels of one `Example` or of a batch of them, as bytes."""
    parse = tf.io.parse_example if serialized.shape.rank else tf.io.parse_single_example
    pixels = tf.io.decode_raw(parse(serialized, FEATURES)["image"], "uint8")
    return tf.reshape(pixels, tf.concat([tf.shape(serialized), IMAGE], 0))


def scale(pixels):
    return tf.cast(pixels, "float32") / 255


def batches(source, paths, service=None):
    """Endless batches of one of `SOURCES`; `service`: the address of the dispatcher."""
    labels, augment = np.arange(1000) % 10, scale
    if source == "arrays":
        images = np.random.default_rng(1).integers(0, 256, (ROWS, *IMAGE), "uint8")
        labeled, unlabeled = (images[:1000], labels), images
    else:
        examples = np.array(list(read(paths).take(1000).as_numpy_iterator()), object)
        labeled, unlabeled = (decode(tf.constant(examples)).numpy(), labels), read(paths)
    if source == "shards":
        labeled, augment = (examples, labels), lambda serialized: scale(decode(serialized))
    elif source == "shards, decoded one by one":
        unlabeled = unlabeled.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    elif source == "shards, two servers":
        decoded = read(paths, repeat=False).batch(UNLABELED).map(decode)
        policy = tf.data.experimental.service.ShardingPolicy.DYNAMIC
        distribute = tf.data.experimental.service.distribute(policy, service)
        unlabeled = decoded.apply(distribute).unbatch()
    return semi_supervised(
        labeled, unlabeled, LABELED, UNLABELED, augment=augment, seed=0, repeat=True
    )
