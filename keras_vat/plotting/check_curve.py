def check_curve(curve):
    """Raises unless it has what a `RobustnessCurve` has."""
    if not all(hasattr(curve, name) for name in ("names", "epsilons", "errors", "predictions")):
        raise TypeError(
            "`curve` must be what `robustness_curve` returned. "
            f"Received: curve={curve!r} (of type {type(curve).__name__})"
        )
