"""Writers of the receivers' files. Each reads a ``Run`` and nothing else, and every figure ties to the ledger's results."""
