"""How a converted file is held against the facts of a reference corpus; of the engine only its report is used."""
