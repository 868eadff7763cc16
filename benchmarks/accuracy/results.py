"""The files of finished trainings, one JSON line each, and what they say together."""

import json
import math
from collections import defaultdict

import numpy as np


def read(path):
    """All trainings in a file; the earliest ones did not note their dtype."""
    lines = path.read_text().splitlines() if path.exists() else []
    results = []
    for number, line in enumerate(lines, 1):
        try:
            results.append({"dtype": "float32", **json.loads(line)})
        except json.JSONDecodeError as error:
            raise ValueError(
                f"Line {number} of {path} is no JSON, as if it was cut off; take it out and that "
                "training is made again."
            ) from error
    return results


def append(path, result):
    """Adds a line in a single write: other processes may be adding theirs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as file:
        file.write(json.dumps(result).encode() + b"\n")


def is_done(job, results):
    """Whether a training with a job's numbers is among the results."""
    return any(job.items() <= result.items() for result in results)


def choose(name, row, updates, tuned):
    """Hyper-parameters with the smallest validation error at this number of updates.

    Where `tune` has not been run, the middle of the grid.
    """
    errors = defaultdict(list)
    for result in tuned:
        if (result["method"], result["updates"]) == (name, updates) and "failed" not in result:
            errors[tuple(result[key] for key in row.names)].append(result["validation error"])
    if not errors:
        return row.grid[len(row.grid) // 2]
    best = min(errors, key=lambda choice: np.mean(errors[choice]))
    return dict(zip(row.names, best, strict=True))


def summary(table, results):
    """One line for each method, hyper-parameters, number of updates and dtype, over the seeds."""
    groups = defaultdict(list)
    for result in results:
        if "failed" not in result:
            chosen = tuple(result[key] for key in table.rows[result["method"]].names)
            key = (result["method"], chosen, result["updates"], result["dtype"])
            groups[key].append(result)
    order = list(table.rows)
    keys = sorted(groups, key=lambda key: (-key[2], key[3], order.index(key[0]), key[1]))
    papers = dict.fromkeys(paper for key in keys for paper in table.rows[key[0]].papers)
    return [summary_line(table, key, groups[key], papers) for key in keys]


def summary_line(table, key, results, papers):
    method, chosen, updates, dtype = key
    row = table.rows[method]
    of_training = "test error, moving averages of training"
    errors = [result["test error" if row.reestimate else of_training] for result in results]
    mean = float(np.mean(errors))
    line = {
        "method": method,
        "hyper-parameters": describe(dict(zip(row.names, chosen, strict=True))),
        "updates": updates,
        "the paper's updates": row.settings.num_updates,
        "dtype": dtype,
        "seeds": len(errors),
        "test error, %": mean,
        "standard deviation": float(np.std(errors, ddof=1)) if len(errors) > 1 else "",
        "moving averages of training, %": average(results, of_training),
        "best, %": average(results, "best test error"),
    }
    if table.target_error is not None:
        line[f"epochs to {table.target_error:g} %"] = epochs_to(table.target_error, results)
    for paper in papers:
        line[f"{paper}, %"] = row.papers.get(paper, "")
        line[f"ours - {paper}"] = mean - row.papers[paper] if paper in row.papers else ""
    return line


def average(results, key):
    return float(np.mean([result[key] for result in results]))


def epochs_to(target, results):
    """The median over the seeds; those that never got there count as infinity."""
    reached = [
        next((i for i, error in enumerate(result["curve"], 1) if error <= target), math.inf)
        for result in results
    ]
    median = float(np.median(reached))
    return median if math.isfinite(median) else "not reached"


def describe(chosen):
    return ", ".join(f"{name}={value:g}" for name, value in chosen.items())
