"""Colours that people with any kind of colour vision can tell apart, and marks for print."""

# Okabe and Ito's set, the two most different first; black is left to lines and text, and Tol's
# indigo stands for their yellow, which is too pale for a line on white.
CATEGORIES = (
    "#0072B2",  # blue
    "#D55E00",  # vermilion
    "#009E73",  # green
    "#CC79A7",  # purple
    "#E69F00",  # orange
    "#56B4E9",  # sky blue
    "#332288",  # indigo
)

# Beside the colours, so that curves differ in black and white, too.
MARKERS = "osD^v"
DASHES = ("-", "--", ":", "-.")

# From little to much, as in the LDS maps of VAT's figure 1.
LOW_TO_HIGH = ("#E8E8E8", "#6BAED6", "#08306B")

NEUTRAL = "#8C8C8C"
