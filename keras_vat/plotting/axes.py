def axes_or_new(ax=None, figsize=None):
    """Returns `ax`, or the axes of a new figure; only then is `matplotlib.pyplot` imported."""
    if ax is not None:
        if not hasattr(ax, "imshow"):
            raise TypeError(
                "`ax` must be matplotlib axes or None. "
                f"Received: ax={ax!r} (of type {type(ax).__name__})"
            )
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Plots need matplotlib. Install it with `pip install matplotlib`."
        ) from error
    return plt.subplots(figsize=figsize, layout="constrained")[1]
