"""How a drop arrives: the ledger claims each version once; receipts and rejections answer it."""
