"""Files into the ledger. What reads, maps and checks them is pure; see each module."""
