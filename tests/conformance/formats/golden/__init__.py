"""How a converted file is held against the facts of a reference corpus: nothing of the engine is used but its report."""
