"""Test errors of the papers' tables.

    python -m benchmarks.accuracy --table mnist-ssl --stage tune     # choose on validation data
    python -m benchmarks.accuracy --table mnist-ssl --stage run      # all methods, several seeds
    python -m benchmarks.accuracy --table mnist-ssl --stage report   # the table, nothing trained

`--scale 0.1` makes a tenth of the papers' updates, with the learning rate's decay in proportion.
Every finished training is one line of `results/accuracy/<table>.<stage>.jsonl`; one that was
stopped goes on from its last epoch when the same command is given again. Several processes may
share a table if they train different methods. Needs TFDS_DATA_DIR, but for digits and sine waves.
"""

import argparse
import fnmatch
import logging
import pathlib
import re
import shutil
import sys

from benchmarks import report
from benchmarks.accuracy import data, results
from benchmarks.accuracy.progress import Progress
from benchmarks.accuracy.tables import TABLES
from benchmarks.accuracy.training import train


def path_of(arguments, stage):
    return arguments.results / "accuracy" / f"{arguments.table}.{stage}.jsonl"


def jobs(arguments):
    """The trainings of a command: dictionaries that their results will contain."""
    table, tuning = TABLES[arguments.table], arguments.stage == "tune"
    tuned = results.read(path_of(arguments, "tune"))
    found = []
    for seed in arguments.seeds or (table.tune_seeds if tuning else table.seeds):
        for method in arguments.methods:
            row = table.rows[method]
            updates = table.updates(method, arguments.updates, arguments.scale)
            if arguments.hyper_parameters:
                choices = arguments.hyper_parameters
            elif tuning:
                choices = row.grid if len(row.grid) > 1 else ()
            else:
                choices = [results.choose(method, row, updates, tuned)]
            for chosen in choices:
                more = {"seed": seed, "updates": updates, "dtype": arguments.dtype}
                found.append({"method": method, **chosen, **more})
    return found


def work(arguments):
    """Trains what has not been trained yet."""
    table, path = TABLES[arguments.table], path_of(arguments, arguments.stage)
    done = results.read(path)
    todo = [job for job in jobs(arguments) if not results.is_done(job, done)]
    if not todo:
        return
    check_data(table.dataset)
    # TensorFlow takes each training's new function for a retracing.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    progress = Progress(todo)
    for number, job in enumerate(todo):
        if results.is_done(job, results.read(path)):
            continue  # by another process
        progress.begin(number)
        result = {
            **job,
            **attempt(table, job, arguments.stage, progress, backup_of(job, arguments)),
        }
        results.append(path, {**result, **report.environment()})
        print({key: value for key, value in result.items() if key != "curve"}, flush=True)


def check_data(dataset):
    """Ends the program if the data set is not there."""
    try:
        data.load(dataset, seed=0)
    except (FileNotFoundError, ImportError) as error:
        leave(str(error))


def backup_of(job, arguments):
    """The folder of a training that is going on."""
    words = [arguments.table, arguments.stage, *(f"{key}={value}" for key, value in job.items())]
    return arguments.results / "running" / re.sub(r"[^\w.=]+", "-", " ".join(words))


def attempt(table, job, stage, progress, backup):
    """Trains; a training that diverges is a result, too."""
    supervised = table.rows[job["method"]].settings.num_labels is None
    validation_rows = 0 if supervised and stage == "run" else table.validation_rows
    try:
        return train(table, job, validation_rows, [progress], backup)
    except FloatingPointError as error:
        shutil.rmtree(backup, ignore_errors=True)
        return {"failed": str(error)}


def leave(message):
    print(message, file=sys.stderr)
    sys.exit(2)


def hyper_parameters(text):
    return {name: float(value) for name, value in (p.split("=") for p in text.split(","))}


def positive(kind):
    """A type for numbers above 0."""

    def number(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
        return value

    return number


def parse():
    parser = argparse.ArgumentParser(
        "python -m benchmarks.accuracy", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--table", choices=TABLES, required=True)
    stages = "tune chooses hyper-parameters on held-out rows, run (the default) trains with these"
    parser.add_argument("--stage", choices=("tune", "run", "report"), default="run", help=stages)
    rows = 'rows of the table, or patterns such as "conv-small*"; quote names with blanks'
    parser.add_argument("--methods", nargs="+", default=["*"], help=rows)
    parser.add_argument(
        "--hyper-parameters",
        nargs="+",
        type=hyper_parameters,
        help="in place of the chosen ones: epsilon=2 or epsilon=1.5,radius=2,threshold=0.01",
    )
    parser.add_argument("--seeds", nargs="+", type=int, help="default: the table's")
    length = parser.add_mutually_exclusive_group()
    updates = "of one training, down to whole epochs of the table; default: the paper's number"
    length.add_argument("--updates", type=positive(int), help=updates)
    length.add_argument(
        "--scale", type=positive(float), default=1.0, help="share of the papers' updates"
    )
    parser.add_argument("--dtype", default="float32", help="such as mixed_bfloat16")
    folder = "folder; default: benchmarks/results"
    parser.add_argument("--results", type=pathlib.Path, default=report.RESULTS, help=folder)
    arguments = parser.parse_args()

    rows = TABLES[arguments.table].rows
    chosen = set()
    for pattern in arguments.methods:
        matched = fnmatch.filter(rows, pattern)
        if not matched:
            parser.error(f"no row is called {pattern!r}; there are {list(rows)}")
        chosen.update(matched)
    arguments.methods = [name for name in rows if name in chosen]
    for given in arguments.hyper_parameters or ():
        for method in arguments.methods:
            if set(given) != set(rows[method].names):
                parser.error(f"{method} has the hyper-parameters {list(rows[method].names)}")
    return arguments


def main():
    arguments = parse()
    if arguments.stage != "report":
        work(arguments)
    if arguments.stage != "tune":
        found = results.read(path_of(arguments, "run"))
        rows = results.summary(TABLES[arguments.table], found)
        if not rows:
            leave(f"No training of {arguments.table} has come to its end yet.")
        print(report.table(rows))
        report.RESULTS = arguments.results
        report.save(f"accuracy-{arguments.table}", rows)


if __name__ == "__main__":
    main()
