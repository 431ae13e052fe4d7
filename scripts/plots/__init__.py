"""One module per plot. Each has NAME, and draw(results, options) which yields (file name, figure) pairs."""
