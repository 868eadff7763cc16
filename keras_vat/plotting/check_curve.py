def check_curve(curve):
    """Raises unless it has what a `RobustnessCurve` has."""
    needed = ("names", "epsilons", "errors", "predictions", "counted")
    if not all(hasattr(curve, name) for name in needed):
        raise TypeError(
            "`curve` must be what `robustness_curve` returned. "
            f"Received: curve={curve!r} (of type {type(curve).__name__})"
        )
